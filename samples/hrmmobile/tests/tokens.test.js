import assert from "node:assert/strict";
import { test } from "node:test";
import { Discovery, Unreachable } from "../app/discovery.js";
import { Ended, Tokens } from "../app/tokens.js";
import { Locks, OP, Storage, config } from "./op.js";

// world is an app that is signed in with the refresh token r0; each use gives the next.
async function world() {
  const op = await OP.start();
  const tools = { fetch: op.fetch, storage: new Storage(), locks: new Locks() };
  const tab = () => new Tokens(config, new Discovery(config.issuer, op.fetch), tools);
  let generation = 0;
  op.answers["/token"] = async (form) => {
    if (form.grant_type === "refresh_token" && form.refresh_token !== `r${generation - 1}`) {
      return Response.json({ error: "invalid_grant" }, { status: 400 });
    }
    const id_token = await op.sign(op.claims());
    return Response.json({ access_token: `access token ${generation}`, refresh_token: `r${generation++}`, id_token });
  };
  op.answers["/revoke"] = () => new Response();
  const tokens = tab();
  await tokens.redeem({ code: "c", verifier: "v", nonce: "n" });
  return { op, tokens, tab };
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
  op.answers["/token"] = () => Response.json({ access_token: "a" });
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
  op.answers["/token"] = async () => Response.json({ access_token: "a", refresh_token: "x", id_token: await op.sign(op.claims({ sub: "bo" })) });
  await assert.rejects(tokens.refresh(), /another subject/);
  assert.equal(tokens.stored().subject, "anna");
});

test("a sign-out during a refresh wins", async () => {
  const { op, tokens } = await world();
  op.answers["/token"] = () => {
    tokens.clear();
    return Response.json({ access_token: "a", refresh_token: "late" });
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
