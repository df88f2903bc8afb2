import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceName, isIOS, mustInstall } from "../app/platform.js";
import { lookByIssuer, ownEyes, scan } from "../app/scan.js";
import { chooseLanguage, keepLanguage, printer } from "../app/texts.js";
import { LocalStorage, issuer } from "./issuer.js";

const iphone = { userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)", platform: "iPhone", maxTouchPoints: 5 };
const ipad = { userAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", platform: "MacIntel", maxTouchPoints: 5 };
const mac = { ...ipad, maxTouchPoints: 0 };
const android = { userAgent: "Mozilla/5.0 (Linux; Android 15; K) Mobile", platform: "Linux armv8l", maxTouchPoints: 5 };
const window = (navigator, standalone) => ({ navigator: { ...navigator, standalone }, matchMedia: () => ({ matches: false }) });

test("an iPhone or iPad makes keys in the app on its home screen alone", () => {
  assert.ok(mustInstall(window(iphone, false)));
  assert.ok(mustInstall(window(ipad, false)));
  assert.ok(!mustInstall(window(iphone, true)));
  for (const other of [mac, android]) assert.ok(!mustInstall(window(other)) && !isIOS(other));
});

test("a phone is named as its owner names it", async () => {
  assert.equal(await deviceName(iphone), "iPhone");
  assert.equal(await deviceName(ipad), "iPad");
  assert.equal(await deviceName(mac), "Mac");
  assert.equal(await deviceName(android), "Android");
  assert.equal(await deviceName({ ...android, userAgentData: { getHighEntropyValues: async () => ({ model: "Pixel 9" }) } }), "Pixel 9");
  assert.equal(await deviceName({ userAgent: "something" }), "");
});

test("the camera looks until a text is taken, and stops when told to", async () => {
  const texts = [null, "wrong", "right", "never"];
  const seen = [];
  const look = async () => {
    const text = texts.shift();
    if (text === undefined) throw new Error("no frame");
    return text;
  };
  await scan({ look, take: (text) => (seen.push(text), text === "right"), sleep: async () => {} }, new AbortController().signal);
  assert.deepEqual(seen, ["wrong", "right"]);
  await scan({ look, take: () => assert.fail(), sleep: async () => {} }, AbortSignal.abort());
});

test("a frame is read by the issuer, which may ask for patience", async () => {
  const context = { drawImage() {} };
  const canvas = { getContext: () => context, toBlob: (done, type) => done(new Blob(["frame"], { type })) };
  const answers = [new Response(null, { status: 429 }), Response.json({ error: "no_code" }, { status: 422 }), Response.json({ text: "link" })];
  const asked = [];
  const slept = [];
  const fetch = async (url, options) => (asked.push([url, options.headers["Content-Type"]]), answers.shift());
  const look = lookByIssuer({ fetch, issuer, sleep: async (ms) => slept.push(ms) }, { videoWidth: 1920, videoHeight: 1080 }, canvas);
  assert.deepEqual([await look(), await look(), await look()], [null, null, "link"]);
  assert.deepEqual(asked[0], [`${issuer}/push/qr`, "image/jpeg"]);
  assert.deepEqual([canvas.width, canvas.height], [800, 450]);
  assert.deepEqual(slept, [5000]);
  assert.equal(await lookByIssuer({ fetch, issuer }, { videoWidth: 0, videoHeight: 0 }, canvas)(), null);
});

test("a browser's own eyes are used where they read these codes", async () => {
  class Detector {}
  Detector.getSupportedFormats = async () => ["ean_13"];
  assert.equal(await ownEyes({ BarcodeDetector: Detector }), null);
  Detector.getSupportedFormats = async () => ["qr_code"];
  assert.ok((await ownEyes({ BarcodeDetector: Detector })) instanceof Detector);
  assert.equal(await ownEyes({}), null);
});

const languages = [{ lang: "sv" }, { lang: "en" }];

test("the language is the chosen one, the browser's, ours", () => {
  const storage = new LocalStorage();
  assert.equal(chooseLanguage(languages, storage, ["fi-FI", "en-GB"]), "en");
  assert.equal(chooseLanguage(languages, storage, ["fi"]), "sv");
  keepLanguage(storage, "en");
  assert.equal(chooseLanguage(languages, storage, ["sv"]), "en");
});

test("texts are filled with data, which is not read as a text in its turn", () => {
  const t = printer({ "a.b": "Hej {{.Name}}, {{ .Name }}!" });
  assert.equal(t("a.b", { Name: "{{.Name}}" }), "Hej {{.Name}}, {{.Name}}!");
  assert.equal(t("a.b"), "Hej , !");
  assert.equal(t("missing.key"), "missing.key");
});
