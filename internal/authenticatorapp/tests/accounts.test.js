import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused, Removed, Unreachable } from "../app/errors.js";
import { codeAt } from "../app/totp.js";
import { refuse } from "./issuer.js";
import { paired, phone } from "./world.js";

test("a paired account has its names, its codes and the server's clock", async () => {
  const { account, op, tools } = await paired();
  assert.equal(account.name, "Anna Svensson");
  assert.equal(account.employer, "Företaget AB");
  assert.equal(await codeAt(account.totp, 1111111109_000), "081804");
  assert.equal(account.offset, op.now - tools.now());
});

test("a clock that is off is made up for", async () => {
  const { op, accounts, account, clock } = await paired();
  clock.now -= 3_600_000;
  op.now += 5;
  const { offset } = await accounts.refresh(account.id);
  assert.equal(clock.now + offset, op.now);
});

test("a key that cannot be read leaves the old codes", async () => {
  const { op, accounts, account } = await paired();
  const told = op.answers["GET /push/account"];
  op.answers["GET /push/account"] = async () => Response.json({ ...(await told().json()), totp: "a.b.c" });
  assert.equal((await accounts.refresh(account.id)).totp, account.totp);
});

test("tokens are renewed before they end, one at a time, and the new refresh token is kept", async () => {
  const { op, api, account, store, clock } = await paired();
  clock.now += 600_000;
  await Promise.all([api.call(account.id, "GET", "/push/challenges"), api.call(account.id, "GET", "/push/challenges")]);
  assert.equal(op.generation, 2);
  assert.equal((await store.get("accounts", account.id)).refresh, "refresh 2");
});

test("two windows take turns", async () => {
  const { op, api, window, account, clock } = await paired();
  clock.now += 600_000;
  await Promise.all([api.token(account.id), window().token(account.id), window().token(account.id)]);
  assert.equal(op.generation, 4);
});

test("a refresh whose answer is lost is asked again with the same token", async () => {
  const { op, api, account, store, clock } = await paired();
  clock.now += 600_000;
  const good = op.answers["POST /token"];
  op.answers["POST /token"] = () => { throw new TypeError("Failed to fetch"); };
  await assert.rejects(api.token(account.id), Unreachable);
  assert.equal((await store.get("accounts", account.id)).refresh, "refresh 1");
  op.answers["POST /token"] = good;
  assert.equal(await api.token(account.id), "access 2");
});

test("a stale nonce is answered once more, and for ever only once", async () => {
  const { op, api, account } = await paired();
  op.turnNonce();
  const before = op.calls.length;
  await api.call(account.id, "GET", "/push/challenges");
  assert.equal(op.calls.length, before + 2);
  op.answers["GET /push/challenges"] = () => refuse(401, "use_dpop_nonce");
  await assert.rejects(api.call(account.id, "GET", "/push/challenges"), Refused);
});

test("an access token that ended early is renewed once", async () => {
  const { op, api, account } = await paired();
  const other = phone(op);
  await other.store.put("accounts", { ...account });
  await other.api.token(account.id); // the server now knows a newer one
  await api.call(account.id, "GET", "/push/challenges").catch(() => {});
  assert.equal(op.asked("GET /push/challenges").length, 1);
});

test("an account that was removed is told of, and its keys go", async () => {
  const { op, accounts, account, store, clock, tools, api } = await paired();
  clock.now += 600_000;
  op.answers["POST /token"] = () => refuse(400, "invalid_grant");
  await assert.rejects(api.call(account.id, "GET", "/push/challenges"), Removed);
  const word = await accounts.removed(account.id);
  assert.equal(word.address, "anna@foretaget.example");
  assert.deepEqual(await store.all("accounts"), []);
  assert.equal((await store.all("removed")).length, 1);
  assert.deepEqual(await accounts.lost(), []);
  assert.equal(tools.storage.getItem("portvakt.authenticator.known"), "[]");
});

test("trouble at the server throws nothing away", async () => {
  const { op, api, accounts, account, clock } = await paired();
  for (const trouble of [() => new Response("", { status: 503 }), () => new Response("<html>"), () => refuse(429, "too_many"), () => refuse(500, "server_error")]) {
    clock.now += 600_000;
    op.answers["POST /token"] = trouble;
    await assert.rejects(api.token(account.id), (e) => !(e instanceof Removed));
  }
  assert.equal((await accounts.list()).length, 1);
});

test("leaving unbinds first and forgets then; the last one stays", async () => {
  const { op, accounts, account, store } = await paired();
  op.answers["DELETE /push/account"] = () => refuse(409, "last");
  await assert.rejects(accounts.leave(account.id), (e) => e.code === "last");
  op.answers["DELETE /push/account"] = () => { throw new TypeError("Failed to fetch"); };
  await assert.rejects(accounts.leave(account.id), Unreachable);
  assert.equal((await accounts.list()).length, 1);
  op.answers["DELETE /push/account"] = () => new Response(null, { status: 204 });
  await accounts.leave(account.id);
  assert.deepEqual(await store.all("accounts"), []);
});

test("a removal that was asked for here is no news", async () => {
  const { op, accounts, account, store } = await paired();
  op.answers["DELETE /push/account"] = async () => {
    assert.equal(await accounts.removed(account.id), null); // the stream was quicker than the answer
    return new Response(null, { status: 204 });
  };
  await accounts.leave(account.id);
  assert.deepEqual(await store.all("removed"), []);
  assert.deepEqual(await store.all("accounts"), []);
});

test("an account whose keys the browser threw away is told to the issuer once, and to the person until she has seen it", async () => {
  const { op, accounts, account, store } = await paired();
  assert.deepEqual(await accounts.lost(), []);
  await store.delete("accounts", account.id);
  for (let i = 0; i < 2; i++) assert.equal((await accounts.lost())[0].address, "anna@foretaget.example");
  assert.deepEqual(op.asked("POST /push/lost").map(({ body, headers }) => [body, headers.DPoP]), [[{ token: "lost-1" }, undefined]]);
  accounts.seen(account.id);
  assert.deepEqual(await accounts.lost(), []);
});

test("an interrupted pairing goes on, and an old one is swept away", async () => {
  const { accounts, store, clock } = phone();
  await store.put("accounts", { id: "old", state: "pairing", expires: clock.now - 1 });
  assert.equal(await accounts.unfinished(), undefined);
  assert.deepEqual(await store.all("accounts"), []);
  await store.put("accounts", { id: "new", state: "granted", expires: clock.now - 1 });
  assert.equal((await accounts.unfinished()).id, "new");
  assert.deepEqual(await accounts.list(), []);
});
