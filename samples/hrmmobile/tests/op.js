// Plays the login service and the browser's storage for the tests.
import { encode } from "../app/base64url.js";

export const config = {
  issuer: "https://op.example",
  client_id: "mobile",
  redirect_uri: "https://app.example/callback",
  scope: "openid profile",
};

const utf8 = (value) => encode(new TextEncoder().encode(JSON.stringify(value)));

export class Storage {
  #items = new Map();
  getItem = (key) => this.#items.get(key) ?? null;
  setItem = (key, value) => void this.#items.set(key, value);
  removeItem = (key) => void this.#items.delete(key);
}

// Locks runs one holder after another, as the Web Locks API does.
export class Locks {
  #tail = Promise.resolve();
  request(_, work) {
    const turn = this.#tail.then(work);
    this.#tail = turn.catch(() => {});
    return turn;
  }
}

export class OP {
  calls = [];
  answers = {};

  static async start() {
    const op = new OP();
    op.pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    op.jwk = { ...(await crypto.subtle.exportKey("jwk", op.pair.publicKey)), kid: "k", use: "sig", alg: "ES256" };
    return op;
  }

  metadata = {
    issuer: config.issuer,
    authorization_endpoint: `${config.issuer}/authorize`,
    token_endpoint: `${config.issuer}/token`,
    revocation_endpoint: `${config.issuer}/revoke`,
    jwks_uri: `${config.issuer}/jwks`,
    authorization_response_iss_parameter_supported: true,
  };

  claims(change = {}) {
    const now = Math.floor(Date.now() / 1000);
    return { iss: config.issuer, aud: "mobile", sub: "anna", nonce: "n", iat: now, exp: now + 300, ...change };
  }

  async sign(claims, header = {}) {
    const signed = `${utf8({ alg: "ES256", kid: "k", typ: "JWT", ...header })}.${utf8(claims)}`;
    const data = new TextEncoder().encode(signed);
    const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, this.pair.privateKey, data);
    return `${signed}.${encode(signature)}`;
  }

  // fetch answers as the test says: answers["/token"] is a function of the form.
  fetch = async (url, options = {}) => {
    const path = url.slice(config.issuer.length);
    const form = Object.fromEntries(new URLSearchParams(options.body));
    this.calls.push({ path, form });
    if (path === "/jwks") return Response.json({ keys: [this.jwk] });
    if (path === "/.well-known/openid-configuration") return Response.json(this.metadata);
    return this.answers[path](form);
  };

  asked(path) {
    return this.calls.filter((call) => call.path === path).map((call) => call.form);
  }
}
