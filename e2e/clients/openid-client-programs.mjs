// What programs without a browser do that are built on the npm package openid-client: a screen whose code a person types elsewhere, a service, a server
// that calls another one, an app that registers itself. It reads from standard input what was registered and where the issuer's server listens, and
// prints a line for each thing that has worked. Its interval is short: the server's clock is a test's.

import * as client from "openid-client";

const { issuer, server, registrationToken, access, resource, key, apps } = JSON.parse(await new Promise((resolve) => {
  let text = "";
  process.stdin.on("data", (part) => (text += part)).on("end", () => resolve(text));
}));

const must = (truth, what) => {
  if (!truth) throw new Error("not so: " + what);
  console.log("ok " + what);
};

const customFetch = (url, options) => fetch(url.replace(issuer, server), options);

const configure = (app, authentication, { metadata = {}, seen = customFetch, execute = [] } = {}) =>
  client.discovery(new URL(issuer), app.client_id, metadata, authentication, { [client.customFetch]: seen, execute });

const accessToken = "urn:ietf:params:oauth:token-type:access_token";

// A screen: it shows a code, and polls for the answer (RFC 8628).
{
  const config = await configure(apps.screen, client.None());
  const asked = await client.initiateDeviceAuthorization(config, { scope: "openid profile offline_access" });
  console.log("asked " + asked.user_code);
  const tokens = await client.pollDeviceAuthorizationGrant(config, { ...asked, interval: 0.05 });
  const claims = tokens.claims();
  must(claims.iss === issuer && claims.aud === apps.screen.client_id, "a device's code");
  must((await client.fetchUserInfo(config, tokens.access_token, claims.sub)).name === "Bo Lind", "a device's userinfo");
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token);
  must(fresh.refresh_token && fresh.refresh_token !== tokens.refresh_token, "a device's refresh");
  const again = await client.pollDeviceAuthorizationGrant(config, { ...asked, interval: 0.05 }).catch((e) => e);
  must(again.error === "invalid_grant", "a device's code counts once");
}

// A device that keeps a key proves itself by it where it asks for its code.
{
  const sign = await crypto.subtle.importKey("jwk", key, { name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
  const config = await configure(apps.keyed, client.PrivateKeyJwt({ key: sign, kid: key.kid }));
  must((await client.initiateDeviceAuthorization(config, { scope: "openid" })).device_code, "private_key_jwt for a device's code");
  const other = await client.randomDPoPKeyPair("ES256", { extractable: true });
  const stranger = await configure(apps.keyed, client.PrivateKeyJwt({ key: other.privateKey, kid: key.kid }));
  const error = await client.initiateDeviceAuthorization(stranger, { scope: "openid" }).catch((e) => e);
  must(error.error === "invalid_client", "another's key for a device's code");
}

// A service that nobody logs in to (RFC 6749 §4.4).
{
  const config = await configure(apps.service, client.ClientSecretBasic(apps.service.client_secret));
  const tokens = await client.clientCredentialsGrant(config, { scope: "register:read" });
  must(tokens.token_type === "bearer" && tokens.scope === "register:read" && !tokens.refresh_token, "client credentials");
  const more = await client.clientCredentialsGrant(config, { scope: "register:write" }).catch((e) => e);
  must(more.error === "invalid_scope", "a scope that the service has not");
}

// A server that was called with a token asks about it, signed (RFC 9701), and swaps it for one for another server (RFC 8693).
{
  const app = apps.gateway;
  const how = client.ClientSecretBasic(app.client_secret);
  const signed = { metadata: { introspection_signed_response_alg: "ES256" }, execute: [client.enableNonRepudiationChecks] };
  let type;
  const config = await configure(app, how, { ...signed, seen: async (url, options) => {
    const answer = await customFetch(url, options);
    if (url.endsWith("/introspect")) type = answer.headers.get("content-type");
    return answer;
  } });
  const told = await client.tokenIntrospection(config, access);
  must(told.active === true && type === "application/token-introspection+jwt", "a signed introspection");
  const changed = await configure(app, how, { ...signed, seen: async (url, options) => {
    const answer = await customFetch(url, options);
    if (!url.endsWith("/introspect")) return answer;
    const [header, claims, signature] = (await answer.text()).split(".");
    const other = (signature[0] === "A" ? "B" : "A") + signature.slice(1);
    return new Response([header, claims, other].join("."), { headers: answer.headers });
  } });
  const error = await client.tokenIntrospection(changed, access).catch((e) => e);
  must(/signature/.test(error.cause?.message ?? error.message), "an introspection with another signature");

  const swapped = await client.genericGrantRequest(config, "urn:ietf:params:oauth:grant-type:token-exchange",
    { subject_token: access, subject_token_type: accessToken, resource });
  must(swapped.issued_token_type === accessToken && !swapped.refresh_token, "token exchange");
  const about = await client.tokenIntrospection(config, swapped.access_token);
  must(about.aud === resource && about.sub === told.sub && about.client_id === app.client_id, "the token that came of it");
}

// A server with a secret that it never sends.
{
  const push = async (secret) => client.buildAuthorizationUrlWithPAR(await configure(apps.mac, client.ClientSecretJwt(secret)), {
    redirect_uri: apps.mac.redirect_uri, scope: "openid", code_challenge_method: "S256",
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
  });
  must((await push(apps.mac.client_secret)).searchParams.has("request_uri"), "client_secret_jwt");
  must((await push(apps.mac.client_secret + "x").catch((e) => e)).error === "invalid_client", "client_secret_jwt with another secret");
}

// An app that registers itself (RFC 7591), and reads what it has registered (RFC 7592).
{
  const metadata = { client_name: "Node", redirect_uris: ["https://app.example/back"], token_endpoint_auth_method: "client_secret_post" };
  const register = (initialAccessToken) => client.dynamicClientRegistration(new URL(issuer), metadata, undefined, { [client.customFetch]: customFetch, initialAccessToken });
  const stranger = await register("x").catch((e) => e);
  must(stranger.status === 401, "a registration with no token of ours");
  const config = await register(registrationToken);
  const app = config.clientMetadata();
  must(app.client_id && app.client_secret, "a registration");
  const read = async (token) => client.fetchProtectedResource(config, token, new URL(app.registration_client_uri), "GET");
  const now = await (await read(app.registration_access_token)).json();
  must(now.client_id === app.client_id && now.client_name === "Node" && now.redirect_uris[0] === metadata.redirect_uris[0], "what was registered");
  must((await read("x").catch((e) => e)).status === 401, "what was registered, for a stranger");
}
