import assert from "node:assert/strict";
import { test } from "node:test";

// left is where the page has gone on to; loaded is what waits for its frames.
let left, loaded;
Object.assign(globalThis, {
  location: { replace: (to) => (left = to) },
  addEventListener: (type, f) => {
    assert.equal(type, "load");
    loaded = f;
  },
});

const open = (readyState) => {
  [left, loaded] = [];
  globalThis.document = { readyState, getElementById: (id) => (id === "onward" ? { href: "https://hrm.example/out" } : null) };
  return import("../static/farewell.js?" + readyState);
};

test("the page waits for its frames", async () => {
  await open("interactive");
  assert.equal(left, undefined);
  loaded();
  assert.equal(left, "https://hrm.example/out");
});

test("a page that is complete goes on at once", async () => {
  await open("complete");
  assert.equal(left, "https://hrm.example/out");
  assert.equal(loaded, undefined);
});
