import assert from "node:assert/strict";
import { test } from "node:test";
import { Push } from "../app/push.js";
import { paired } from "./world.js";

// browser is one with a push service: each subscription has an address of its own.
function browser({ permission = "granted", broken = false } = {}) {
  let now = null;
  let made = 0;
  const pushManager = {
    getSubscription: async () => now,
    subscribe: async ({ applicationServerKey }) => {
      if (broken) throw new Error("push service not available");
      const endpoint = `https://push.example/${++made}`;
      now = { key: applicationServerKey, toJSON: () => ({ endpoint, keys: { p256dh: "p", auth: "a" } }), unsubscribe: async () => { now = null; } };
      return now;
    },
  };
  const Notification = { permission, requestPermission: async () => { if (Notification.permission === "default") Notification.permission = "granted"; } };
  return { registration: async () => ({ pushManager }), Notification, PushManager: class {}, current: () => now, made: () => made };
}

async function world(options) {
  const w = await paired();
  w.browser = browser(options);
  w.push = new Push({ api: w.api, store: w.store, browser: w.browser });
  w.list = () => w.accounts.list();
  return w;
}

const puts = ({ op }) => op.asked("PUT /push/subscription").filter(({ headers }) => headers).map(({ body }) => body);

test("turning on asks the person, subscribes and tells the issuer once", async () => {
  const w = await world({ permission: "default" });
  assert.equal(await w.push.state(), "ask");
  await w.push.enable(await w.list());
  assert.equal(await w.push.state(), "on");
  assert.deepEqual(puts(w), [{ endpoint: "https://push.example/1", keys: { p256dh: "p", auth: "a" }, vapid: "v1" }]);
  await w.push.sync(await w.list());
  assert.equal(puts(w).length, 1);
});

test("rotated keys, and a subscription that the browser gave up, make a new one", async () => {
  const w = await world();
  await w.push.sync(await w.list());
  const rotated = (await w.list()).map((account) => ({ ...account, vapid: { id: "v2", key: "BB" } }));
  await w.push.sync(rotated);
  assert.deepEqual(puts(w).map(({ endpoint, vapid }) => [endpoint, vapid]), [["https://push.example/1", "v1"], ["https://push.example/2", "v2"]]);
  await w.store.put("settings", { ...(await w.store.get("settings", "push")), again: true });
  await w.push.sync(rotated);
  assert.equal(w.browser.made(), 3);
});

test("an issuer that has forgotten the subscription is told again", async () => {
  const w = await world();
  await w.push.sync(await w.list());
  await w.push.sync((await w.list()).map((account) => ({ ...account, subscribed: false })));
  assert.equal(puts(w).length, 2);
});

test("turning off ends the subscription on both sides, and it stays off", async () => {
  const w = await world();
  await w.push.sync(await w.list());
  await w.push.disable(await w.list());
  assert.equal(await w.push.state(), "off");
  assert.equal(w.browser.current(), null);
  assert.equal(w.op.asked("DELETE /push/subscription").length, 1);
  await w.push.sync(await w.list());
  assert.equal(w.browser.current(), null);
});

test("a browser that says no, or cannot, is left alone", async () => {
  const denied = await world({ permission: "denied" });
  assert.equal(await denied.push.state(), "denied");
  await denied.push.sync(await denied.list());
  assert.equal(denied.browser.made(), 0);
  const none = new Push({ api: denied.api, store: denied.store, browser: {} });
  assert.equal(await none.state(), "unsupported");
  await none.sync(await denied.list());
});

test("a browser without a push service is told of, and may be tried again", async () => {
  const w = await world({ broken: true });
  await w.push.sync(await w.list());
  assert.equal(await w.push.state(), "failing");
  assert.deepEqual(puts(w), []);
});
