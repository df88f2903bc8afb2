// The npm package oidc-provider, an identity provider of others, as an oracle: what does it answer to a broken request? Its first line
// of standard input is a list of clients; it prints its issuer, and ends when standard input does. Whoever comes is logged in.

import { createServer } from "node:http";
import { createInterface } from "node:readline";

import Provider from "oidc-provider";

const lines = createInterface({ input: process.stdin }).on("close", () => process.exit());
const clients = JSON.parse(await new Promise((resolve) => lines.once("line", resolve)));
const scopes = ["openid", "profile", "email", "offline_access"];

const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const provider = new Provider("http://127.0.0.1:" + server.address().port, {
  clients,
  scopes,
  allowOmittingSingleRegisteredRedirectUri: false,
  claims: { openid: ["sub"], profile: ["name"], email: ["email"] },
  cookies: { keys: ["an oracle keeps no secrets"] },
  features: {
    claimsParameter: { enabled: true },
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    pushedAuthorizationRequests: { enabled: true },
    revocation: { enabled: true, allowedPolicy: (ctx, client, token) => token.clientId === client.clientId },
    userinfo: { enabled: true },
  },
  findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  interactions: { url: (ctx, interaction) => "/interaction/" + interaction.uid },
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed("refresh_token"),
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope(scopes.join(" "));
    await grant.save();
    return grant;
  },
  pkce: { required: () => true },
  rotateRefreshToken: true,
});
provider.use((ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: "bo" } });
});
server.on("request", provider.callback());
console.log(provider.issuer);
