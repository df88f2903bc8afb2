// Pairs this phone with an account: reads the link or the key, sends the phone's
// keys, shows what is to be compared, waits for the answer.
import { Refused, Removed, Unreachable } from "./errors.js";
import { pairingCode } from "./base32.js";
import { generateKeys } from "./keys.js";

// readLink finds the pairing code in a link, an address' fragment or a typed key. It
// returns {code}, or {problem}: "other_issuer" or "not_a_code".
export function readLink(scanned, issuer) {
  const text = scanned.trim();
  const hash = text.indexOf("#");
  const fragment = new URLSearchParams(hash >= 0 ? text.slice(hash + 1) : "");
  if (!fragment.has("code")) {
    const code = hash < 0 ? pairingCode(text) : null;
    return code ? { code } : { problem: "not_a_code" };
  }
  if (fragment.get("iss") !== issuer) return { problem: "other_issuer" };
  const code = pairingCode(fragment.get("code"));
  return code ? { code } : { problem: "not_a_code" };
}

// pair sends the code and new keys; what comes back is kept, so that a reload goes on.
// A pairing that waited for an answer before is given up for this one.
export async function pair({ api, store, now }, { code, name, lang }) {
  for (const { id, state } of await store.all("accounts")) if (state === "pairing") await store.delete("accounts", id);
  const keys = await generateKeys();
  const body = { code, key: keys.decryption.jwk, name: name.slice(0, 40), lang };
  const answer = await api.begin(keys.signing, "/push/pair", body);
  const account = {
    id: crypto.randomUUID(),
    state: "pairing",
    ...keys,
    deviceCode: answer.device_code,
    comparison: answer.comparison,
    interval: answer.interval ?? 5,
    expires: now() + answer.expires_in * 1000,
  };
  await store.put("accounts", account);
  return account;
}

// waitForAnswer polls until the person has answered in the browser (RFC 8628 §3.5).
// It returns the problem's name, or "" when the phone is paired. sleep takes milliseconds.
export async function waitForAnswer({ api, store, now, sleep }, id, signal) {
  const account = await store.get("accounts", id);
  let interval = account.interval;
  while (!signal.aborted) {
    await sleep(interval * 1000, signal);
    if (signal.aborted) break;
    try {
      await api.redeem(id);
      return "";
    } catch (error) {
      const [problem, slower] = judge(error);
      if (problem) return problem;
      interval = Math.min(interval + slower, 30);
    }
    if (now() > account.expires + 30_000) return "expired_token";
  }
  return "aborted";
}

// judge returns a problem that ends the waiting, and by how many seconds to slow down.
function judge(error) {
  if (error instanceof Unreachable) return ["", 1];
  if (error instanceof Removed) return ["access_denied", 0];
  if (!(error instanceof Refused)) throw error;
  if (error.code === "authorization_pending") return ["", 0];
  if (error.code === "slow_down") return ["", 5];
  return [error.code, 0];
}
