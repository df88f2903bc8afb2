import assert from "node:assert/strict";
import { test } from "node:test";
import { verifyIDToken } from "../app/idtoken.js";
import { OP, config } from "./op.js";

const op = await OP.start();
const expected = { issuer: config.issuer, clientID: "mobile", nonce: "n" };

test("a good token gives its claims", async () => {
  const claims = await verifyIDToken(await op.sign(op.claims({ name: "Åsa" })), [op.jwk], expected);
  assert.equal(claims.name, "Åsa");
});

const past = Date.now() / 1000 - 3600;
const bad = {
  "another issuer": { iss: "https://evil.example" },
  "another audience": { aud: "hrm" },
  "several audiences without us as the party": { aud: ["mobile", "hrm"] },
  "expired": { exp: past },
  "without an end": { exp: undefined },
  "from the future": { iat: Date.now() / 1000 + 3600 },
  "another nonce": { nonce: "x" },
  "without a nonce": { nonce: undefined },
  "without a subject": { sub: undefined },
};

for (const [name, change] of Object.entries(bad)) {
  test(`refused: ${name}`, async () => {
    await assert.rejects(verifyIDToken(await op.sign(op.claims(change)), [op.jwk], expected));
  });
}

test("refused: a foreign key, a changed body, no signature, an unknown algorithm", async () => {
  const other = await OP.start();
  const good = await op.sign(op.claims());
  const [head, , signature] = good.split(".");
  const body = (await op.sign(op.claims({ sub: "bo" }))).split(".")[1];
  const none = (await op.sign(op.claims(), { alg: "none" })).replace(/[^.]*$/, "");
  for (const raw of [await other.sign(op.claims()), `${head}.${body}.${signature}`, none, `${head}.${body}.`, "", "x.y.z"]) {
    await assert.rejects(verifyIDToken(raw, [op.jwk], expected));
  }
  await assert.rejects(verifyIDToken(await op.sign(op.claims(), { alg: "toString" }), [op.jwk], expected));
  await assert.rejects(verifyIDToken(good, [], expected));
});

test("a refreshed token needs no nonce but the same subject", async () => {
  const raw = await op.sign(op.claims({ nonce: undefined }));
  const refreshed = { issuer: config.issuer, clientID: "mobile" };
  await verifyIDToken(raw, [op.jwk], { ...refreshed, subject: "anna" });
  await assert.rejects(verifyIDToken(raw, [op.jwk], { ...refreshed, subject: "bo" }));
});
