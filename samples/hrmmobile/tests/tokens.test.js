import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Discovery, Unreachable } from "../app/discovery.js";
import { Prover } from "../app/dpop.js";
import { Ended, Tokens } from "../app/tokens.js";

import { Keys, Locks, OP, Storage, config, proofOf } from "./op.js";

// world is an app that is signed in with the refresh token r0; each use gives the next.
async function world(change = {}) {
  const op = await OP.start();
  Object.assign(op.metadata, change);
  const keys = new Keys();
  const tools = { fetch: op.fetch, storage: new Storage(), locks: new Locks() };
  const tab = () => new Tokens(config, new Discovery(config.issuer, op.fetch), { ...tools, prover: new Prover(keys) });
  if (op.metadata.dpop_signing_alg_values_supported) await new Prover(keys).thumbprint();
  let generation = 0;
  op.answers["/token"] = async (form, proof) => {
    if (form.grant_type === "refresh_token" && form.refresh_token !== `r${generation - 1}`) {
      return Response.json({ error: "invalid_grant" }, { status: 400 });
    }
    const id_token = await op.sign(op.claims());
    const token_type = proof ? "DPoP" : "Bearer";
    return Response.json({ access_token: `access token ${generation}`, token_type, refresh_token: `r${generation++}`, id_token });
  };
  op.answers["/revoke"] = () => new Response();
  const tokens = tab();
  await tokens.redeem({ code: "c", verifier: "v", nonce: "n" });
  return { op, tokens, tab, keys };
}

test("a code is redeemed with its verifier", async () => {
  const { op, tokens } = await world();
  const form = { grant_type: "authorization_code", code: "c", code_verifier: "v", client_id: "mobile", redirect_uri: config.redirect_uri };
  assert.deepEqual(op.asked("/token")[0], form);
  assert.equal(tokens.accessToken, "access token 0");
  assert.equal(tokens.stored().refresh, "r0");
});

test("an id token with another nonce keeps nothing", async () => {
  const { tokens } = await world();
  tokens.clear();
  await assert.rejects(tokens.redeem({ code: "c", verifier: "v", nonce: "x" }), /nonce/);
  assert.equal(tokens.stored(), null);
});

test("a refresh keeps the new refresh token; the access token stays in memory", async () => {
  const { tokens } = await world();
  assert.equal(await tokens.refresh(), "anna");
  assert.equal(tokens.stored().refresh, "r1");
  assert.equal(tokens.accessToken, "access token 1");
  assert.ok(!JSON.stringify(tokens.stored()).includes("access token 1"));
});

test("an answer without a new refresh token keeps the old one", async () => {
  const { op, tokens } = await world();
  op.answers["/token"] = () => Response.json({ access_token: "a", token_type: "DPoP" });
  await tokens.refresh();
  assert.equal(tokens.stored().refresh, "r0");
});

test("two tabs at once take turns", async () => {
  const { op, tokens, tab } = await world();
  await Promise.all([tokens.refresh(), tab().refresh(), tab().refresh()]);
  assert.deepEqual(op.asked("/token").slice(1).map((form) => form.refresh_token), ["r0", "r1", "r2"]);
});

test("a refused refresh clears", async () => {
  const { op, tokens } = await world();
  op.answers["/token"] = () => Response.json({ error: "invalid_grant" }, { status: 400 });
  await assert.rejects(tokens.refresh(), Ended);
  assert.equal(tokens.stored(), null);
  assert.equal(tokens.accessToken, null);
});

test("no network, a server in trouble and another error keep the tokens", async () => {
  const { op, tokens } = await world();
  const failures = [
    () => { throw new TypeError("Failed to fetch"); },
    () => new Response("", { status: 503 }),
    () => new Response("<html>", { status: 200 }),
    () => Response.json({ error: "invalid_client" }, { status: 401 }),
  ];
  for (const failure of failures) {
    op.answers["/token"] = failure;
    await assert.rejects(tokens.refresh(), (error) => !(error instanceof Ended));
    assert.equal(tokens.stored().refresh, "r0");
  }
  op.answers["/token"] = failures[0];
  await assert.rejects(tokens.refresh(), (error) => error instanceof Unreachable && error.message === "offline");
});

test("a refreshed id token of another person is refused", async () => {
  const { op, tokens } = await world();
  op.answers["/token"] = async () => Response.json({ access_token: "a", token_type: "DPoP", refresh_token: "x", id_token: await op.sign(op.claims({ sub: "bo" })) });
  await assert.rejects(tokens.refresh(), /another subject/);
  assert.equal(tokens.stored().subject, "anna");
});

test("a sign-out during a refresh wins", async () => {
  const { op, tokens } = await world();
  op.answers["/token"] = () => {
    tokens.clear();
    return Response.json({ access_token: "a", token_type: "DPoP", refresh_token: "late" });
  };
  await assert.rejects(tokens.refresh(), Ended);
  assert.equal(tokens.stored(), null);
});

test("giving back clears and revokes, and clears without a network too", async () => {
  const { op, tokens } = await world();
  await tokens.giveBack();
  assert.equal(tokens.stored(), null);
  assert.deepEqual(op.asked("/revoke"), [{ token: "r0", token_type_hint: "refresh_token", client_id: "mobile" }]);
  const other = await world();
  other.op.answers["/revoke"] = () => { throw new TypeError("Failed to fetch"); };
  await assert.rejects(other.tokens.giveBack(), Unreachable);
  assert.equal(other.tokens.stored(), null);
});

test("a discovery document of another issuer is refused", async () => {
  const { op } = await world();
  op.metadata.issuer = "https://evil.example";
  await assert.rejects(new Discovery(config.issuer, op.fetch).metadata(), /another issuer/);
});

test("each request carries a fresh proof by one key that cannot be taken out", async () => {
  const { op, tokens, keys } = await world();
  await tokens.refresh();
  op.answers["/userinfo"] = () => Response.json({ sub: "anna" });
  const answer = await tokens.use(`${config.issuer}/userinfo`);
  assert.equal((await answer.json()).sub, "anna");
  const proofs = await Promise.all(op.calls.filter((call) => call.headers.DPoP).map((call) => proofOf(call.headers.DPoP)));
  assert.equal(new Set(proofs.map((proof) => proof.jkt)).size, 1);
  assert.equal(new Set(proofs.map((proof) => proof.claims.jti)).size, proofs.length);
  assert.ok(proofs.every(({ header }) => header.typ === "dpop+jwt" && header.alg === "ES256" && !("d" in header.jwk)));
  assert.equal(keys.pair.privateKey.extractable, false);
  const last = op.calls.at(-1);
  assert.equal(last.headers.Authorization, "DPoP access token 1");
  assert.equal(proofs.at(-1).claims.htu, `${config.issuer}/userinfo`);
  assert.equal(proofs.at(-1).claims.htm, "GET");
  assert.equal(proofs.at(-1).claims.ath, createHash("sha256").update("access token 1").digest("base64url"));
  assert.equal(proofs[0].claims.ath, undefined);
});

test("a nonce is asked for once, and then each answer brings the next", async () => {
  const { op, tokens } = await world();
  const before = op.calls.length;
  await tokens.refresh();
  await tokens.refresh();
  assert.equal(op.calls.slice(before).filter((call) => call.path === "/token").length, 2);
});

test("a service that always asks for another nonce is asked twice", async () => {
  const { op, tokens } = await world();
  const before = op.calls.length;
  op.answers["/token"] = () => Response.json({ error: "use_dpop_nonce" }, { status: 400 });
  await assert.rejects(tokens.refresh(), /use_dpop_nonce/);
  assert.equal(op.calls.length - before, 2);
  assert.equal(tokens.stored().refresh, "r0");
});

test("a resource that asks for a nonce in its header gets one", async () => {
  const { op, tokens } = await world();
  let asked = 0;
  op.answers["/userinfo"] = () => {
    if (asked++) return Response.json({ sub: "anna" });
    return new Response("", { status: 401, headers: { "WWW-Authenticate": 'DPoP error="use_dpop_nonce"' } });
  };
  assert.equal((await tokens.use(`${config.issuer}/userinfo`)).status, 200);
});

test("a key that is lost ends the login here and sends nothing", async () => {
  const { op, keys, tab } = await world();
  keys.pair = undefined;
  const before = op.calls.length;
  const tokens = tab();
  await assert.rejects(tokens.refresh(), Ended);
  assert.equal(tokens.stored(), null);
  assert.equal(op.asked("/token").length, 1);
  assert.ok(op.calls.slice(before).every((call) => call.path !== "/token"));
});

test("a token that is not bound is refused where the service binds", async () => {
  const { op, tokens } = await world();
  op.answers["/token"] = () => Response.json({ access_token: "a", token_type: "Bearer", refresh_token: "x" });
  await assert.rejects(tokens.refresh(), /not bound/);
  assert.equal(tokens.stored().refresh, "r0");
});

test("a service that binds nothing is used with bearer tokens", async () => {
  const { op, tokens, keys } = await world({ dpop_signing_alg_values_supported: undefined });
  await tokens.refresh();
  op.answers["/userinfo"] = () => Response.json({ sub: "anna" });
  await tokens.use(`${config.issuer}/userinfo`);
  assert.equal(op.calls.at(-1).headers.Authorization, "Bearer access token 1");
  assert.ok(op.calls.every((call) => !call.headers.DPoP));
  assert.equal(keys.pair, undefined);
});

test("two tabs that both make a key agree on one", async () => {
  const keys = new Keys();
  const both = await Promise.all([new Prover(keys).thumbprint(), new Prover(keys).thumbprint()]);
  assert.equal(both[0], both[1]);
});
