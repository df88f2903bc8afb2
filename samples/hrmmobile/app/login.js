// A login under way: the request, and the check of the answer (code flow with
// PKCE, RFC 7636; iss in the answer, RFC 9207). It knows no tokens.
import { encode } from "./base64url.js";

const prefix = "hrmmobile.login.";
const lifetime = 15 * 60 * 1000;

// LoginLost means: the answer belongs to no login that this tab began.
export class LoginLost extends Error {}

const random = () => encode(crypto.getRandomValues(new Uint8Array(32)));

async function challengeOf(verifier) {
  return encode(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
}

// beginLogin remembers a login in this tab and returns the address to go to.
export async function beginLogin(config, metadata, storage, { lang, hint, jkt } = {}) {
  const attempt = { nonce: random(), verifier: random(), began: Date.now() };
  const state = random();
  const url = new URL(metadata.authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: config.client_id,
    redirect_uri: config.redirect_uri,
    scope: config.scope,
    state,
    nonce: attempt.nonce,
    code_challenge: await challengeOf(attempt.verifier),
    code_challenge_method: "S256",
    ...(jkt && { dpop_jkt: jkt }), // RFC 9449 §10: the code, too, is for this key
    ...(lang && { ui_locales: lang }),
    ...(hint && { login_hint: hint }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  storage.setItem(prefix + state, JSON.stringify(attempt));
  return url.href;
}

// takeAnswer checks the address that the login service sent us to and returns
// the code with what belongs to it. A state works once.
export function takeAnswer(search, config, metadata, storage) {
  const answer = new URLSearchParams(search);
  const attempt = takeAttempt(answer.get("state"), storage);
  const iss = answer.get("iss");
  const mustSay = metadata.authorization_response_iss_parameter_supported;
  if (iss !== config.issuer && (iss !== null || mustSay)) throw new Error("the answer comes from another issuer");
  if (answer.has("error")) throw new Error(`refused: ${answer.get("error")}`);
  return { code: answer.get("code"), nonce: attempt.nonce, verifier: attempt.verifier };
}

function takeAttempt(state, storage) {
  const kept = state && storage.getItem(prefix + state);
  if (!kept) throw new LoginLost("unknown state");
  storage.removeItem(prefix + state);
  const attempt = JSON.parse(kept);
  if (Date.now() - attempt.began > lifetime) throw new LoginLost("expired state");
  return attempt;
}
