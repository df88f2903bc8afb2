// A till that is built on the npm package openid-client: it asks a person on her phone, and polls for the answer. It reads from standard input what was
// registered and where the issuer's server listens, and prints a line for each thing that has worked. Its interval is short: the server's clock is a test's.

import * as client from "openid-client";

const { issuer, server, address, app } = JSON.parse(await new Promise((resolve) => {
  let text = "";
  process.stdin.on("data", (part) => (text += part)).on("end", () => resolve(text));
}));

const must = (truth, what) => {
  if (!truth) throw new Error("not so: " + what);
  console.log("ok " + what);
};

const config = await client.discovery(new URL(issuer), app.client_id, {}, client.ClientSecretBasic(app.client_secret), {
  [client.customFetch]: (url, options) => fetch(url.replace(issuer, server), options),
});
must(config.serverMetadata().backchannel_token_delivery_modes_supported.includes("poll"), "discovery");

const wrong = await client.initiateBackchannelAuthentication(config, { scope: "openid", login_hint: address }).catch((e) => e);
must(wrong.error === "invalid_binding_message", "a question without a text");

const asked = await client.initiateBackchannelAuthentication(config, { scope: "openid email offline_access", login_hint: address, binding_message: "Kassa 4-17" });
console.log("asked");
const tokens = await client.pollBackchannelAuthenticationGrant(config, { ...asked, interval: 0.05 });
const claims = tokens.claims();
must(claims.iss === issuer && claims.amr[0] === "push", "a yes");

const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
must(info.email === address, "userinfo");
const fresh = await client.refreshTokenGrant(config, tokens.refresh_token);
must(fresh.refresh_token !== tokens.refresh_token, "refresh");

const again = await client.pollBackchannelAuthenticationGrant(config, { ...asked, interval: 0.05 }).catch((e) => e);
must(again.error === "invalid_grant", "a yes counts once");
