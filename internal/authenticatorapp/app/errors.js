// What can go wrong between the app and its issuer, each to be told apart.

// Unreachable: nobody answered, so nothing is known and nothing is thrown away.
export class Unreachable extends Error {}

// Removed: the account has removed this authenticator; its keys are of no use any more.
export class Removed extends Error {}

// Refused: the issuer said no, and why.
export class Refused extends Error {
  constructor(status, body) {
    super(body?.error ?? `status ${status}`);
    this.status = status;
    this.code = body?.error ?? "";
    this.body = body ?? {};
  }
}
