import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused, Unreachable } from "../app/errors.js";
import { pair, readLink, waitForAnswer } from "../app/pairing.js";
import { issuer, refuse } from "./issuer.js";
import { phone } from "./world.js";

const code = "7K3M9QZX4T8VN2B6W5RJHC1DFG";
const iss = encodeURIComponent(issuer);
const never = new AbortController().signal;

test("a link, its fragment and a typed key are read", () => {
  for (const text of [`${issuer}/authenticator/#code=${code}&iss=${iss}`, `#code=${code}&iss=${iss}`, ` ${code.toLowerCase()} `, "7K3M-9QZX-4T8V-N2B6-W5RJ-HC1D-FG"]) {
    assert.deepEqual(readLink(text, issuer), { code }, text);
  }
});

test("a link of another issuer, or of none, is refused", () => {
  for (const other of ["https://evil.example", `${issuer}.evil.example`, `${issuer}/`, ""]) {
    assert.deepEqual(readLink(`${issuer}/authenticator/#code=${code}&iss=${encodeURIComponent(other)}`, issuer), { problem: "other_issuer" });
  }
  assert.deepEqual(readLink(`${issuer}/authenticator/#code=${code}`, issuer), { problem: "other_issuer" });
});

test("what is no pairing code is none", () => {
  for (const text of ["", "hello", "https://example.org/", `${issuer}/authenticator/#code=short&iss=${iss}`, "otpauth://totp/a?secret=JBSWY3DPEHPK3PXP", `https://a.example/${code}#x`]) {
    assert.deepEqual(readLink(text, issuer), { problem: "not_a_code" }, text);
  }
});

test("pairing sends the code with the phone's public key and keeps what it needs to go on", async () => {
  const { op, tools, store } = phone();
  const account = await pair(tools, { code, name: "x".repeat(60), lang: "sv" });
  const { body } = op.asked("POST /push/pair").at(-1);
  assert.equal(body.code, code);
  assert.equal(body.name.length, 40);
  assert.deepEqual(Object.keys(body.key).sort(), ["crv", "kty", "x", "y"]);
  assert.equal(account.comparison, "ABC1");
  assert.equal((await store.get("accounts", account.id)).deviceCode, "device");
});

test("a refused code keeps nothing", async () => {
  for (const [status, error] of [[404, "invalid_code"], [409, "already_used"], [429, "too_many"]]) {
    const { op, tools, store } = phone();
    op.answers["POST /push/pair"] = () => refuse(status, error);
    await assert.rejects(pair(tools, { code, name: "", lang: "sv" }), (e) => e instanceof Refused && e.code === error);
    assert.equal((await store.all("accounts")).length, 0);
  }
});

// waiting is a phone that has sent its code; answers are what the token endpoint says, in turn.
async function waiting(...answers) {
  const world = phone();
  const account = await pair(world.tools, { code, name: "", lang: "sv" });
  const good = world.op.answers["POST /token"];
  world.op.answers["POST /token"] = (call) => {
    const next = answers.shift();
    if (next === "no answer") throw new TypeError("Failed to fetch");
    return next ? refuse(next === "trouble" ? 503 : 400, next) : good(call);
  };
  return { ...world, id: account.id, problem: await waitForAnswer(world.tools, account.id, never) };
}

test("the phone waits as long as nobody has answered, and slows down when asked", async () => {
  const { problem, clock, store, id } = await waiting("authorization_pending", "slow_down", "authorization_pending");
  assert.equal(problem, "");
  assert.deepEqual(clock.slept, [2000, 2000, 7000, 7000]);
  const kept = await store.get("accounts", id);
  assert.equal(kept.state, "granted");
  assert.equal(kept.refresh, "refresh 1");
  assert.equal(kept.deviceCode, undefined);
});

test("no network and a server in trouble are waited out", async () => {
  const { problem } = await waiting("no answer", "trouble", "authorization_pending");
  assert.equal(problem, "");
});

test("a denial, a code used twice and the end of its time end the waiting", async () => {
  assert.equal((await waiting("access_denied")).problem, "access_denied");
  assert.equal((await waiting("invalid_grant")).problem, "access_denied");
  assert.equal((await waiting("authorization_pending", "expired_token")).problem, "expired_token");
  assert.equal((await waiting(...Array(400).fill("authorization_pending"))).problem, "expired_token");
});

test("a person who leaves the screen ends the waiting", async () => {
  const { tools, store } = phone();
  const { id } = await pair(tools, { code, name: "", lang: "sv" });
  assert.equal(await waitForAnswer(tools, id, AbortSignal.abort()), "aborted");
  assert.ok(await store.get("accounts", id));
});

test("pairing without a network says so", async () => {
  const { op, tools } = phone();
  op.fetch = () => Promise.reject(new TypeError("Failed to fetch"));
  await assert.rejects(pair(tools, { code, name: "", lang: "sv" }), Unreachable);
});

test("a second code gives up the first pairing, and leaves what is paired alone", async () => {
  const { tools, store } = phone();
  await store.put("accounts", { id: "paired", state: "active" });
  const first = await pair(tools, { code, name: "", lang: "sv" });
  const second = await pair(tools, { code, name: "", lang: "sv" });
  assert.deepEqual((await store.all("accounts")).map(({ id }) => id), ["paired", second.id]);
  assert.notEqual(first.id, second.id);
});
