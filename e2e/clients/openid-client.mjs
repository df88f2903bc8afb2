// What an app does that is built on the npm package openid-client, against a running Portvakt. It reads from standard input what
// was registered, and prints a line for each thing that has worked. A person's browser is a few lines here: pages without scripts.

import * as client from "openid-client";

const { issuer, person, apps } = JSON.parse(await new Promise((resolve) => {
  let text = "";
  process.stdin.on("data", (part) => (text += part)).on("end", () => resolve(text));
}));

const done = (what) => console.log("ok " + what);
const must = (truth, what) => {
  if (!truth) throw new Error("not so: " + what);
};

// Visitor is a browser without scripts: cookies, redirects, Refresh headers and forms.
class Visitor {
  cookies = new Map();

  // go follows an address until a page is there, or until it leads to the app.
  async go(address, form, app) {
    for (let hop = 0; hop < 20; hop++) {
      const answer = await fetch(address, {
        redirect: "manual",
        method: form ? "POST" : "GET",
        body: form && new URLSearchParams(form),
        headers: { cookie: [...this.cookies].map(([name, value]) => name + "=" + value).join("; "), "accept-language": "en" },
      });
      for (const line of answer.headers.getSetCookie()) {
        const [pair] = line.split(";");
        const at = pair.indexOf("=");
        if (/max-age=0|expires=thu, 01 jan 1970/i.test(line)) this.cookies.delete(pair.slice(0, at));
        else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
      }
      const text = await answer.text();
      const next = answer.headers.get("location") ?? answer.headers.get("refresh")?.replace(/^0; url=/, "");
      if (!next) return { address, text, status: answer.status };
      address = new URL(next, address).href;
      form = undefined;
      if (address.startsWith(app)) return { address, left: true };
    }
    throw new Error("it leads nowhere: " + address);
  }

  // logIn goes from an app's request to the app, or to a page that posts its answer there.
  async logIn(request, app) {
    let page = await this.go(request, undefined, app);
    for (const [field, value] of [["address", person.address], ["password", person.password]]) {
      if (page.left || !page.text.includes(`name="${field}"`)) continue;
      page = await this.go(new URL(action(page.text), page.address).href, { [field]: value }, app);
    }
    return page;
  }
}

const unescaped = (text) => text.replaceAll("&amp;", "&").replaceAll("&#43;", "+").replaceAll("&#34;", '"').replaceAll("&#39;", "'");
const action = (text) => unescaped(/<form method="post" action="(\/signin[^"]*)"/.exec(text)[1]);

const insecure = { execute: [client.allowInsecureRequests] }; // the demo is http on this machine

async function configure(app, authentication) {
  return client.discovery(new URL(issuer), app.client_id, {}, authentication, insecure);
}

async function begin(config, app, more = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const checks = { pkceCodeVerifier: verifier, expectedState: client.randomState(), expectedNonce: client.randomNonce(), idTokenExpected: true };
  const parameters = {
    redirect_uri: app.redirect_uri, scope: "openid profile email", code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256", state: checks.expectedState, nonce: checks.expectedNonce, ...more,
  };
  return { checks, parameters };
}

// A server with a secret: discovery, PKCE, ID token, userinfo, introspection, revocation, sign-out.
{
  const app = apps.secret;
  const config = await configure(app, client.ClientSecretBasic(app.client_secret));
  const visitor = new Visitor();
  const { checks, parameters } = await begin(config, app);
  const back = await visitor.logIn(client.buildAuthorizationUrl(config, parameters).href, app.redirect_uri);
  const tokens = await client.authorizationCodeGrant(config, new URL(back.address), checks);
  const claims = tokens.claims();
  must(claims.iss === issuer && claims.acr === "urn:portvakt:pwd", "the ID token");
  done("code flow with PKCE");
  const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  must(info.email === person.address && info.email_verified === true, "userinfo");
  done("userinfo");
  must((await client.tokenIntrospection(config, tokens.access_token)).active === true, "introspection");
  done("introspection");

  // By single sign-on, with max_age, and by prompt=none for somebody whom nobody knows.
  const again = await begin(config, app, { max_age: "3600", acr_values: "urn:portvakt:pwd" });
  const quick = await visitor.go(client.buildAuthorizationUrl(config, again.parameters).href, undefined, app.redirect_uri);
  await client.authorizationCodeGrant(config, new URL(quick.address), { ...again.checks, maxAge: 3600 });
  done("single sign-on with max_age");
  const silent = await begin(config, app, { prompt: "none" });
  const refused = await new Visitor().go(client.buildAuthorizationUrl(config, silent.parameters).href, undefined, app.redirect_uri);
  const error = await client.authorizationCodeGrant(config, new URL(refused.address), silent.checks).catch((e) => e);
  must(error.error === "login_required", "prompt=none: " + error);
  done("prompt=none is refused by the book");

  // An answer in a form.
  const posted = await begin(config, app, { response_mode: "form_post" });
  const page = await visitor.go(client.buildAuthorizationUrl(config, posted.parameters).href, undefined, app.redirect_uri);
  must(page.text.includes(`action="${app.redirect_uri}"`), "a form to the app");
  const body = new URLSearchParams();
  for (const [, name, value] of page.text.slice(page.text.indexOf('id="answer"')).matchAll(/type="hidden" name="([a-z_]+)" value="([^"]*)"/g)) {
    if (name !== "back") body.append(name, unescaped(value));
  }
  await client.authorizationCodeGrant(config, new Request(app.redirect_uri, { method: "POST", body }), posted.checks);
  done("form_post");

  await client.tokenRevocation(config, tokens.access_token);
  must((await client.tokenIntrospection(config, tokens.access_token)).active === false, "an access token that was revoked");
  done("revocation");
  const out = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: app.redirect_uri, state: "out" });
  must((await visitor.go(out.href, undefined, app.redirect_uri)).address === app.redirect_uri + "?state=out", "sign-out");
  done("RP-initiated logout");
}

// A server that signs, and whose requests come signed and by the back channel.
{
  const app = apps.signed;
  const key = await crypto.subtle.importKey("jwk", app.key, { name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
  const config = await configure(app, client.PrivateKeyJwt({ key, kid: app.key.kid }));
  const { checks, parameters } = await begin(config, app);
  const signed = await client.buildAuthorizationUrlWithJAR(config, parameters, { key, kid: app.key.kid });
  const address = await client.buildAuthorizationUrlWithPAR(config, signed.searchParams);
  must(address.searchParams.has("request_uri") && !address.searchParams.has("scope"), "a pushed request");
  const back = await new Visitor().logIn(address.href, app.redirect_uri);
  const tokens = await client.authorizationCodeGrant(config, new URL(back.address), checks);
  must(tokens.claims().aud === app.client_id, "the ID token");
  done("private_key_jwt, JAR and PAR");
}

// An app without a secret, whose tokens are bound to its key.
{
  const app = apps.public;
  const config = await configure(app, client.None());
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
  const { checks, parameters } = await begin(config, app);
  const address = await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP });
  const back = await new Visitor().logIn(address.href, app.redirect_uri);
  const tokens = await client.authorizationCodeGrant(config, new URL(back.address), checks, undefined, { DPoP });
  must(tokens.token_type === "dpop" && tokens.refresh_token, "tokens that are bound");
  await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
  done("DPoP with a nonce");
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  must(fresh.refresh_token !== tokens.refresh_token, "a rotated refresh token");
  done("refresh");
  const stolen = await client.refreshTokenGrant(config, fresh.refresh_token).catch((e) => e);
  must(stolen.error === "invalid_dpop_proof" || stolen.error === "invalid_grant", "without the key: " + stolen);
  done("a refresh token without its key");
}

// Apps that get tokens by way of the browser, or signed or encrypted answers.
{
  const app = apps.front;
  const config = async (...execute) => client.discovery(new URL(issuer), app.client_id, {}, client.ClientSecretPost(app.client_secret),
    { execute: [client.allowInsecureRequests, ...execute] });
  const visitor = new Visitor();
  const hybrid = await config(client.useCodeIdTokenResponseType, client.enableDetachedSignatureResponseChecks);
  const first = await begin(hybrid, app);
  const back = await visitor.logIn(client.buildAuthorizationUrl(hybrid, first.parameters).href, app.redirect_uri);
  must((await client.authorizationCodeGrant(hybrid, new URL(back.address), first.checks)).claims().nonce === first.checks.expectedNonce, "code id_token");
  done("hybrid: code id_token");
  const implicit = await config(client.useIdTokenResponseType);
  const { parameters, checks } = await begin(implicit, app);
  const answer = await visitor.go(client.buildAuthorizationUrl(implicit, parameters).href, undefined, app.redirect_uri);
  const claims = await client.implicitAuthentication(implicit, new URL(answer.address), checks.expectedNonce, { expectedState: checks.expectedState });
  must(claims.email === person.address, "the claims of an ID token alone");
  done("implicit: id_token");
}
{
  const app = apps.sealed;
  const key = await crypto.subtle.importKey("jwk", { ...app.key, key_ops: undefined, alg: undefined, use: undefined }, { name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
  const sign = await crypto.subtle.importKey("jwk", app.key, { name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
  const config = await client.discovery(new URL(issuer), app.client_id, {}, client.PrivateKeyJwt({ key: sign, kid: app.key.kid }),
    { execute: [client.allowInsecureRequests, client.useJwtResponseMode, client.enableNonRepudiationChecks] });
  client.enableDecryptingResponses(config, ["A256GCM"], { key, kid: app.key.kid });
  const { checks, parameters } = await begin(config, app);
  const back = await new Visitor().logIn(client.buildAuthorizationUrl(config, parameters).href, app.redirect_uri);
  const tokens = await client.authorizationCodeGrant(config, new URL(back.address), checks);
  must((await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)).email === person.address, "userinfo");
  done("JARM, and an ID token and userinfo that are encrypted");
}

// An app that FAPI 2.0 holds to all of it.
{
  const app = apps.fapi;
  const key = await crypto.subtle.importKey("jwk", app.key, { name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
  const config = await client.discovery(new URL(issuer), app.client_id, {}, client.PrivateKeyJwt({ key, kid: app.key.kid }),
    { execute: [client.allowInsecureRequests, client.useJwtResponseMode] });
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
  const { checks, parameters } = await begin(config, app);
  const signed = await client.buildAuthorizationUrlWithJAR(config, parameters, { key, kid: app.key.kid });
  const address = await client.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP });
  const back = await new Visitor().logIn(address.href, app.redirect_uri);
  const tokens = await client.authorizationCodeGrant(config, new URL(back.address), checks, undefined, { DPoP });
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  must(fresh.refresh_token === undefined || fresh.refresh_token === tokens.refresh_token, "a refresh token that stays");
  done("FAPI 2.0 message signing");
}
