// Asks the issuer on behalf of one account: access tokens are fetched, renewed and
// held in memory; refresh tokens are kept in the store.
import { DPoP } from "./dpop.js";
import { Refused, Removed, Unreachable } from "./errors.js";

export const clientID = "portvakt-authenticator";
const early = 30_000; // milliseconds before its end at which an access token is renewed

export class API {
  #issuer;
  #store;
  #locks;
  #now;
  #dpop;
  #access = new Map(); // by account: {token, until}
  #renewing = new Map(); // by account: the refresh under way

  // tools: fetch, locks (Web Locks) and now, as the browser has them.
  constructor(issuer, store, { fetch, locks, now = Date.now }) {
    this.#issuer = issuer;
    this.#store = store;
    this.#locks = locks;
    this.#now = now;
    this.#dpop = new DPoP({ fetch, now });
  }

  // call asks an endpoint with the account's access token and returns what the JSON
  // of the answer says.
  async call(id, method, path, body) {
    return read(await this.open(id, method, path, { body }));
  }

  // open is call for an answer that is read by the caller. A token that is refused
  // is renewed once: it may have ended early.
  async open(id, method, path, { body, signal } = {}) {
    const account = await this.#account(id);
    const send = (access) => this.#dpop.send(account.signing, method, this.#issuer + path, {
      access, signal, ...(body !== undefined && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    const token = await this.token(id);
    const answer = await send(token);
    if (answer.status !== 401) return answer;
    if (this.#access.get(id)?.token === token) this.#access.delete(id);
    return send(await this.token(id));
  }

  // begin asks an endpoint that wants a proof and no token.
  async begin(signing, path, body) {
    const headers = { "Content-Type": "application/json" };
    return read(await this.#dpop.send(signing, "POST", this.#issuer + path, { headers, body: JSON.stringify(body) }));
  }

  // redeem asks the token endpoint with a device code (RFC 8628 §3.4). The refresh
  // token is in the store before anything else happens.
  async redeem(id) {
    const account = await this.#account(id);
    const form = { grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code: account.deviceCode };
    await this.#keep(id, await this.#ask(account, form), { state: "granted", deviceCode: undefined });
  }

  // token returns an access token that is good for a while.
  async token(id) {
    const held = this.#access.get(id);
    if (held && held.until - early > this.#now()) return held.token;
    const under = this.#renewing.get(id) ?? this.#renew(id).finally(() => this.#renewing.delete(id));
    this.#renewing.set(id, under);
    return under;
  }

  forget(id) {
    this.#access.delete(id);
  }

  // renew takes turns with other windows: each refresh token works once, so the
  // second one must read what the first one was given. An answer that is lost is
  // asked for again with the same token, and the server gives the same successor.
  #renew(id) {
    return this.#locks.request(`portvakt.refresh.${id}`, async () => {
      const account = await this.#account(id);
      const answer = await this.#ask(account, { grant_type: "refresh_token", refresh_token: account.refresh });
      return this.#keep(id, answer);
    });
  }

  async #keep(id, answer, change = {}) {
    const kept = await this.#store.update("accounts", id, (account) => ({
      ...account, ...change, refresh: answer.refresh_token ?? account.refresh,
    }));
    if (!kept) throw new Removed("removed meanwhile");
    this.#access.set(id, { token: answer.access_token, until: this.#now() + answer.expires_in * 1000 });
    return answer.access_token;
  }

  async #ask(account, form) {
    const body = new URLSearchParams({ ...form, client_id: clientID });
    try {
      return await read(await this.#dpop.send(account.signing, "POST", `${this.#issuer}/token`, { body }));
    } catch (error) {
      if (error.code === "invalid_grant") throw new Removed("invalid_grant");
      throw error;
    }
  }

  async #account(id) {
    const account = await this.#store.get("accounts", id);
    if (!account) throw new Removed("no such account");
    return account;
  }
}

// read makes of an answer its JSON, null where there is none, or an error.
export async function read(answer) {
  if (answer.status === 204) return null;
  const body = await answer.json().catch(() => undefined);
  if (answer.ok && body !== undefined) return body;
  if (body?.error && answer.status < 500) throw new Refused(answer.status, body);
  throw new Unreachable("trouble");
}
