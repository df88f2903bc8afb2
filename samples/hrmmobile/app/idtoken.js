// Verifies an id token: signature with the browser's own cryptography, then the
// claims (OpenID Connect Core 1.0 §3.1.3.7).
import { bytes, text } from "./base64url.js";

const algorithms = {
  ES256: {
    key: { name: "ECDSA", namedCurve: "P-256" },
    signature: { name: "ECDSA", hash: "SHA-256" },
  },
  RS256: {
    key: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    signature: { name: "RSASSA-PKCS1-v1_5" },
  },
};

const skew = 60; // seconds by which two clocks may differ

// verifyIDToken returns the claims of a good token and throws for any other.
// expected: issuer, clientID, and nonce (sign-in) or subject (refresh).
export async function verifyIDToken(raw, keys, expected, now = Date.now() / 1000) {
  const [head, body, signature] = raw.split(".");
  const header = JSON.parse(text(head));
  await checkSignature(header, keys, `${head}.${body}`, signature);
  const claims = JSON.parse(text(body));
  checkClaims(claims, expected, now);
  return claims;
}

async function checkSignature(header, keys, signed, signature) {
  const algorithm = Object.hasOwn(algorithms, header.alg) ? algorithms[header.alg] : undefined;
  const jwk = keys.find((key) => key.kid === header.kid && key.use !== "enc");
  if (!algorithm || !jwk) refuse("no key for it");
  const { kty, crv, x, y, n, e } = jwk;
  const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y, n, e }, algorithm.key, false, ["verify"]);
  const data = new TextEncoder().encode(signed);
  if (!(await crypto.subtle.verify(algorithm.signature, key, bytes(signature), data))) refuse("a false signature");
}

function checkClaims(claims, expected, now) {
  const audience = [claims.aud].flat();
  if (claims.iss !== expected.issuer) refuse("another issuer");
  if (!audience.includes(expected.clientID)) refuse("another audience");
  if (audience.length > 1 && claims.azp !== expected.clientID) refuse("another party");
  if (!(claims.exp > now - skew)) refuse("expired");
  if (!(claims.iat < now + skew)) refuse("from the future");
  if (!claims.sub) refuse("no subject");
  if (expected.nonce !== undefined && claims.nonce !== expected.nonce) refuse("another nonce");
  // §12.2: a refreshed id token speaks of the same person.
  if (expected.subject !== undefined && claims.sub !== expected.subject) refuse("another subject");
}

function refuse(why) {
  throw new Error(`id token refused: ${why}`);
}
