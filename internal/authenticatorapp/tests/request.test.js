import assert from "node:assert/strict";
import { test } from "node:test";
import { one } from "../app/screen_request.js";

// Just enough of a document to find the buttons of a screen.
class Element {
  disabled = false;
  children = [];
  constructor(tag) { this.tag = tag; }
  setAttribute(name, value) { if (name === "disabled") this.disabled = true; else this[name] = value; }
  addEventListener(name, heard) { this[name] = heard; }
  append(...children) { this.children.push(...children); }
}
globalThis.document = { createElement: (tag) => new Element(tag) };

// shown is the screen of a request: its buttons by their words, and what makes the moment pass.
async function shown(request) {
  let pass;
  const entry = { accountID: "a", offset: 0, request: { id: "r", purpose: "ask", numbers: [], exp: 120, shown: { app: "Kassan", message: "Kassa 4-17" }, ...request } };
  const app = {
    requests: { find: () => entry }, store: { get: async () => undefined }, t: (key) => key, now: () => 0, calendar: "sv",
    sleep: () => ({ then: (done) => (pass = done) }),
  };
  const screen = await one(app, "r");
  screen.leave();
  const all = [screen.actions].flat(Infinity).filter((e) => e instanceof Element && e.tag === "button");
  return { named: (words) => all.find((e) => e.children.includes(words)), words: JSON.stringify(screen.body), pass: () => pass() };
}

test("a question can be denied at once, and approved a moment later", async () => {
  const { named, pass } = await shown({ mode: "message" });
  assert.equal(named("authenticator.deny").disabled, false);
  assert.equal(named("authenticator.approve").disabled, true);
  pass();
  assert.equal(named("authenticator.approve").disabled, false);
});

test("what the app does not know it cannot approve", async () => {
  for (const mode of ["gesture", "constructor", "", undefined]) {
    const { named, words } = await shown({ mode });
    assert.equal(named("authenticator.approve"), undefined);
    assert.ok(named("authenticator.deny"));
    assert.match(words, /authenticator\.request\.unknown/);
  }
  assert.ok((await shown({ mode: "none", purpose: "test" })).named("authenticator.approve"));
});
