// Binds tokens to a key (DPoP, RFC 9449): each request that uses a token says that
// its sender holds the key. A token that is stolen without the key is worth nothing.
import { encode } from "./base64url.js";
import { reach } from "./discovery.js";

const curve = { name: "ECDSA", namedCurve: "P-256" };
const signature = { name: "ECDSA", hash: "SHA-256" };

// KeyLost means: the browser no longer has the key. The tokens went with it.
export class KeyLost extends Error {}

const utf8 = (text) => new TextEncoder().encode(text);
const part = (value) => encode(utf8(JSON.stringify(value)));
const hash = async (text) => encode(await crypto.subtle.digest("SHA-256", utf8(text)));

export class Prover {
  #keys;
  #pair;
  #nonce;

  // keys: find and keep, as DeviceKeys has them.
  constructor(keys) {
    this.#keys = keys;
  }

  // thumbprint names the key (RFC 7638). A login begins with it, so this is where
  // a key is made if there is none.
  async thumbprint() {
    const made = () => crypto.subtle.generateKey(curve, false, ["sign", "verify"]);
    this.#pair ??= (await this.#keys.find()) ?? (await this.#keys.keep(await made()));
    return hash(JSON.stringify(await this.#jwk()));
  }

  // send is reach with a proof, and with the access token where one is given. The
  // service answers a proof without a fresh nonce with a nonce: then once more.
  async send(fetch, url, options = {}, token) {
    const answer = await this.#once(fetch, url, options, token);
    return (await wantsNonce(answer)) ? this.#once(fetch, url, options, token) : answer;
  }

  async #once(fetch, url, options, token) {
    const headers = { ...options.headers, DPoP: await this.#proof(options.method ?? "GET", url, token) };
    if (token) headers.Authorization = `DPoP ${token}`;
    const answer = await reach(fetch, url, { ...options, headers });
    this.#nonce = answer.headers.get("DPoP-Nonce") ?? this.#nonce;
    return answer;
  }

  // #proof says: the holder of this key makes this request now (§4.2).
  async #proof(method, url, token) {
    this.#pair ??= await this.#keys.find();
    if (!this.#pair) throw new KeyLost("the key is gone");
    const claims = {
      jti: encode(crypto.getRandomValues(new Uint8Array(16))),
      htm: method,
      htu: url.split(/[?#]/)[0],
      iat: Math.floor(Date.now() / 1000),
      ...(this.#nonce && { nonce: this.#nonce }),
      ...(token && { ath: await hash(token) }),
    };
    const signed = `${part({ typ: "dpop+jwt", alg: "ES256", jwk: await this.#jwk() })}.${part(claims)}`;
    return `${signed}.${encode(await crypto.subtle.sign(signature, this.#pair.privateKey, utf8(signed)))}`;
  }

  // #jwk has its members in the order that the thumbprint asks for.
  async #jwk() {
    const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", this.#pair.publicKey);
    return { crv, kty, x, y };
  }
}

// wantsNonce reads a refusal: of the token endpoint in its body (§8), of another
// endpoint in a header (§9).
async function wantsNonce(answer) {
  if (answer.ok || !answer.headers.has("DPoP-Nonce")) return false;
  if (answer.headers.get("WWW-Authenticate")?.includes("use_dpop_nonce")) return true;
  const body = await answer.clone().json().catch(() => ({}));
  return body.error === "use_dpop_nonce";
}
