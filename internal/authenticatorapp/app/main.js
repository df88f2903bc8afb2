// The app's start: reads the address, joins the modules, shows screens. What a screen
// looks like stands in screen_*.js, what happens in the others.
import { API } from "./api.js";
import { Accounts } from "./accounts.js";
import { send } from "./answer.js";
import { Removed } from "./errors.js";
import { readLink } from "./pairing.js";
import { mustInstall } from "./platform.js";
import { Push } from "./push.js";
import { Requests } from "./requests.js";
import { openStore } from "./store.js";
import { chooseLanguage, keepLanguage, printer } from "./texts.js";
import { Screens, el, link } from "./view.js";
import * as adding from "./screen_add.js";
import * as home from "./screen_home.js";
import * as request from "./screen_request.js";
import * as settings from "./screen_settings.js";

const here = new URL("./", import.meta.url);
const base = new URL("../", import.meta.url);
const fresh = 60_000; // milliseconds for which the accounts' names are not asked for again

const routes = [
  [/^$|^#\/?$/, home.home],
  [/^#\/install$/, adding.install],
  [/^#\/add$/, adding.scanning],
  [/^#\/add\/key$/, adding.typing],
  [/^#\/add\/other$/, adding.other],
  [/^#\/pair$/, adding.pairing],
  [/^#\/paired\/([\w-]+)$/, adding.paired],
  [/^#\/requests$/, request.list],
  [/^#\/request\/([^/]+)$/, request.one],
  [/^#\/denied\/([^/]+)$/, request.denied],
  [/^#\/done\/(approved|denied|reported|tested|answered|refused|disowned)$/, request.done],
  [/^#\/gone\/(\w+)(\/elsewhere)?$/, request.gone],
  [/^#\/notifications$/, settings.notifications],
  [/^#\/account\/([\w-]+)$/, settings.account],
  [/^#\/account\/([\w-]+)\/remove$/, settings.remove],
  [/^#\/other\/([\w-]+)$/, settings.otherCode],
];

const sleep = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });

export class App {
  installing = null; // the browser's own offer to install the app
  answered = new Map(); // by id: what was denied here, for "was it you?"
  #refreshed = 0;
  #drawn = 0;
  #shown = 0;
  #late = null; // a request that came while a screen was being drawn
  #stale = false;

  constructor(config, texts, lang, store) {
    const fetch = (...args) => window.fetch(...args);
    const now = Date.now;
    this.config = config;
    this.issuer = config.issuer;
    this.lang = lang;
    this.calendar = lang === "en" ? "en-GB" : lang; // 24 hours, as everywhere in the Nordic countries
    this.store = store;
    this.now = now;
    this.sleep = sleep;
    this.t = printer(texts);
    this.api = new API(config.issuer, store, { fetch, locks: navigator.locks, now });
    this.tools = { api: this.api, store, storage: localStorage, fetch, issuer: config.issuer, now, sleep };
    this.accounts = new Accounts(this.tools);
    this.push = new Push({ api: this.api, store, browser: {
      registration: () => navigator.serviceWorker.ready, Notification: window.Notification, PushManager: "serviceWorker" in navigator ? window.PushManager : undefined,
    } });
    this.requests = new Requests(this.tools, {
      added: (entry) => this.#arrived(entry),
      gone: (id, how, elsewhere, entry) => this.#gone(id, how, elsewhere, entry),
      removed: (id) => this.removed(id),
      changed: () => this.redraw(),
      failed: (error) => console.warn(error),
    });
    this.screens = new Screens(this.t);
  }

  async start() {
    this.#drawFooter();
    this.#watch();
    await this.#open();
    setInterval(() => this.requests.sweep(), 1000);
    await this.refresh();
  }

  // go shows the screen of an address. The address that stands there already is shown anew.
  go(hash) {
    if (location.hash === hash) return this.#route();
    location.hash = hash;
  }

  // replace is go without a way back.
  replace(hash) {
    history.replaceState(null, "", base.pathname + hash);
    return this.#route();
  }

  // redraw shows the present screen anew where it can change by itself.
  redraw() {
    if (this.screens.calm) return this.#route({ quietly: true });
  }

  // refresh brings the accounts up to date and listens for requests.
  async refresh({ always = true } = {}) {
    const accounts = await this.accounts.list();
    this.requests.listen(accounts);
    if (!always && this.now() - this.#refreshed < fresh) return;
    this.#refreshed = this.now();
    if ((await this.accounts.lost()).length > 0) this.redraw();
    for (const { id } of accounts) await this.attempt(id, () => this.accounts.refresh(id));
    await this.push.sync(await this.accounts.list()).catch((error) => console.warn(error.message));
    if (accounts.length > 0) await navigator.storage?.persist?.();
    this.redraw();
  }

  // attempt does what may show that the account was removed; other failures are left for later.
  async attempt(id, work) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Removed) await this.removed(id);
      else console.warn(error.message);
      return undefined;
    }
  }

  async removed(id) {
    const word = await this.accounts.removed(id);
    this.requests.clear(id);
    if (!word) return;
    if (this.screens.calm) return this.replace("#/");
    this.screens.notice(el("p", {}, this.t("authenticator.removed.title", { Account: word.address || word.name })));
  }

  // answer sends what the person decided and returns the result.
  async answer(entry, decision, options) {
    entry.answering = true;
    try {
      const result = await send(this.tools, entry.accountID, entry.request, decision, options);
      this.requests.settle(entry.request.id);
      this.#closeNotification(entry.request.id);
      return result;
    } finally {
      entry.answering = false;
    }
  }

  async setLanguage(lang) {
    keepLanguage(localStorage, lang);
    await this.store.put("settings", { name: "lang", value: lang });
    location.reload();
  }

  // open reads the address. A pairing link is read once and taken out of it at once.
  async #open() {
    const scanned = new URLSearchParams(location.hash.slice(1));
    if (scanned.has("code")) {
      const { href } = location;
      history.replaceState(null, "", base.pathname);
      if (mustInstall(window)) return this.replace("#/install");
      const { code, problem } = readLink(href, this.issuer);
      this.scanned = code ? { code } : { problem };
      return this.replace("#/pair");
    }
    if (mustInstall(window)) return this.replace("#/install");
    if (await this.accounts.unfinished()) return this.replace("#/pair");
    return this.#route();
  }

  // route draws the address' screen, unless another has been asked for meanwhile.
  async #route(options) {
    const turn = ++this.#drawn;
    const hash = mustInstall(window) ? "#/install" : location.hash;
    const [pattern, draw] = routes.find(([pattern]) => pattern.test(hash)) ?? routes[0];
    const screen = await draw(this, ...(pattern.exec(hash) ?? []).slice(1).map((part) => part && decodeURIComponent(part)));
    if (turn !== this.#drawn || !screen) return screen?.leave?.();
    this.screens.show(screen, options);
    this.#shown = turn;
    const late = this.#late;
    this.#late = null;
    if (late && this.requests.find(late.request.id)) this.#arrived(late);
  }

  #watch() {
    addEventListener("hashchange", () => {
      if (new URLSearchParams(location.hash.slice(1)).has("code")) this.#open();
      else this.#route();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      if (this.#stale && this.screens.calm) return location.reload();
      this.refresh({ always: false });
    });
    addEventListener("online", () => this.refresh({ always: false }));
    addEventListener("beforeinstallprompt", (event) => {
      event.preventDefault();
      this.installing = event;
      this.redraw();
    });
    addEventListener("appinstalled", () => {
      this.installing = null;
      this.redraw();
    });
    this.#watchWorker();
  }

  #watchWorker() {
    const workers = navigator.serviceWorker;
    if (!workers) return;
    const updated = Boolean(workers.controller);
    workers.register(new URL("sw.js", base), { scope: base.pathname, updateViaCache: "none" }).catch((error) => console.warn(error.message));
    workers.addEventListener("controllerchange", () => {
      this.#stale = updated;
    });
    workers.addEventListener("message", ({ data }) => {
      if (data?.type === "open") this.go(data.hash);
      if (data?.type === "subscribe") this.refresh();
    });
  }

  // arrived shows a request at once where nothing is disturbed by it. The screen that is on its way knows whether it would be.
  #arrived(entry) {
    if (this.#shown !== this.#drawn) {
      this.#late = entry;
      return;
    }
    const hash = `#/request/${encodeURIComponent(entry.request.id)}`;
    if (this.screens.calm) return this.go(hash);
    if (this.screens.expecting) return;
    this.screens.notice(el("p", {}, this.t("authenticator.request.arrived")), link(this.t("authenticator.request.show"), hash, "compact"));
  }

  #gone(id, how, elsewhere, entry) {
    this.#closeNotification(id);
    if (entry.answering || location.hash !== `#/request/${encodeURIComponent(id)}`) return;
    this.replace(`#/gone/${how}${elsewhere ? "/elsewhere" : ""}`);
  }

  async #closeNotification(tag) {
    const registration = await navigator.serviceWorker?.getRegistration(base.href);
    for (const shown of (await registration?.getNotifications?.({ tag })) ?? []) shown.close();
  }

  #drawFooter() {
    const choose = ({ lang, name }) =>
      el("button", { type: "button", lang, "aria-current": lang === this.lang && "true", click: () => this.setLanguage(lang) }, name);
    document.getElementById("footer").replaceChildren(
      el("nav", { class: "languages", "aria-label": this.t("authenticator.language") }, this.config.languages.map(choose)),
    );
  }
}

const getJSON = async (name) => (await fetch(new URL(name, here))).json();

async function begin() {
  const config = await getJSON("config.json");
  const lang = chooseLanguage(config.languages, localStorage, navigator.languages);
  const texts = await getJSON(`texts-${lang}.json`);
  document.documentElement.lang = lang;
  let store;
  try {
    store = await openStore();
  } catch (error) {
    console.warn(error.message);
    const t = printer(texts);
    return new Screens(t).show({ title: t("authenticator.broken.title"), body: el("p", {}, t("authenticator.broken.text")) });
  }
  await store.put("settings", { name: "lang", value: lang });
  await new App(config, texts, lang, store).start();
}

await begin();
