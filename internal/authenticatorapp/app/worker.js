// The service worker: keeps the release's files for the time without a network, and is
// woken by the issuer. Its first two lines (release, files) are written by the
// server; a new release is a new worker, which fetches everything before it takes over.

const cacheName = `portvakt-${release}`;
const base = new URL("./", self.location.href);
const address = (name) => new URL(`${release}/${name}`, base).href;
const index = base.href;

self.addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});

async function fill() {
  const cache = await caches.open(cacheName);
  await Promise.all(files.map(async (name) => {
    const answer = await fetch(address(name), { cache: "no-cache" });
    // Another node may still serve another release: what may not be kept is not ours.
    if (!answer.ok || !answer.headers.get("Cache-Control")?.includes("immutable")) throw new Error(`another release: ${name}`);
    await cache.put(address(name), answer);
  }));
  const page = await fetch(index, { cache: "no-store" });
  if (!page.ok || page.headers.get("ETag")?.includes(release) !== true) throw new Error("another release: the page");
  await cache.put(index, page);
}

self.addEventListener("activate", (event) => {
  event.waitUntil(clearOld().then(() => self.clients.claim()));
});

async function clearOld() {
  for (const name of await caches.keys()) if (name.startsWith("portvakt-") && name !== cacheName) await caches.delete(name);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return;
  if (request.mode === "navigate") {
    if (url.pathname === base.pathname) event.respondWith(kept(index, request));
  } else if (url.pathname.startsWith(`${base.pathname}${release}/`)) {
    event.respondWith(kept(url.origin + url.pathname, request));
  }
});

async function kept(key, request) {
  const cache = await caches.open(cacheName);
  return (await cache.match(key)) ?? fetch(request);
}

// --- woken by the issuer ---

self.addEventListener("push", (event) => {
  let message = {};
  try {
    message = event.data?.json() ?? {};
  } catch {
    // A message that cannot be read still has to be shown: browsers ask for it.
  }
  event.waitUntil(show(message));
});

async function show({ type, id, key_id: keyID, app, purpose }) {
  const t = await words();
  const common = { icon: address("icon-192.png"), badge: address("badge-96.png"), lang: t.lang };
  if (type === "removed") {
    const body = t("authenticator.push.removed_text");
    return self.registration.showNotification(t("authenticator.push.removed"), { ...common, body, tag: `removed-${keyID}`, data: { hash: "#/" } });
  }
  if (type === "gone") {
    // Browsers ask that every message shows something: it takes the request's place.
    const body = t("authenticator.push.gone_text");
    return self.registration.showNotification(t("authenticator.push.gone"), { ...common, body, tag: id, silent: true, data: { hash: "#/" } });
  }
  const title = app && purpose === "ask" ? t("authenticator.request.ask", { App: app }) : app ? t("authenticator.push.challenge", { App: app }) : t("authenticator.push.challenge_plain");
  const data = { hash: id ? `#/request/${encodeURIComponent(id)}` : "#/requests" };
  const body = t("authenticator.push.challenge_text");
  await self.registration.showNotification(title, { ...common, body, tag: id ?? "request", renotify: true, requireInteraction: true, data });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openApp(event.notification.data?.hash ?? "#/"));
});

async function openApp(hash) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const app = windows.find(({ url }) => url.startsWith(base.href));
  if (!app) return self.clients.openWindow(base.href + hash);
  app.postMessage({ type: "open", hash });
  return app.focus();
}

// The page has the tokens: a subscription that the browser gave up is made anew there.
self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(markSubscription());
});

async function markSubscription() {
  const shelf = await settings("readwrite");
  const old = (await result(shelf.get("push"))) ?? { name: "push" };
  await result(shelf.put({ ...old, again: true }));
  for (const app of await self.clients.matchAll()) app.postMessage({ type: "subscribe" });
}

// --- what the worker knows of the app ---

const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

// settings opens the app's store, which the app has made: without it there is nothing to do.
async function settings(mode) {
  const opening = indexedDB.open("portvakt-authenticator");
  opening.onupgradeneeded = () => opening.transaction.abort();
  const db = await result(opening);
  db.onversionchange = () => db.close();
  return db.transaction("settings", mode).objectStore("settings");
}

async function words() {
  const lang = await settings("readonly").then((shelf) => result(shelf.get("lang"))).then((kept) => kept?.value).catch(() => undefined);
  const name = `texts-${lang}.json`;
  const known = files.includes(name) ? name : files.find((file) => file.startsWith("texts-"));
  const texts = await kept(address(known), address(known)).then((answer) => answer.json()).catch(() => ({}));
  const t = (key, data = {}) => (texts[key] ?? key).replace(/\{\{\s*\.(\w+)\s*\}\}/g, (_, part) => String(data[part] ?? ""));
  return Object.assign(t, { lang: known.slice("texts-".length, -".json".length) });
}
