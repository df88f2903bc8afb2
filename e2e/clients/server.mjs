// A server that people log in to, built on the npm package openid-client. Its sessions are in its memory: in earnest they are in a database, and end.
//
//   ISSUER=https://login.example.com CLIENT_ID=… CLIENT_SECRET=… BASE_URL=https://app.example.com PORT=3000 node server.mjs
//
// It is registered with the redirect URI BASE_URL/callback, the login address BASE_URL/login, and BASE_URL/ for after the logout.

import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import * as client from "openid-client";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, BASE_URL, PORT } = process.env;
const http = ISSUER.startsWith("http://localhost") ? [client.allowInsecureRequests] : []; // the demo on this machine
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, {}, client.ClientSecretBasic(CLIENT_SECRET), { execute: http });
const sessions = new Map(); // by the cookie: the checks of a login under way, or who is logged in

const text = (s) => s.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function page(response, status, heading, rest) {
  response.writeHead(status, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
  response.end(`<!doctype html><html lang="en"><title>App</title><h1>${text(heading)}</h1>${rest}</html>`);
}

// move sends the browser on. Each step has a cookie of its own: what was known before it opens nothing after it.
function move(response, to, session) {
  const id = session ? randomBytes(32).toString("base64url") : "";
  if (session) sessions.set(id, session);
  const secure = BASE_URL.startsWith("https:") ? "; Secure" : "";
  response.writeHead(303, { location: to, "set-cookie": `app=${id}; Path=/; HttpOnly; SameSite=Lax${secure}${id ? "" : "; Max-Age=0"}` });
  response.end();
}

const routes = {
  "GET /": async (response, { session }) => {
    if (session?.person) page(response, 200, `Hello ${session.person.name}`, `<form method="post" action="/logout"><button>Log out</button></form>`);
    else page(response, 200, "Nobody is logged in", `<a href="/login">Log in</a>`);
  },
  "GET /login": async (response, { url }) => { // Portvakt sends people here too, with login_hint
    const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState(), expectedNonce: client.randomNonce(), idTokenExpected: true };
    const hint = url.searchParams.get("login_hint");
    const request = client.buildAuthorizationUrl(config, {
      redirect_uri: BASE_URL + "/callback", scope: "openid profile", state: checks.expectedState, nonce: checks.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: "S256", ...(hint && { login_hint: hint }),
    });
    move(response, request.href, { checks });
  },
  "GET /callback": async (response, { session, id, url }) => {
    if (!session?.checks) throw new Error("no login is under way in this browser");
    sessions.delete(id); // an answer counts once
    const tokens = await client.authorizationCodeGrant(config, url, session.checks);
    const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
    move(response, "/", { person, hint: tokens.id_token });
  },
  "POST /logout": async (response, { session, id }) => {
    if (!session?.person) return move(response, "/");
    sessions.delete(id);
    move(response, client.buildEndSessionUrl(config, { id_token_hint: session.hint, post_logout_redirect_uri: BASE_URL + "/" }).href);
  },
};

const server = createServer(async (request, response) => {
  const url = request.url.startsWith("/") && new URL(BASE_URL + request.url);
  const route = url && routes[`${request.method} ${url.pathname}`];
  if (!route) return page(response, 404, "There is no such page", "");
  const id = /(?:^|; )app=([\w-]+)/.exec(request.headers.cookie)?.[1];
  await route(response, { session: sessions.get(id), id, url }).catch((error) => page(response, 400, "That did not work", `<p>${text(String(error))}</p><a href="/login">Log in</a>`));
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
