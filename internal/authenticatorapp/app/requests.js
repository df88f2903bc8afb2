// The requests that wait for an answer, of all accounts. Each account has a stream of
// events; with many accounts the later ones ask now and then instead, because
// a browser holds few connections to one server.
import { Refused, Removed, Unreachable } from "./errors.js";
import { events } from "./sse.js";

const streams = 3;
const silence = 45_000; // milliseconds: a comment comes every 15 seconds
const askEvery = 10_000;
const longest = 30_000;

export class Requests {
  #tools;
  #waiting = new Map(); // by id: {accountID, request, offset}
  #on;
  #stop = null;

  // tools: api, now, sleep. on: added(entry), gone(id, how, elsewhere), removed(accountID),
  // changed(), failed(error).
  constructor(tools, on) {
    this.#tools = tools;
    this.#on = on;
  }

  // waiting lists what can still be answered, newest first.
  waiting() {
    const now = this.#tools.now();
    return [...this.#waiting.values()].filter((e) => endOf(e) > now).sort((a, b) => b.request.exp - a.request.exp);
  }

  find = (id) => this.#waiting.get(id);

  // listen begins anew for these accounts: after a pause the old connections may be dead.
  listen(accounts) {
    this.pause();
    const stop = new AbortController();
    this.#stop = stop;
    accounts.forEach((account, i) => {
      const watch = i < streams ? this.#read : this.#askForOne;
      this.#repeat(account, watch.bind(this), stop.signal);
    });
  }

  pause() {
    this.#stop?.abort();
    this.#stop = null;
  }

  // ask fetches what is waiting for an account.
  async ask(account) {
    const { challenges } = await this.#tools.api.call(account.id, "GET", "/push/challenges");
    const there = new Set(challenges.map(({ id }) => id));
    for (const [id, entry] of this.#waiting) {
      if (entry.accountID === account.id && !there.has(id)) this.#drop(id, "expired", false);
    }
    for (const request of challenges.toReversed()) this.#add(account, request);
  }

  // settle takes away a request that was answered here.
  settle(id) {
    if (this.#waiting.delete(id)) this.#on.changed();
  }

  // sweep takes away what has expired.
  sweep() {
    const now = this.#tools.now();
    for (const [id, entry] of this.#waiting) if (endOf(entry) <= now) this.#drop(id, "expired", false);
  }

  // clear takes away an account's requests.
  clear(accountID) {
    for (const [id, entry] of this.#waiting) if (entry.accountID === accountID) this.settle(id);
  }

  async #repeat(account, watch, signal) {
    let pause = 250;
    while (!signal.aborted) {
      try {
        await watch(account, signal);
        pause = 250;
      } catch (error) {
        if (signal.aborted) return;
        if (isOver(error)) return this.#on.removed(account.id);
        if (!(error instanceof Unreachable) && !(error instanceof Refused)) this.#on.failed(error);
        pause = Math.min(pause * 2, longest);
      }
      await this.#tools.sleep(pause, signal);
    }
  }

  async #askForOne(account, signal) {
    await this.ask(account);
    await this.#tools.sleep(askEvery, signal);
  }

  // read follows the stream until it ends, which it does with its access token. A
  // stream that has gone silent is given up: its connection is dead.
  async #read(account, signal) {
    const dog = new Watchdog(signal);
    try {
      const answer = await this.#tools.api.open(account.id, "GET", "/push/events", { signal: dog.signal });
      if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => null));
      for await (const { type, data } of events(answer.body, () => dog.wind())) this.#take(account, type, data);
    } finally {
      dog.stop();
    }
  }

  #take(account, type, data) {
    const told = data ? JSON.parse(data) : {};
    if (type === "challenge") this.#add(account, told);
    if (type === "gone") this.#drop(told.id, told.how, told.elsewhere);
    if (type === "removed") throw new Removed("removed");
  }

  #add(account, request) {
    if (this.#waiting.has(request.id)) return;
    const entry = { accountID: account.id, request, offset: account.offset ?? 0 };
    if (endOf(entry) <= this.#tools.now()) return;
    this.#waiting.set(request.id, entry);
    this.#on.added(entry);
    this.#on.changed();
  }

  #drop(id, how, elsewhere) {
    const entry = this.#waiting.get(id);
    if (!entry) return;
    this.#waiting.delete(id);
    this.#on.gone(id, how, elsewhere, entry);
    this.#on.changed();
  }
}

// endOf is when a request ends by this phone's clock, which may be off.
export const endOf = ({ request, offset }) => request.exp * 1000 - offset;

const isOver = (error) => error instanceof Removed || (error instanceof Refused && error.code === "invalid_token");

// Watchdog aborts what has been silent for too long, or when it is told to.
class Watchdog {
  #abort = new AbortController();
  #timer;

  constructor(outer) {
    outer.addEventListener("abort", () => this.#abort.abort(), { once: true });
    this.wind();
  }

  get signal() {
    return this.#abort.signal;
  }

  wind() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort(), silence);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }
}
