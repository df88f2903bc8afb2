// Codes that count time (RFC 6238).
import { decode } from "./base32.js";

const hashes = { SHA1: "SHA-1", SHA256: "SHA-256", SHA512: "SHA-512" };

// importTOTP makes of a written key one that can count and not be read again.
export async function importTOTP({ secret, algorithm = "SHA1", digits = 6, period = 30 }) {
  const hash = hashes[algorithm.toUpperCase().replace("-", "")];
  if (!hash || ![6, 7, 8].includes(digits) || !(period >= 5 && period <= 300)) throw new Error("totp: another kind of code");
  const key = await crypto.subtle.importKey("raw", decode(secret), { name: "HMAC", hash }, false, ["sign"]);
  return { key, digits, period };
}

// codeAt is the code of a moment (Unix milliseconds), as text with its zeros.
export async function codeAt({ key, digits, period }, now) {
  const moving = new DataView(new ArrayBuffer(8));
  moving.setBigUint64(0, BigInt(Math.floor(now / 1000 / period)));
  const mac = new DataView(await crypto.subtle.sign("HMAC", key, moving.buffer));
  const at = mac.getUint8(mac.byteLength - 1) & 0xf;
  return String((mac.getUint32(at) & 0x7fffffff) % 10 ** digits).padStart(digits, "0");
}

// secondsLeft is how long the code of a moment still counts: period down to 1.
export const secondsLeft = ({ period }, now) => period - Math.floor((now / 1000) % period);
