// Answers a request: a signature over what was asked, what was shown and what the
// person decided.
import { sign } from "./jws.js";

// answerOf makes the JWS. decision: approve, deny or not_me.
export function answerOf(account, issuer, request, decision, { number = "", endSessions } = {}) {
  const { id, nonce, attempt, purpose, client_id, shown, exp } = request;
  const payload = {
    iss: account.keyID, aud: issuer, sub: account.account, challenge: id, nonce, attempt, purpose, client_id, shown,
    number: decision === "approve" ? number : "", decision, exp,
    ...(endSessions && { end_sessions: true }),
  };
  return sign(account.signing, { typ: "portvakt-approval+jwt", kid: account.keyID }, payload);
}

// send returns "approved", "denied", "reported" or "wrong_number".
export async function send({ api, store, issuer }, accountID, request, decision, options) {
  const account = await store.get("accounts", accountID);
  const answer = await answerOf(account, issuer, request, decision, options);
  const told = await api.call(accountID, "POST", `/push/challenges/${encodeURIComponent(request.id)}`, { answer });
  return told.result;
}
