import assert from "node:assert/strict";
import { test } from "node:test";
import { holidays, nextShifts } from "../app/schedule.js";
import { chooseLanguage, texts } from "../app/texts.js";
import { Storage } from "./op.js";

test("both languages have the same texts", () => {
  assert.deepEqual(Object.keys(texts.sv), Object.keys(texts.en));
  assert.equal(texts.sv.hello("Anna"), "Hej Anna!");
});

test("the language is chosen, then remembered, then the browser's, then ours", () => {
  const storage = new Storage();
  const choose = (search, wanted, fallback) => chooseLanguage({ search }, storage, wanted, fallback);
  assert.equal(choose("", ["fi-FI", "en-GB"], "sv"), "en");
  assert.equal(choose("", ["fi"], "sv"), "sv");
  assert.equal(choose("?lang=en", ["sv"], "sv"), "en");
  assert.equal(choose("?lang=xx", ["sv"], "sv"), "en");
});

test("shifts are on working days", () => {
  const shifts = nextShifts(new Date(2026, 10, 27), 5);
  assert.equal(shifts.length, 5);
  assert.ok(shifts.every(({ day }) => day.getDay() !== 0 && day.getDay() !== 6));
  assert.ok(holidays.left > 0);
});
