// The frame of OpenID Connect Session Management 1.0 §3.2. An app asks with "client id, space, session_state"; the answer is "unchanged",
// "changed", or "error" for what is no question. session_state is a hash over the app, its origin and the browser's session, and a salt.

const name = (location.protocol === "https:" ? "__Host-" : "") + "pv_watched=";

const watched = () => {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith(name));
  return cookie ? cookie.slice(name.length) : "";
};

const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

async function judge(question, origin) {
  const parts = /^(\S+) ([\w-]+)\.([\w-]+)$/.exec(question);
  if (!parts) return "error";
  const [, client, hash, salt] = parts;
  const text = [client, origin, watched(), salt].join(" ");
  const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return base64url(sum) === hash ? "unchanged" : "changed";
}

addEventListener("message", async (event) => {
  if (typeof event.data !== "string" || !event.source || event.origin === "null") return;
  event.source.postMessage(await judge(event.data, event.origin), event.origin);
});
