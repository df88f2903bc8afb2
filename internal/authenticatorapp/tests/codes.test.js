import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, pairingCode } from "../app/base32.js";
import { isKey, parseOtpauth } from "../app/otpauth.js";
import { codeAt, importTOTP, secondsLeft } from "../app/totp.js";
import { totpSecret } from "./issuer.js";

test("codes are those of RFC 6238, appendix B", async () => {
  const eight = await importTOTP({ secret: totpSecret, digits: 8 });
  const vectors = { 59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130" };
  for (const [seconds, code] of Object.entries(vectors)) assert.equal(await codeAt(eight, seconds * 1000), code);
  const sha512 = await importTOTP({ secret: "GEZDGNBVGY3TQOJQ".repeat(6) + "GEZDGNA", algorithm: "SHA-512", digits: 8 });
  assert.equal(await codeAt(sha512, 59_000), "90693936");
});

test("a code has as many digits as it should, zeros too", async () => {
  const six = await importTOTP({ secret: totpSecret });
  assert.equal(await codeAt(six, 1111111109_000), "081804");
});

test("the key that counts cannot be read again", async () => {
  const { key } = await importTOTP({ secret: totpSecret });
  assert.equal(key.extractable, false);
  await assert.rejects(crypto.subtle.exportKey("raw", key));
});

test("the time left goes from the whole period to one", () => {
  assert.equal(secondsLeft({ period: 30 }, 60_000), 30);
  assert.equal(secondsLeft({ period: 30 }, 89_999), 1);
});

test("another kind of code is refused", async () => {
  for (const bad of [{ algorithm: "MD5" }, { digits: 5 }, { digits: NaN }, { period: 0 }, { period: NaN }]) await assert.rejects(importTOTP({ secret: totpSecret, ...bad }));
});

test("a key is read as people type it, and rubbish is refused", () => {
  assert.deepEqual([...decode("jbsw y3dp-ehpk 3pxp")], [...Buffer.from("Hello!\xDE\xAD\xBE\xEF", "latin1")]);
  assert.deepEqual([...decode("MZXQ====")], [...Buffer.from("fo")]);
  for (const bad of ["", "   ", "A", "ABC1", "åäö", "<script>"]) assert.throws(() => decode(bad), bad);
});

test("a pairing code is read in any case, with spaces, hyphens and look-alikes", () => {
  assert.equal(pairingCode(" 7k3m-9qzx 4t8v—n2b6 w5rj hcIdfg "), "7K3M9QZX4T8VN2B6W5RJHC1DFG");
  assert.equal(pairingCode("OOOOIIIILLLL7K3M9QZX4T8VN2"), "0000111111117K3M9QZX4T8VN2");
  for (const bad of ["", "7K3M", "7K3M9QZX4T8VN2B6W5RJHC1DFGX", "7K3M9QZX4T8VN2B6W5RJHC1DFU"]) assert.equal(pairingCode(bad), null);
});

test("an otpauth address gives its parts", () => {
  const found = parseOtpauth("otpauth://totp/Firma%20AB:anna%40firma.example?secret=JBSWY3DPEHPK3PXP&issuer=Firma%20AB&digits=8&period=60&algorithm=SHA256");
  assert.deepEqual(found, { issuer: "Firma AB", name: "anna@firma.example", secret: "JBSWY3DPEHPK3PXP", algorithm: "SHA256", digits: 8, period: 60 });
  assert.equal(parseOtpauth("otpauth://totp/Firma:anna?secret=JBSWY3DPEHPK3PXP").issuer, "Firma");
  assert.equal(parseOtpauth("otpauth://totp/100%?secret=JBSWY3DPEHPK3PXP").name, "100%");
});

test("what is no otpauth address of a counted time is none", () => {
  for (const bad of ["", "hello", "https://a.example/?secret=JBSWY3DPEHPK3PXP", "otpauth://hotp/a?secret=JBSWY3DPEHPK3PXP", "otpauth://totp/a", "otpauth://totp/a?secret=!", "javascript:alert(1)"]) {
    assert.equal(parseOtpauth(bad), null, bad);
  }
  assert.ok(isKey("jbsw y3dp ehpk 3pxp"));
  assert.ok(!isKey("AB"));
});
