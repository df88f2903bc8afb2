// Reads the keys of other services' codes, as their QR codes write them
// (otpauth://totp/LABEL?secret=…), or as a person types them.
import { decode } from "./base32.js";

// parseOtpauth returns {issuer, name, secret, algorithm, digits, period}, or null
// for what is no such text.
export function parseOtpauth(scanned) {
  let url;
  try {
    url = new URL(scanned.trim());
  } catch {
    return null;
  }
  const rest = url.href.slice(url.protocol.length);
  if (url.protocol !== "otpauth:" || !/^\/\/totp\//i.test(rest)) return null;
  const query = url.searchParams;
  const label = unescape(rest.replace(/^\/\/totp\//i, "").split("?")[0]);
  const colon = label.indexOf(":");
  const found = {
    issuer: query.get("issuer") ?? (colon >= 0 ? label.slice(0, colon) : ""),
    name: label.slice(colon + 1).trim(),
    secret: query.get("secret") ?? "",
    algorithm: query.get("algorithm") ?? "SHA1",
    digits: Number(query.get("digits") ?? 6),
    period: Number(query.get("period") ?? 30),
  };
  return isKey(found.secret) ? found : null;
}

// isKey says whether a typed key can be one.
export function isKey(typed) {
  try {
    return decode(typed).length >= 5;
  } catch {
    return false;
  }
}

function unescape(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
