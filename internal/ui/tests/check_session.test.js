import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

// The frame's browser: it has a cookie, and others may ask it.
let listener;
Object.assign(globalThis, {
  location: { protocol: "https:" },
  document: { cookie: "" },
  addEventListener: (type, f) => {
    assert.equal(type, "message");
    listener = f;
  },
});
await import("../static/check_session.js");

const app = { id: "01JABC", origin: "https://resor.example:8443" };

// stateOf is what Portvakt gives an app beside its code (Session Management 1.0 §3).
const stateOf = (session, { id, origin } = app, salt = "s4lt-_") =>
  createHash("sha256").update([id, origin, session, salt].join(" ")).digest("base64url") + "." + salt;

async function ask(data, origin = app.origin) {
  const answers = [];
  await listener({ data, origin, source: { postMessage: (...answer) => answers.push(answer) } });
  return answers;
}

const says = async (want, data, origin = app.origin) => assert.deepEqual(await ask(data, origin), [[want, origin]]);

test("the session is the same, for the app and its origin alone", async () => {
  document.cookie = "other=x; __Host-pv_watched=abc";
  await says("unchanged", `${app.id} ${stateOf("abc")}`);
  await says("changed", `${app.id} ${stateOf("abc")}`, "https://other.example");
  await says("changed", `another ${stateOf("abc")}`);
  await says("changed", `${app.id} ${stateOf("abc", app, "salt")}x`);
});

test("another session, or none, is a change", async () => {
  document.cookie = "__Host-pv_watched=next; x__Host-pv_watched=abc; pv_watched=abc";
  await says("changed", `${app.id} ${stateOf("abc")}`);
  await says("unchanged", `${app.id} ${stateOf("next")}`);
  document.cookie = "";
  await says("changed", `${app.id} ${stateOf("abc")}`);
  await says("unchanged", `${app.id} ${stateOf("")}`);
});

test("what is no question is an error", async () => {
  for (const wrong of ["", app.id, `${app.id} `, `${app.id} abc`, `${app.id} abc.`, `${app.id}  ${stateOf("")}`, `${app.id} ${stateOf("")} x`, `${app.id} ${stateOf("")}\n`, `${app.id} ab+.c`]) {
    await says("error", wrong);
  }
});

test("what comes from nowhere, or is no text, gets no answer", async () => {
  assert.deepEqual(await ask({ text: `${app.id} ${stateOf("")}` }), []);
  assert.deepEqual(await ask(`${app.id} ${stateOf("")}`, "null"), []);
  await listener({ data: `${app.id} ${stateOf("")}`, origin: app.origin, source: null });
});
