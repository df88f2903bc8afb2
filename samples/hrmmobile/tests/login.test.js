import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { LoginLost, beginLogin, takeAnswer } from "../app/login.js";
import { OP, Storage, config } from "./op.js";

const { metadata } = await OP.start();
const iss = encodeURIComponent(config.issuer);

async function begin(storage, options) {
  return new URL(await beginLogin(config, metadata, storage, options)).searchParams;
}

test("the request is code flow with PKCE S256", async () => {
  const storage = new Storage();
  const q = await begin(storage, { lang: "sv", hint: "anna@foretaget.example" });
  const answer = takeAnswer(`?code=c&state=${q.get("state")}&iss=${iss}`, config, metadata, storage);
  assert.equal(q.get("response_type"), "code");
  assert.equal(q.get("ui_locales"), "sv");
  assert.equal(q.get("login_hint"), "anna@foretaget.example");
  assert.equal(q.get("code_challenge_method"), "S256");
  assert.equal(q.get("code_challenge"), createHash("sha256").update(answer.verifier).digest("base64url"));
  assert.equal(q.get("nonce"), answer.nonce);
  assert.equal(answer.code, "c");
});

test("the code is for the key that is named, if one is", async () => {
  assert.equal((await begin(new Storage(), { jkt: "thumbprint" })).get("dpop_jkt"), "thumbprint");
  assert.equal((await begin(new Storage())).get("dpop_jkt"), null);
});

test("two logins in one tab do not disturb each other", async () => {
  const storage = new Storage();
  const [first, second] = [await begin(storage), await begin(storage)];
  for (const q of [second, first]) {
    const answer = takeAnswer(`?code=c&state=${q.get("state")}&iss=${iss}`, config, metadata, storage);
    assert.equal(answer.nonce, q.get("nonce"));
  }
});

test("a state works once, is ours, and ends after 15 minutes", async (t) => {
  const storage = new Storage();
  const search = async () => `?code=c&iss=${iss}&state=${(await begin(storage)).get("state")}`;
  const used = await search();
  takeAnswer(used, config, metadata, storage);
  assert.throws(() => takeAnswer(used, config, metadata, storage), LoginLost);
  assert.throws(() => takeAnswer(`?code=c&state=x&iss=${iss}`, config, metadata, storage), LoginLost);
  assert.throws(() => takeAnswer("", config, metadata, storage), LoginLost);
  const late = await search();
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 15 * 60 * 1000 + 1 });
  assert.throws(() => takeAnswer(late, config, metadata, storage), LoginLost);
});

test("the answer of another issuer is refused", async () => {
  const storage = new Storage();
  for (const from of ["&iss=https%3A%2F%2Fevil.example", ""]) {
    const state = (await begin(storage)).get("state");
    assert.throws(() => takeAnswer(`?code=c&state=${state}${from}`, config, metadata, storage), /another issuer/);
  }
});

test("an error is an error", async () => {
  const storage = new Storage();
  const state = (await begin(storage)).get("state");
  assert.throws(() => takeAnswer(`?error=access_denied&state=${state}&iss=${iss}`, config, metadata, storage), /access_denied/);
});
