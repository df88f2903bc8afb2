// The accounts on this phone: brought up to date, lost, removed.
import { Refused, Removed, Unreachable } from "./errors.js";
import { open } from "./jwe.js";
import { importTOTP } from "./totp.js";

const known = "portvakt.authenticator.known";

export class Accounts {
  #tools;
  #leaving = new Set(); // accounts that are being removed here

  // tools: api, store, storage (localStorage), fetch, issuer, now.
  constructor(tools) {
    this.#tools = tools;
  }

  // list has the paired accounts in the order in which they came.
  async list() {
    const all = await this.#tools.store.all("accounts");
    return all.filter(({ state }) => state === "active").sort((a, b) => a.since - b.since);
  }

  // unfinished is an account whose pairing was interrupted, or undefined.
  async unfinished() {
    const all = await this.#tools.store.all("accounts");
    for (const { id, state, expires } of all) {
      if (state === "pairing" && expires < this.#tools.now()) await this.#tools.store.delete("accounts", id);
    }
    return all.find(({ state, expires }) => state === "granted" || (state === "pairing" && expires >= this.#tools.now()));
  }

  // refresh asks for the account's names, its key for codes and the server's clock.
  async refresh(id) {
    const { api, store, now } = this.#tools;
    const told = await api.call(id, "GET", "/push/account");
    const before = await store.get("accounts", id);
    if (!before) throw new Removed("removed meanwhile");
    const totp = told.totp ? await unseal(before.decryption, told.totp) : undefined;
    const account = await store.update("accounts", id, (old) => ({
      ...old,
      state: "active",
      since: old.since ?? now(),
      keyID: told.key_id,
      account: told.account,
      name: told.name ?? "",
      address: told.address ?? "",
      employer: told.employer ?? "",
      vapid: told.vapid,
      subscribed: Boolean(told.subscribed),
      offset: told.now ? told.now - now() : 0,
      totp: totp ?? old.totp,
    }));
    if (!account) throw new Removed("removed meanwhile");
    if (told.lost_token) this.#remember(account, told.lost_token);
    return account;
  }

  // leave unbinds the account at the issuer, then forgets it here.
  async leave(id) {
    this.#leaving.add(id);
    try {
      await this.#tools.api.call(id, "DELETE", "/push/account");
    } catch (error) {
      if (!(error instanceof Removed) && error.code !== "invalid_token") throw error;
    } finally {
      this.#leaving.delete(id);
    }
    await this.forget(id);
  }

  // removed forgets an account that was removed elsewhere, and keeps a word about it
  // for the person. What she removes here herself is no news to her.
  async removed(id) {
    const { store, now } = this.#tools;
    if (this.#leaving.has(id)) return null;
    const account = await store.get("accounts", id);
    await this.forget(id);
    if (account?.state !== "active") return null;
    const { name, address, employer } = account;
    const word = { id, name, address, employer, at: now() };
    await store.put("removed", word);
    return word;
  }

  // forget takes the account from the list of the known ones first: were this
  // interrupted, keys that nobody asks for would stay; never the other way round.
  async forget(id) {
    const { api, store, storage } = this.#tools;
    storage.setItem(known, JSON.stringify(this.#known().filter((entry) => entry.id !== id)));
    api.forget(id);
    await store.delete("accounts", id);
  }

  // lost finds accounts whose keys the browser has thrown away, tells the issuer, and
  // returns them. They are told of until the person has seen it.
  async lost() {
    const { store, fetch, issuer } = this.#tools;
    const missing = [];
    for (const entry of this.#known()) {
      if (await store.get("accounts", entry.id)) continue;
      missing.push(entry);
      if (entry.told) continue;
      const body = JSON.stringify({ token: entry.token });
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch(`${issuer}/push/lost`, { method: "POST", headers, body, credentials: "omit" }).catch(() => null);
      if (answer && answer.status < 500) this.#change(entry.id, { told: true });
    }
    return missing;
  }

  // seen ends the telling of a lost account.
  seen(id) {
    this.#tools.storage.setItem(known, JSON.stringify(this.#known().filter((entry) => entry.id !== id)));
  }

  #known() {
    try {
      const list = JSON.parse(this.#tools.storage.getItem(known) ?? "[]");
      return Array.isArray(list) ? list : [];
    } catch {
      return [];
    }
  }

  #remember({ id, name, address, employer }, token) {
    const others = this.#known().filter((entry) => entry.id !== id);
    this.#tools.storage.setItem(known, JSON.stringify([...others, { id, name, address, employer, token }]));
  }

  #change(id, change) {
    const list = this.#known().map((entry) => (entry.id === id ? { ...entry, ...change } : entry));
    this.#tools.storage.setItem(known, JSON.stringify(list));
  }
}

// unseal reads the account's key for codes. One that cannot be read leaves the old one
// in place: approving works without.
async function unseal(decryption, sealed) {
  try {
    return await importTOTP(JSON.parse(await open(decryption, sealed)));
  } catch (error) {
    console.warn("the key for codes cannot be read", error.message);
    return undefined;
  }
}

// isTransient says whether it makes sense to try again.
export const isTransient = (error) => error instanceof Unreachable || (error instanceof Refused && error.status === 429);
