// Plays the issuer for the tests: it is strict about DPoP, and answers the endpoints
// as the test says. Cryptography is Node's own, not the app's.
import { createCipheriv, createECDH, createHash, createPublicKey, randomBytes, randomUUID, verify } from "node:crypto";

export const issuer = "https://login.example";

const b64 = (data) => Buffer.from(data).toString("base64url");
const unb64 = (text) => JSON.parse(Buffer.from(text, "base64url"));
const thumbprint = ({ crv, kty, x, y }) => createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");

// verifyJWS returns header and payload of a good signature by the key in the header, or by jwk.
export function verifyJWS(compact, jwk) {
  const [head, body, signature] = compact.split(".");
  const header = unb64(head);
  const key = createPublicKey({ key: jwk ?? header.jwk, format: "jwk" });
  const good = verify("sha256", Buffer.from(`${head}.${body}`), { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
  if (!good) throw new Error("a false signature");
  return { header, payload: unb64(body) };
}

// seal makes a JWE to a decryption key: ECDH-ES, A256GCM (RFC 7518 §4.6).
export function seal(jwk, plain, change = {}) {
  const mine = createECDH("prime256v1");
  const mineBytes = mine.generateKeys();
  const theirs = Buffer.concat([Buffer.from([4]), Buffer.from(jwk.x, "base64url"), Buffer.from(jwk.y, "base64url")]);
  const z = mine.computeSecret(theirs);
  const uint32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
  const input = [uint32(1), z, uint32(7), Buffer.from("A256GCM"), uint32(0), uint32(0), uint32(256)];
  const key = createHash("sha256").update(Buffer.concat(input)).digest();
  const epk = { kty: "EC", crv: "P-256", x: b64(mineBytes.subarray(1, 33)), y: b64(mineBytes.subarray(33)) };
  const head = b64(JSON.stringify({ alg: "ECDH-ES", enc: "A256GCM", epk, ...change }));
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(head));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return [head, "", b64(iv), b64(sealed), b64(cipher.getAuthTag())].join(".");
}

export const totpSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"; // RFC 6238's

// Store is the app's store, in memory.
export class Store {
  shelves = { accounts: new Map(), others: new Map(), removed: new Map(), settings: new Map() };
  #id = (shelf, value) => (shelf === "settings" ? value.name : value.id);
  get = async (shelf, id) => this.shelves[shelf].get(id);
  all = async (shelf) => [...this.shelves[shelf].values()];
  put = async (shelf, value) => void this.shelves[shelf].set(this.#id(shelf, value), value);
  delete = async (shelf, id) => void this.shelves[shelf].delete(id);
  update = async (shelf, id, change) => {
    const old = this.shelves[shelf].get(id);
    if (old === undefined) return undefined;
    const changed = change(old);
    this.shelves[shelf].set(id, changed);
    return changed;
  };
}

export class LocalStorage {
  #items = new Map();
  getItem = (key) => this.#items.get(key) ?? null;
  setItem = (key, value) => void this.#items.set(key, value);
}

// Locks runs one holder after another, as the Web Locks API does.
export class Locks {
  #tails = new Map();
  request(name, work) {
    const turn = (this.#tails.get(name) ?? Promise.resolve()).then(work);
    this.#tails.set(name, turn.catch(() => {}));
    return turn;
  }
}

export class Issuer {
  calls = [];
  now = 1_764_432_000_000;
  #nonce = "first";
  #proofs = new Set();
  #generation = 0;

  // answers are by "METHOD /path"; each is a function of {body, form, proof, jkt, access}.
  answers = {
    "POST /push/pair": ({ body, proof }) => {
      this.signing = proof.header.jwk;
      this.decryption = body.key;
      return Response.json({ device_code: "device", comparison: "ABC1", expires_in: 600, interval: 2 });
    },
    "POST /token": ({ form, jkt }) => {
      if (jkt !== thumbprint(this.signing)) return refuse(400, "invalid_grant");
      if (form.grant_type === "refresh_token" && form.refresh_token !== `refresh ${this.#generation}`) return refuse(400, "invalid_grant");
      this.#generation++;
      return Response.json({ access_token: `access ${this.#generation}`, token_type: "DPoP", expires_in: 600, refresh_token: `refresh ${this.#generation}`, scope: "" });
    },
    "GET /push/account": () => Response.json({
      key_id: "key-1", account: "sub-1", name: "Anna Svensson", address: "anna@foretaget.example", employer: "Företaget AB", device: "Pixel",
      totp: seal(this.decryption, JSON.stringify({ secret: totpSecret, algorithm: "SHA1", digits: 6, period: 30 })),
      vapid: { id: "v1", key: "BA" }, subscribed: false, lost_token: "lost-1", now: this.now,
    }),
    "DELETE /push/account": () => new Response(null, { status: 204 }),
    "GET /push/challenges": () => Response.json({ challenges: [], now: this.now }),
    "PUT /push/subscription": () => new Response(null, { status: 204 }),
    "DELETE /push/subscription": () => new Response(null, { status: 204 }),
  };

  get generation() {
    return this.#generation;
  }

  // turnNonce is what a minute does to a nonce.
  turnNonce() {
    this.#nonce = randomUUID();
  }

  fetch = async (url, { method = "GET", headers = {}, body, signal } = {}) => {
    signal?.throwIfAborted();
    const { origin, pathname } = new URL(url);
    if (origin !== issuer) throw new TypeError("Failed to fetch");
    const name = `${method} ${pathname}`;
    const call = { name, headers, body: typeof body === "string" ? JSON.parse(body) : undefined };
    call.form = body instanceof URLSearchParams ? Object.fromEntries(body) : undefined;
    this.calls.push(call);
    if (pathname === "/push/lost") return new Response(null, { status: 204 });
    const proof = verifyJWS(headers.DPoP);
    const { htm, htu, nonce, jti, ath } = proof.payload;
    if (proof.header.typ !== "dpop+jwt" || proof.header.alg !== "ES256" || htm !== method || htu !== url || this.#proofs.has(jti)) throw new Error("a bad proof");
    this.#proofs.add(jti);
    if (nonce !== this.#nonce) return refuse(pathname === "/token" ? 400 : 401, "use_dpop_nonce", { "DPoP-Nonce": this.#nonce });
    const access = headers.Authorization?.replace(/^DPoP /, "");
    if (pathname !== "/token" && pathname !== "/push/pair") {
      if (!access || ath !== createHash("sha256").update(access).digest("base64url")) throw new Error("a proof for another token");
      if (access !== `access ${this.#generation}`) return refuse(401, "invalid_token");
    }
    const answer = await this.answer(name, { ...call, proof, jkt: thumbprint(proof.header.jwk), access, signal });
    answer.headers.set("DPoP-Nonce", this.#nonce);
    return answer;
  };

  async answer(name, call) {
    const [, best] = Object.entries(this.answers).find(([key]) => key === name) ?? Object.entries(this.answers).find(([key]) => key.endsWith("*") && name.startsWith(key.slice(0, -1))) ?? [];
    if (!best) return refuse(404, "not_found");
    return best(call);
  }

  asked = (name) => this.calls.filter((call) => call.name === name);
}

export function refuse(status, error, headers = {}) {
  return Response.json({ error }, { status, headers });
}
