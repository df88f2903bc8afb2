// Finds the login service's addresses (OpenID Connect Discovery 1.0), once per
// opening, and keeps failures of the network apart from refusals.

// Unreachable means: nobody answered, so nothing is known and nothing is thrown away.
export class Unreachable extends Error {}

const patience = 10_000; // milliseconds

// reach is fetch with a name for "no answer"; a server in trouble is no answer either.
export async function reach(fetch, url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, { credentials: "omit", signal: AbortSignal.timeout(patience), ...options });
  } catch (cause) {
    throw new Unreachable("offline", { cause });
  }
  if (answer.status >= 500 || answer.status === 429) throw new Unreachable("trouble");
  return answer;
}

// readJSON reads an answer; one that breaks off is no answer.
export async function readJSON(answer) {
  try {
    return await answer.json();
  } catch (cause) {
    throw new Unreachable("trouble", { cause });
  }
}

// Discovery remembers what it found.
export class Discovery {
  #fetch;
  #issuer;
  #found;

  constructor(issuer, fetch) {
    this.#issuer = issuer;
    this.#fetch = fetch;
  }

  async metadata() {
    this.#found ??= await this.#read(`${this.#issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
    // §4.3: a document that names another issuer is not ours.
    if (this.#found.issuer !== this.#issuer) throw new Error("discovery names another issuer");
    return this.#found;
  }

  // binds says whether the service binds tokens to a key (RFC 9449 §5.1).
  async binds() {
    return (await this.metadata()).dpop_signing_alg_values_supported?.includes("ES256") ?? false;
  }

  // keys are read anew each time: the service changes them when it wants to.
  async keys() {
    const { jwks_uri: uri } = await this.metadata();
    return (await this.#read(uri)).keys ?? [];
  }

  async #read(url) {
    const answer = await reach(this.#fetch, url);
    if (!answer.ok) throw new Unreachable("trouble");
    return readJSON(answer);
  }
}
