// Lets the issuer wake this phone (Web Push). One subscription of the browser serves
// all accounts. Without it the app still works while it is open.
import { bytes } from "./base64url.js";
import { Removed } from "./errors.js";

export class Push {
  #tools;

  // tools: api, store, and browser: {registration(), Notification, PushManager}.
  constructor(tools) {
    this.#tools = tools;
  }

  // state: "unsupported", "ask" (the person has not been asked), "denied" (the browser
  // says no), "off" (turned off here), "failing" (the browser reaches no push service), "on".
  async state() {
    const { Notification, PushManager } = this.#tools.browser;
    if (!Notification || !PushManager) return "unsupported";
    if (Notification.permission === "denied") return "denied";
    const kept = await this.#kept();
    if (kept.off) return "off";
    if (Notification.permission !== "granted") return "ask";
    return kept.failing ? "failing" : "on";
  }

  // enable asks the person, then subscribes. It must be called from a press.
  async enable(accounts) {
    await this.#tools.browser.Notification.requestPermission();
    await this.#keep({ off: false });
    await this.sync(accounts);
  }

  // disable ends the subscription, here and at the issuer.
  async disable(accounts) {
    await this.#keep({ off: true, endpoint: undefined });
    const registration = await this.#tools.browser.registration();
    await (await registration.pushManager.getSubscription())?.unsubscribe();
    for (const { id } of accounts) {
      await this.#tools.api.call(id, "DELETE", "/push/subscription");
      await this.#mark(id, "");
    }
  }

  // sync subscribes anew where keys were rotated or the browser gave the subscription
  // up, and tells the issuer where it does not know yet.
  async sync(accounts) {
    if (accounts.length === 0 || !["on", "failing"].includes(await this.state())) return;
    const { vapid } = accounts.at(-1);
    if (!vapid) return;
    let subscription;
    try {
      subscription = await this.#subscribe(vapid);
    } catch (error) {
      console.warn("no push service", error.message);
      return this.#keep({ failing: true });
    }
    await this.#keep({ failing: false, again: false, vapid: vapid.id });
    const { endpoint, keys } = subscription.toJSON();
    for (const account of accounts) await this.#tell(account, { endpoint, keys, vapid: vapid.id });
  }

  async #subscribe(vapid) {
    const registration = await this.#tools.browser.registration();
    const there = await registration.pushManager.getSubscription();
    const kept = await this.#kept();
    if (there && kept.vapid === vapid.id && !kept.again) return there;
    await there?.unsubscribe();
    return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(vapid.key) });
  }

  async #tell({ id, subscribed, pushed }, body) {
    const mark = `${body.vapid} ${body.endpoint}`;
    if (subscribed && pushed === mark) return;
    try {
      await this.#tools.api.call(id, "PUT", "/push/subscription", body);
      await this.#mark(id, mark);
    } catch (error) {
      if (!(error instanceof Removed)) console.warn("the subscription was not taken", error.message);
    }
  }

  #mark = (id, pushed) => this.#tools.store.update("accounts", id, (account) => ({ ...account, pushed, subscribed: pushed !== "" }));

  async #kept() {
    return (await this.#tools.store.get("settings", "push")) ?? { name: "push" };
  }

  async #keep(change) {
    await this.#tools.store.put("settings", { ...(await this.#kept()), ...change });
  }
}
