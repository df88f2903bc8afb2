// Opens a compact JWE to an account's decryption key: ECDH-ES, direct key
// agreement (RFC 7518 §4.6), with A256GCM. Nothing else is understood.
import { bytes, text, utf8 } from "./base64url.js";

export async function open(decryption, compact) {
  const parts = compact.split(".");
  if (parts.length !== 5) throw new Error("jwe: not compact");
  const [head, wrapped, iv, sealed, tag] = parts;
  const header = JSON.parse(text(head));
  if (header.alg !== "ECDH-ES" || header.enc !== "A256GCM" || wrapped !== "") throw new Error("jwe: another algorithm");
  if (header.zip || header.crit) throw new Error("jwe: asks for more");
  const key = await agree(decryption, header);
  const whole = new Uint8Array([...bytes(sealed), ...bytes(tag)]);
  const how = { name: "AES-GCM", iv: bytes(iv), additionalData: utf8(head), tagLength: 128 };
  return new TextDecoder().decode(await crypto.subtle.decrypt(how, key, whole));
}

async function agree(decryption, { epk, enc, apu, apv }) {
  const { kty, crv, x, y } = epk;
  const theirs = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, { name: "ECDH", namedCurve: "P-256" }, false, []);
  const z = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, decryption.privateKey, 256);
  const raw = await concatKDF(new Uint8Array(z), enc, apu, apv);
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
}

// concatKDF is one round of NIST SP 800-56A's: SHA-256 gives at most the 256 bits wanted.
export async function concatKDF(z, enc, apu = "", apv = "", bits = 256) {
  const info = [counted(utf8(enc)), counted(bytes(apu)), counted(bytes(apv)), uint32(bits)];
  const input = new Uint8Array([...uint32(1), ...z, ...info.flatMap((part) => [...part])]);
  return (await crypto.subtle.digest("SHA-256", input)).slice(0, bits / 8);
}

const uint32 = (n) => new Uint8Array([n >>> 24, n >>> 16, n >>> 8, n]);
const counted = (data) => new Uint8Array([...uint32(data.length), ...data]);
