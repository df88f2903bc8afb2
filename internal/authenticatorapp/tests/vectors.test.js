// The vectors of testdata/authenticator: what other authenticators are written by, ours are tested by.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { answerOf } from "../app/answer.js";
import { text } from "../app/base64url.js";
import { open } from "../app/jwe.js";
import { readLink } from "../app/pairing.js";
import { codeAt, importTOTP, secondsLeft } from "../app/totp.js";

const load = (name) => JSON.parse(readFileSync(new URL(`../../../testdata/authenticator/${name}`, import.meta.url)));
const claims = (jws) => JSON.parse(text(jws.split(".")[1]));

test("links and keys are read, and others refused", () => {
  const { good, bad } = load("pairing.json");
  for (const v of good) assert.deepEqual(readLink(v.text, v.reads_as_issuer), { code: v.code }, v.text);
  for (const v of bad) assert.ok(readLink(v.text, v.issuer ?? "https://login.example.com").problem, v.why);
});

test("the key for codes is decrypted, and nothing else", async () => {
  const { key, plaintext, good, bad } = load("jwe.json");
  const privateKey = await crypto.subtle.importKey("jwk", key, { name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
  for (const jwe of good) assert.equal(await open({ privateKey }, jwe), plaintext);
  for (const { why, jwe } of bad) await assert.rejects(open({ privateKey }, jwe), undefined, why);
});

test("codes are counted", async () => {
  for (const { codes, ...how } of load("totp.json")) {
    const counter = await importTOTP(how);
    for (const { time, code } of codes) {
      assert.equal(await codeAt(counter, time * 1000), code);
      assert.equal(secondsLeft(counter, time * 1000), how.period - (time % how.period));
    }
  }
});

for (const file of ["approval.json", "question.json"]) test(`answers say what those of ${file} say`, async () => {
  const { issuer, account, key_id, key, request, good } = load(file);
  const privateKey = await crypto.subtle.importKey("jwk", key, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  const mine = { keyID: key_id, account, signing: { privateKey } };
  for (const { name, answer } of good) {
    const { number, decision, end_sessions } = claims(answer);
    const ours = await answerOf(mine, issuer, request, decision, { number, endSessions: end_sessions });
    assert.deepEqual(claims(ours), claims(answer), name);
    assert.deepEqual(JSON.parse(text(ours.split(".")[0])), JSON.parse(text(answer.split(".")[0])), name);
  }
});
