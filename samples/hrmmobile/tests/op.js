// Plays the login service and the browser's storage for the tests.
import { createHash } from "node:crypto";
import { bytes, encode, text } from "../app/base64url.js";

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

// Keys keeps a key pair as the app's own database does.
export class Keys {
  pair;
  find = async () => this.pair;
  keep = async (pair) => (this.pair ??= pair);
}

// proofOf checks a proof and returns its claims, the thumbprint of its key, and the
// members of its header.
export async function proofOf(proof) {
  const [head, body, mark] = proof.split(".");
  const header = JSON.parse(text(head));
  const key = await crypto.subtle.importKey("jwk", header.jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  const signed = new TextEncoder().encode(`${head}.${body}`);
  const good = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, bytes(mark), signed);
  if (!good) throw new Error("a false signature");
  const { x, y } = header.jwk;
  const named = JSON.stringify({ crv: "P-256", kty: "EC", x, y });
  return { header, claims: JSON.parse(text(body)), jkt: createHash("sha256").update(named).digest("base64url") };
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
    dpop_signing_alg_values_supported: ["ES256"],
  };

  // nonce is what a proof must carry; the next answer brings another one.
  nonce = 0;

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
    this.calls.push({ path, form, headers: options.headers ?? {} });
    if (path === "/jwks") return Response.json({ keys: [this.jwk] });
    if (path === "/.well-known/openid-configuration") return Response.json(this.metadata);
    const proof = options.headers?.DPoP && (await proofOf(options.headers.DPoP));
    const stale = proof && proof.claims.nonce !== `n${this.nonce}`;
    const answer = stale ? Response.json({ error: "use_dpop_nonce" }, { status: 400 }) : await this.answers[path](form, proof);
    if (proof) answer.headers.set("DPoP-Nonce", `n${stale ? this.nonce : ++this.nonce}`);
    return answer;
  };

  // asked lists the forms that came; a request that was repeated with its nonce counts once.
  asked(path) {
    const came = this.calls.filter((call) => call.path === path).map((call) => call.form);
    return came.filter((form, i) => JSON.stringify(form) !== JSON.stringify(came[i + 1]));
  }
}
