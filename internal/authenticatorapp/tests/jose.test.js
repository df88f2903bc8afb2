import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOf } from "../app/answer.js";
import { encode } from "../app/base64url.js";
import { concatKDF, open } from "../app/jwe.js";
import { generateKeys } from "../app/keys.js";
import { issuer, seal, verifyJWS } from "./issuer.js";

const keys = await generateKeys();

test("private keys cannot be read", async () => {
  for (const { privateKey } of [keys.signing, keys.decryption]) {
    assert.equal(privateKey.extractable, false);
    await assert.rejects(crypto.subtle.exportKey("jwk", privateKey));
  }
});

test("the key derivation is that of RFC 7518, appendix C", async () => {
  const z = Uint8Array.from([158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196]);
  assert.equal(encode(await concatKDF(z, "A128GCM", "QWxpY2U", "Qm9i", 128)), "VqqN6vgjbSBcIijNcacQGg");
});

test("what was sealed to the phone is opened by it alone", async () => {
  const sealed = seal(keys.decryption.jwk, "hemligt åäö");
  assert.equal(await open(keys.decryption, sealed), "hemligt åäö");
  await assert.rejects(open((await generateKeys()).decryption, sealed));
});

test("a changed, shortened or differently sealed text is refused", async () => {
  const sealed = seal(keys.decryption.jwk, "hemligt");
  const [head, wrapped, iv, text, tag] = sealed.split(".");
  const other = seal(keys.decryption.jwk, "hemligt").split(".")[0];
  const bad = [
    [other, wrapped, iv, text, tag], [head, "AAAA", iv, text, tag], [head, wrapped, iv, text, tag.slice(0, 8)], [head, wrapped, iv, text],
    seal(keys.decryption.jwk, "x", { alg: "dir" }).split("."), seal(keys.decryption.jwk, "x", { enc: "A128GCM" }).split("."),
    seal(keys.decryption.jwk, "x", { zip: "DEF" }).split("."), seal(keys.decryption.jwk, "x", { crit: ["b64"] }).split("."),
  ];
  for (const parts of bad) await assert.rejects(open(keys.decryption, parts.join(".")));
});

const account = { keyID: "key-1", account: "sub-1", signing: keys.signing };
const request = {
  id: "c1", nonce: "n", attempt: "a", purpose: "signin", mode: "tap", numbers: ["17", "42", "86"], client_id: "hrm", exp: 1764432120,
  shown: { app: "HRM", browser: "Chrome", device: "Windows", place: "Sverige", address: "203.0.113.7", time: 1764432000000 },
};

test("an answer is signed over everything that was asked and decided", async () => {
  const { header, payload } = verifyJWS(await answerOf(account, issuer, request, "approve", { number: "42" }), keys.signing.jwk);
  assert.deepEqual(header, { alg: "ES256", typ: "portvakt-approval+jwt", kid: "key-1" });
  const { nonce, attempt, purpose, client_id, shown, exp } = request;
  assert.deepEqual(payload, { iss: "key-1", aud: issuer, sub: "sub-1", challenge: "c1", nonce, attempt, purpose, client_id, shown, number: "42", decision: "approve", exp });
});

test("a denial carries no number, and a report may end the sessions", async () => {
  const denied = verifyJWS(await answerOf(account, issuer, request, "deny", { number: "42" }), keys.signing.jwk).payload;
  assert.equal(denied.number, "");
  assert.ok(!("end_sessions" in denied));
  const reported = verifyJWS(await answerOf(account, issuer, request, "not_me", { endSessions: true }), keys.signing.jwk).payload;
  assert.equal(reported.decision, "not_me");
  assert.equal(reported.end_sessions, true);
});
