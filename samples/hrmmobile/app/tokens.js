// The tokens of the person who is signed in: fetched, renewed and given back.
// The refresh token is kept so that opening the app again works; the access
// token lives in memory only. Where the service can, both are bound to this
// installation's key.
import { KeyLost } from "./dpop.js";
import { reach, readJSON } from "./discovery.js";
import { verifyIDToken } from "./idtoken.js";

const kept = "hrmmobile.tokens";
const lock = "hrmmobile.refresh";

// Ended means: the login service refused for good; only a new login helps.
export class Ended extends Error {}

export class Tokens {
  #config;
  #discovery;
  #tools;
  #access = null;

  // tools: fetch, storage and locks, as the browser has them, and the prover.
  constructor(config, discovery, tools) {
    this.#config = config;
    this.#discovery = discovery;
    this.#tools = tools;
  }

  get accessToken() {
    return this.#access;
  }

  // stored is what outlives the page: refresh token, id token and subject.
  stored() {
    return JSON.parse(this.#tools.storage.getItem(kept) ?? "null");
  }

  // onGone calls back when another tab signed out.
  onGone(target, callback) {
    target.addEventListener("storage", (event) => {
      if ((event.key === kept || event.key === null) && !this.stored()) callback();
    });
  }

  clear() {
    this.#access = null;
    this.#tools.storage.removeItem(kept);
  }

  // redeem exchanges the code of a fresh login.
  async redeem({ code, verifier, nonce }) {
    const answer = await this.#ask({
      grant_type: "authorization_code",
      code,
      redirect_uri: this.#config.redirect_uri,
      code_verifier: verifier,
    });
    const claims = await this.#verify(answer.id_token, { nonce });
    this.#keep(answer, answer.id_token, claims.sub);
    return claims;
  }

  // refresh renews the tokens. Two tabs take turns: each refresh token works once
  // (RFC 9700 §4.14.2), so the second one reads what the first one was given.
  refresh() {
    return this.#tools.locks.request(lock, async () => {
      const old = this.stored();
      if (!old?.refresh) throw new Ended("no refresh token");
      const answer = await this.#renew(old.refresh);
      if (answer.id_token) await this.#verify(answer.id_token, { subject: old.subject });
      if (!this.stored()) throw new Ended("signed out meanwhile");
      this.#keep({ refresh_token: old.refresh, ...answer }, answer.id_token ?? old.idToken, old.subject);
      return old.subject;
    });
  }

  async #renew(refreshToken) {
    try {
      return await this.#ask({ grant_type: "refresh_token", refresh_token: refreshToken });
    } catch (error) {
      if (error instanceof Ended || error instanceof KeyLost) this.clear();
      throw error instanceof KeyLost ? new Ended("key lost", { cause: error }) : error;
    }
  }

  // giveBack clears everything here first, whatever the network says, then ends
  // the refresh token at the login service (RFC 7009).
  async giveBack() {
    const old = this.stored();
    this.clear();
    if (!old?.refresh) return;
    const form = { token: old.refresh, token_type_hint: "refresh_token" };
    const { revocation_endpoint: url } = await this.#discovery.metadata();
    if (url) await this.#post(url, form, { keepalive: true });
  }

  // use asks an endpoint with the access token.
  async use(url) {
    const { fetch, prover } = this.#tools;
    if (await this.#discovery.binds()) return prover.send(fetch, url, {}, this.#access);
    return reach(fetch, url, { headers: { Authorization: `Bearer ${this.#access}` } });
  }

  #keep(answer, idToken, subject) {
    this.#access = answer.access_token;
    const lasting = { refresh: answer.refresh_token, idToken, subject };
    this.#tools.storage.setItem(kept, JSON.stringify(lasting));
  }

  async #ask(form) {
    const { token_endpoint: url } = await this.#discovery.metadata();
    const bound = await this.#discovery.binds();
    const answer = await this.#post(url, form, {}, bound);
    const body = await readJSON(answer);
    // RFC 9449 §5: a token that was not bound is not what was asked for.
    if (answer.ok && bound && body.token_type?.toLowerCase() !== "dpop") throw new Error("the token is not bound to the key");
    if (answer.ok) return body;
    if (body.error === "invalid_grant") throw new Ended("invalid_grant");
    throw new Error(`token endpoint: ${body.error}`);
  }

  #post(url, form, options = {}, bound = false) {
    const { fetch, prover } = this.#tools;
    const body = new URLSearchParams({ ...form, client_id: this.#config.client_id });
    const request = { method: "POST", body, ...options };
    return bound ? prover.send(fetch, url, request) : reach(fetch, url, request);
  }

  async #verify(idToken, expected) {
    const { issuer, client_id: clientID } = this.#config;
    return verifyIDToken(idToken ?? "", await this.#discovery.keys(), { issuer, clientID, ...expected });
  }
}
