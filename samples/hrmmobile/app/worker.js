// Lets the app open without a network: the newest copy of its own files, and
// nothing else. The network always comes first, so a new version is never hidden.
// Addresses with a code in them are answered from the page, never stored.
const cache = "hrmmobile-1";
const files = [
  "/",
  "/config.json",
  "/manifest.webmanifest",
  "/app/app.css",
  "/app/base64url.js",
  "/app/discovery.js",
  "/app/dpop.js",
  "/app/icon.svg",
  "/app/idtoken.js",
  "/app/keys.js",
  "/app/login.js",
  "/app/main.js",
  "/app/schedule.js",
  "/app/texts.js",
  "/app/tokens.js",
  "/app/view.js",
  "/app/welcome.svg",
];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(cache).then((c) => c.addAll(files)));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  event.respondWith(answer(request, url.pathname));
});

async function answer(request, path) {
  const store = await caches.open(cache);
  try {
    const fresh = await fetch(request);
    if (fresh.ok && files.includes(path)) await store.put(path, fresh.clone());
    return fresh;
  } catch (cause) {
    const kept = await store.match(files.includes(path) ? path : "/");
    if (kept) return kept;
    throw cause;
  }
}
