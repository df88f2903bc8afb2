// The app's start: reads the address, asks the modules, shows a page.
import { Discovery, Unreachable, readJSON } from "./discovery.js";
import { KeyLost, Prover } from "./dpop.js";
import { DeviceKeys } from "./keys.js";
import { LoginLost, beginLogin, takeAnswer } from "./login.js";
import { chooseLanguage } from "./texts.js";
import { Ended, Tokens } from "./tokens.js";
import { View } from "./view.js";

const browserFetch = (...args) => fetch(...args);
const retried = "hrmmobile.retried";

class App {
  constructor(config) {
    this.config = config;
    this.lang = chooseLanguage(location, localStorage, navigator.languages, config.default_lang);
    this.discovery = new Discovery(config.issuer, browserFetch);
    this.prover = new Prover(new DeviceKeys(indexedDB));
    const tools = { fetch: browserFetch, storage: localStorage, locks: navigator.locks, prover: this.prover };
    this.tokens = new Tokens(config, this.discovery, tools);
    this.view = new View(this.lang, {
      login: () => this.guard(() => this.login()),
      logout: () => this.logout(),
      logoutHere: () => this.logoutHere(),
      again: () => location.reload(),
    });
  }

  start() {
    const pages = { "/login": () => this.calledToLogin(), "/callback": () => this.finishLogin(), "/signed-out": () => this.signedOut() };
    this.watch();
    return this.guard(pages[location.pathname] ?? (() => this.open()));
  }

  // watch renews when the app is shown again, and follows a sign-out in another tab.
  watch() {
    const renew = () => {
      if (!document.hidden && this.tokens.stored()) this.guard(() => this.open());
    };
    document.addEventListener("visibilitychange", renew);
    addEventListener("online", renew);
    this.tokens.onGone(window, () => this.signedOutElsewhere());
  }

  signedOutElsewhere() {
    this.tokens.clear();
    this.view.welcome("ended");
  }

  // guard is the one place where failures become pages.
  async guard(step) {
    try {
      await step();
    } catch (error) {
      if (error instanceof Unreachable) this.view.unreachable(error.message);
      else if (error instanceof Ended) this.view.welcome("ended");
      else this.fail(error);
    }
  }

  fail(error) {
    console.warn(error);
    this.view.welcome("failed");
  }

  async open() {
    if (!this.tokens.stored()) return this.view.welcome();
    await this.greet(await this.tokens.refresh());
  }

  // greet asks for the name. The answer must be about the subject of the id token
  // (OpenID Connect Core 1.0 §5.3.2).
  async greet(subject) {
    const { userinfo_endpoint: url } = await this.discovery.metadata();
    const answer = await this.tokens.use(url);
    const person = answer.ok ? await readJSON(answer) : {};
    this.view.notice(null);
    this.view.home(person.sub === subject ? person.given_name : "");
  }

  async login(hint) {
    const metadata = await this.discovery.metadata();
    const jkt = (await this.discovery.binds()) ? await this.prover.thumbprint() : undefined;
    location.assign(await beginLogin(this.config, metadata, sessionStorage, { lang: this.lang, hint, jkt }));
    return new Promise(() => {}); // the browser is on its way
  }

  // calledToLogin: somebody else starts our login (OpenID Connect Core 1.0 §4).
  async calledToLogin() {
    const call = new URLSearchParams(location.search);
    if (call.has("iss") && call.get("iss") !== this.config.issuer) throw new Error("called for another issuer");
    await this.login(call.get("login_hint"));
  }

  async finishLogin() {
    const { search } = location;
    history.replaceState(null, "", "/"); // the code must not stay in the history
    try {
      const answer = takeAnswer(search, this.config, await this.discovery.metadata(), sessionStorage);
      const { sub } = await this.tokens.redeem(answer);
      sessionStorage.removeItem(retried);
      await this.greet(sub);
    } catch (error) {
      if (error instanceof LoginLost || error instanceof KeyLost) return this.startAgain(error);
      if (error instanceof Ended) return this.fail(error); // a refused code, not a lost session
      throw error;
    }
  }

  // startAgain: the journey ended in another tab than it began, as from a mailed
  // link. The login service knows the person now, so asking once more costs her
  // nothing; asking for ever would be a loop.
  async startAgain(error) {
    if (this.tokens.stored()) return this.open();
    if (sessionStorage.getItem(retried)) throw error;
    sessionStorage.setItem(retried, "yes");
    await this.login();
  }

  async signedOut() {
    history.replaceState(null, "", "/");
    if (this.tokens.stored()) return this.open();
    this.view.welcome("signedOut");
  }

  // leave clears first; a login service that does not answer stops nobody.
  async leave() {
    try {
      await this.tokens.giveBack();
    } catch (error) {
      console.warn(error);
    }
  }

  async logoutHere() {
    await this.leave();
    this.view.welcome("signedOutHere");
  }

  // logout goes on to the login service, which ends its session and tells the
  // other apps (OpenID Connect RP-Initiated Logout 1.0 §2).
  async logout() {
    const idToken = this.tokens.stored()?.idToken;
    await this.leave();
    const metadata = await this.discovery.metadata().catch(() => ({}));
    if (!idToken || !metadata.end_session_endpoint) return this.view.welcome("signedOutHere");
    location.assign(this.endSessionURL(metadata.end_session_endpoint, idToken));
  }

  endSessionURL(endpoint, idToken) {
    const url = new URL(endpoint);
    url.searchParams.set("id_token_hint", idToken);
    url.searchParams.set("client_id", this.config.client_id);
    url.searchParams.set("post_logout_redirect_uri", this.config.signed_out);
    url.searchParams.set("ui_locales", this.lang);
    return url.href;
  }
}

const config = await readJSON(await fetch("/config.json"));
await new App(config).start();
navigator.serviceWorker?.register("/worker.js").catch(console.warn);
