// Two alphabets of 32 letters: RFC 4648 §6 for the keys of six-digit codes, and
// Crockford's for the code that pairs a phone.
const rfc4648 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const crockford = /^[0-9A-HJKMNP-TV-Z]{26}$/;

const squeeze = (typed) => typed.replace(/[\s‐-―_-]+/g, "").toUpperCase();

// decode reads a key as people type it: any case, spaces, hyphens, padding. It
// throws for anything else.
export function decode(typed) {
  const letters = squeeze(typed).replace(/=+$/, "");
  if (letters === "") throw new Error("base32: empty");
  const out = [];
  let bits = 0;
  let value = 0;
  for (const letter of letters) {
    const five = rfc4648.indexOf(letter);
    if (five < 0) throw new Error("base32: a letter that is none");
    value = (value << 5) | five;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push((value >> bits) & 0xff);
      value &= (1 << bits) - 1;
    }
  }
  if (out.length === 0) throw new Error("base32: too short");
  return Uint8Array.from(out);
}

// pairingCode reads the 26 characters of a pairing code, or returns null.
export function pairingCode(typed) {
  const code = squeeze(typed).replaceAll("O", "0").replace(/[IL]/g, "1");
  return crockford.test(code) ? code : null;
}
