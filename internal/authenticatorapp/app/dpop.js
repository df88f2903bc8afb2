// Sends requests that prove possession of the account's signing key (RFC 9449).
// The server asks for a nonce always: the last one it gave is used, and a request
// that came with none, or an old one, is sent once more.
import { Unreachable } from "./errors.js";
import { encode, utf8 } from "./base64url.js";
import { sign } from "./jws.js";

const patience = 15_000; // milliseconds

export class DPoP {
  #fetch;
  #now;
  #nonces = new Map(); // by origin

  constructor({ fetch, now = Date.now }) {
    this.#fetch = fetch;
    this.#now = now;
  }

  // send answers with the Response. options: body, headers, access (a token), signal.
  async send(signing, method, url, options = {}) {
    const first = await this.#once(signing, method, url, options);
    if (!(await asksForNonce(first))) return first;
    return this.#once(signing, method, url, options);
  }

  async #once(signing, method, url, { body, headers = {}, access, signal }) {
    const proof = await this.#proof(signing, method, url, access);
    const all = { ...headers, DPoP: proof, ...(access && { Authorization: `DPoP ${access}` }) };
    let answer;
    try {
      answer = await this.#fetch(url, {
        method, headers: all, body, credentials: "omit", cache: "no-store", redirect: "error",
        signal: signal ?? AbortSignal.timeout(patience),
      });
    } catch (cause) {
      throw new Unreachable("offline", { cause });
    }
    const nonce = answer.headers.get("DPoP-Nonce");
    if (nonce) this.#nonces.set(new URL(url).origin, nonce);
    return answer;
  }

  async #proof(signing, method, url, access) {
    const { origin, pathname } = new URL(url);
    const nonce = this.#nonces.get(origin);
    const claims = {
      jti: encode(crypto.getRandomValues(new Uint8Array(16))),
      htm: method,
      htu: origin + pathname,
      iat: Math.floor(this.#now() / 1000),
      ...(nonce && { nonce }),
      ...(access && { ath: encode(await crypto.subtle.digest("SHA-256", utf8(access))) }),
    };
    return sign(signing, { typ: "dpop+jwt", jwk: signing.jwk }, claims);
  }
}

async function asksForNonce(answer) {
  if (answer.status !== 400 && answer.status !== 401) return false;
  if (answer.headers.get("WWW-Authenticate")?.includes("use_dpop_nonce")) return true;
  const body = await answer.clone().json().catch(() => null);
  return body?.error === "use_dpop_nonce";
}
