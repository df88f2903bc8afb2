import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const source = readFileSync(new URL("../app/worker.js", import.meta.url), "utf8");
const base = "https://login.example/authenticator/";
const texts = { "authenticator.push.challenge": "Loggar du in i {{.App}}?", "authenticator.push.gone": "Borta", "authenticator.push.removed": "Borttaget" };

// browser is what a service worker sees of one: a network, caches, notifications, windows, a store.
function browser({ release = "abc", files = ["main.js", "texts-en.json", "texts-sv.json"], served = release, lang = "sv" } = {}) {
  const listeners = {};
  const kept = new Map(); // by cache: Map of addresses
  const cacheOf = (name) => kept.get(name) ?? kept.set(name, new Map()).get(name);
  const b = { kept, shown: [], asked: [], windows: [], opened: [], settings: new Map([["lang", { name: "lang", value: lang }]]), offline: false };
  b.self = {
    location: { href: `${base}sw.js` },
    addEventListener: (type, listener) => (listeners[type] = listener),
    skipWaiting: async () => {},
    registration: { showNotification: async (title, options) => void b.shown.push({ title, ...options }) },
    clients: { claim: async () => {}, matchAll: async () => b.windows, openWindow: async (url) => void b.opened.push(url) },
  };
  const caches = {
    open: async (name) => ({ match: async (url) => cacheOf(name).get(url)?.clone(), put: async (url, answer) => void cacheOf(name).set(url, answer) }),
    keys: async () => [...kept.keys()],
    delete: async (name) => kept.delete(name),
  };
  const fetch = async (request) => {
    const url = request.url ?? request;
    b.asked.push(url);
    if (b.offline) throw new TypeError("Failed to fetch");
    if (url === base) return new Response("page", { headers: { ETag: `"${served}"` } });
    const headers = { "Cache-Control": url.includes(`/${served}/`) ? "public, immutable" : "no-store" };
    return url.includes("texts-") ? Response.json(texts, { headers }) : new Response(`file ${url}`, { headers });
  };
  const answer = (result) => {
    const request = {};
    setImmediate(() => { request.result = result; request.onsuccess(); });
    return request;
  };
  const shelf = { get: (name) => answer(b.settings.get(name)), put: (value) => answer(void b.settings.set(value.name, value)) };
  const indexedDB = { open: () => answer({ transaction: () => ({ objectStore: () => shelf }) }) };
  new Function("release", "files", "self", "caches", "fetch", "indexedDB", source)(release, files, b.self, caches, fetch, indexedDB);
  b.fire = async (type, event = {}) => {
    let answered;
    let waited;
    listeners[type]({ ...event, waitUntil: (work) => (waited = work), respondWith: (work) => (answered = work) });
    await waited;
    return answered;
  };
  b.get = (url, mode = "cors", method = "GET") => b.fire("fetch", { request: { url, mode, method } });
  return b;
}

const push = (message) => ({ data: { json: () => (typeof message === "string" ? JSON.parse(message) : message) } });

test("a release is kept whole, the one before is swept away, and the app opens without a network", async () => {
  const b = browser();
  b.kept.set("portvakt-old", new Map());
  b.kept.set("somebody-else", new Map());
  await b.fire("install");
  await b.fire("activate");
  assert.deepEqual([...b.kept.keys()], ["somebody-else", "portvakt-abc"]);
  b.offline = true;
  assert.equal(await (await b.get(`${base}#/`, "navigate")).text(), "page");
  assert.equal(await (await b.get(`${base}abc/main.js`)).text(), `file ${base}abc/main.js`);
});

test("files of another release are not kept", async () => {
  await assert.rejects(browser({ served: "xyz" }).fire("install"), /another release/);
});

test("what is not the app's own is left to the network", async () => {
  const b = browser();
  await b.fire("install");
  for (const url of ["https://login.example/push/events", "https://login.example/account", `${base}old/main.js`, `${base}manifest.webmanifest`, "https://evil.example/authenticator/abc/main.js"]) {
    assert.equal(await b.get(url), undefined, url);
  }
  assert.equal(await b.get(`${base}abc/main.js`, "cors", "POST"), undefined);
});

test("a request is shown with the app's name and without a number; its end takes its place", async () => {
  const b = browser();
  await b.fire("push", push({ type: "challenge", key_id: "k", id: "c/1", app: "HRM", purpose: "signin" }));
  await b.fire("push", push({ type: "gone", key_id: "k", id: "c/1" }));
  await b.fire("push", push({ type: "removed", key_id: "k" }));
  assert.deepEqual(b.shown.map(({ title, tag, data }) => [title, tag, data.hash]), [
    ["Loggar du in i HRM?", "c/1", "#/request/c%2F1"], ["Borta", "c/1", "#/"], ["Borttaget", "removed-k", "#/"],
  ]);
});

test("a message that cannot be read still shows something", async () => {
  const b = browser();
  await b.fire("push", push("{"));
  await b.fire("push", { data: null });
  assert.equal(b.shown.length, 2);
  assert.equal(b.shown[0].data.hash, "#/requests");
});

test("the language is the app's, and without a word of it the first there is", async () => {
  for (const [lang, want] of [["en", "en"], ["sv", "sv"], ["fi", "en"]]) {
    const b = browser({ lang });
    await b.fire("push", push({ type: "removed", key_id: "k" }));
    assert.equal(b.shown[0].lang, want);
  }
});

test("a press opens the request, in the app that is open already or in a new one", async () => {
  const b = browser();
  const notification = { close() {}, data: { hash: "#/request/c1" } };
  await b.fire("notificationclick", { notification });
  assert.deepEqual(b.opened, [`${base}#/request/c1`]);
  const told = [];
  b.windows = [{ url: "https://login.example/account" }, { url: `${base}#/`, postMessage: (m) => told.push(m), focus: () => told.push("focus") }];
  await b.fire("notificationclick", { notification });
  assert.deepEqual(told, [{ type: "open", hash: "#/request/c1" }, "focus"]);
  assert.equal(b.opened.length, 1);
});

test("a subscription that the browser gave up is marked, and an open app told", async () => {
  const b = browser();
  const told = [];
  b.settings.set("push", { name: "push", vapid: "v1" });
  b.windows = [{ postMessage: (m) => told.push(m) }];
  await b.fire("pushsubscriptionchange");
  assert.deepEqual(b.settings.get("push"), { name: "push", vapid: "v1", again: true });
  assert.deepEqual(told, [{ type: "subscribe" }]);
});
