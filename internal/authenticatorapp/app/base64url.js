// Base64url as JOSE writes it (RFC 7515 §2: no padding).

export function encode(buffer) {
  const binary = Array.from(new Uint8Array(buffer), (b) => String.fromCharCode(b)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function bytes(encoded) {
  const binary = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}

export const text = (encoded) => new TextDecoder().decode(bytes(encoded));

export const utf8 = (string) => new TextEncoder().encode(string);

// json is a JOSE header or payload.
export const json = (value) => encode(utf8(JSON.stringify(value)));
