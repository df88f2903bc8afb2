// The two key pairs of an account. Their private halves never leave the browser's
// own store, not even to this program (WebCrypto: not extractable).

// generateKeys makes a signing key (ES256) and a decryption key (ECDH-ES).
export async function generateKeys() {
  const signing = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  const decryption = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
  return {
    signing: { privateKey: signing.privateKey, jwk: await publicJWK(signing.publicKey) },
    decryption: { privateKey: decryption.privateKey, jwk: await publicJWK(decryption.publicKey) },
  };
}

async function publicJWK(key) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", key);
  return { kty, crv, x, y };
}
