import assert from "node:assert/strict";
import { test } from "node:test";
import { send } from "../app/answer.js";
import { Refused, Unreachable } from "../app/errors.js";
import { Requests } from "../app/requests.js";
import { events } from "../app/sse.js";
import { issuer, refuse, verifyJWS } from "./issuer.js";
import { paired } from "./world.js";

const challenge = (op, change = {}) => ({
  id: "c1", nonce: "n", attempt: "a", purpose: "signin", mode: "tap", numbers: ["17", "42", "86"], client_id: "hrm",
  shown: { app: "HRM" }, exp: op.now / 1000 + 120, ...change,
});

// heard collects what requests tell of.
function heard() {
  const told = [];
  const on = {};
  for (const name of ["added", "gone", "removed", "changed", "failed"]) on[name] = (...args) => told.push([name, ...args]);
  return { on, told, names: () => told.map(([name]) => name) };
}

// stream is an answer that can be written to while it is read.
function stream() {
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  const write = (text) => writer.write(new TextEncoder().encode(text));
  return { answer: () => new Response(readable), write, event: (type, data) => write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`), end: () => writer.close() };
}

const until = async (good) => {
  for (let i = 0; i < 1e6 && !good(); i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(good());
};

test("events are read in whatever pieces they come", async () => {
  const text = ": hello\n\nevent: challenge\ndata: {\"a\":\ndata: \"å\"}\n\ndata:x\r\n\r\n";
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 3, 7, bytes.length]) {
    let at = 0;
    const body = new ReadableStream({ pull: (c) => (at < bytes.length ? c.enqueue(bytes.slice(at, (at += size))) : c.close()) });
    const found = [];
    for await (const event of events(body)) if (event.data) found.push(event);
    const second = size === 1 ? found.filter(({ data }) => data === "x") : found.slice(1);
    assert.deepEqual(found[0], { type: "challenge", data: '{"a":\n"å"}' });
    assert.equal(second[0].data, "x");
  }
});

test("a request that comes by the stream waits, and goes when it was answered elsewhere", async () => {
  const { op, tools, account, clock } = await paired();
  const s = stream();
  op.answers["GET /push/events"] = s.answer;
  const { on, told, names } = heard();
  const requests = new Requests(tools, on);
  requests.listen([account]);
  await s.event("challenge", challenge(op));
  await until(() => requests.waiting().length === 1);
  await s.event("challenge", challenge(op));
  await s.event("gone", { id: "unknown", how: "denied" });
  await s.event("gone", { id: "c1", how: "approved", elsewhere: true });
  await until(() => names().includes("gone"));
  assert.deepEqual(names(), ["added", "changed", "gone", "changed"]);
  assert.deepEqual(told[2].slice(1, 4), ["c1", "approved", true]);
  assert.deepEqual(requests.waiting(), []);
  assert.equal(clock.slept.length, 0);
  requests.pause();
  await s.end();
});

test("a stream that ends is opened again, and one that cannot be opened less and less often", async () => {
  const { op, tools, account, clock } = await paired();
  let opened = 0;
  op.answers["GET /push/events"] = () => {
    if (++opened === 1) return new Response("");
    if (opened < 10) throw new TypeError("Failed to fetch");
    requests.pause();
    return new Response("");
  };
  const { on, names } = heard();
  const requests = new Requests(tools, on);
  requests.listen([account]);
  await until(() => opened === 10);
  assert.deepEqual(clock.slept.slice(0, 9), [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  assert.deepEqual(names(), []);
});

test("a removed account is told of once, and its stream stays closed", async () => {
  for (const answer of [() => new Response("event: removed\ndata: {}\n\n"), () => refuse(401, "invalid_token")]) {
    const { op, tools, account, clock } = await paired();
    op.answers["GET /push/events"] = answer;
    const { on, told } = heard();
    const requests = new Requests(tools, on);
    requests.listen([account]);
    await until(() => told.length > 0);
    assert.deepEqual(told, [["removed", account.id]]);
    assert.equal(clock.slept.length, 0);
  }
});

test("asking finds what waits and drops what does not any more", async () => {
  const { op, tools, account } = await paired();
  const { on, names } = heard();
  const requests = new Requests(tools, on);
  op.answers["GET /push/challenges"] = () => Response.json({ challenges: [challenge(op, { id: "c2" }), challenge(op)], now: op.now });
  await requests.ask(account);
  assert.deepEqual(requests.waiting().map((e) => e.request.id).sort(), ["c1", "c2"]);
  op.answers["GET /push/challenges"] = () => Response.json({ challenges: [challenge(op)], now: op.now });
  await requests.ask(account);
  assert.deepEqual(requests.waiting().map((e) => e.request.id), ["c1"]);
  assert.ok(names().includes("gone"));
});

test("a request ends by the server's clock, however wrong the phone's is", async () => {
  const { op, tools, accounts, account, clock } = await paired();
  clock.now += 3_600_000;
  const late = await accounts.refresh(account.id);
  const { on, told } = heard();
  const requests = new Requests(tools, on);
  op.answers["GET /push/challenges"] = () => Response.json({ challenges: [challenge(op), challenge(op, { id: "old", exp: op.now / 1000 - 1 })] });
  await requests.ask(late);
  assert.deepEqual(requests.waiting().map((e) => e.request.id), ["c1"]);
  clock.now += 120_001;
  assert.deepEqual(requests.waiting(), []);
  requests.sweep();
  assert.deepEqual(told.find(([name]) => name === "gone").slice(1, 3), ["c1", "expired"]);
});

test("an answer is sent, signed by the account's key", async () => {
  const { op, tools, account } = await paired();
  op.answers["POST /push/challenges/*"] = ({ body }) => {
    const { payload } = verifyJWS(body.answer, op.signing);
    return Response.json({ result: payload.number === "42" ? "approved" : "wrong_number" });
  };
  const to = { ...tools, issuer };
  assert.equal(await send(to, account.id, challenge(op), "approve", { number: "42" }), "approved");
  assert.equal(await send(to, account.id, challenge(op), "approve", { number: "17" }), "wrong_number");
  assert.equal(op.asked("POST /push/challenges/c1").length, 2);
});

test("an answer that comes too late is told apart from one that did not arrive", async () => {
  const { op, tools, account } = await paired();
  op.answers["POST /push/challenges/*"] = () => Response.json({ error: "gone", how: "approved" }, { status: 409 });
  await assert.rejects(send({ ...tools, issuer }, account.id, challenge(op), "deny"), (e) => e instanceof Refused && e.code === "gone" && e.body.how === "approved");
  op.answers["POST /push/challenges/*"] = () => { throw new TypeError("Failed to fetch"); };
  await assert.rejects(send({ ...tools, issuer }, account.id, challenge(op), "deny"), Unreachable);
});
