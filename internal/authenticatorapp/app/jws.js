// Signs compact JWS (RFC 7515) with an account's signing key.
import { encode, json, utf8 } from "./base64url.js";

export async function sign(signing, header, payload) {
  const signed = `${json({ alg: "ES256", ...header })}.${json(payload)}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, signing.privateKey, utf8(signed));
  return `${signed}.${encode(signature)}`;
}
