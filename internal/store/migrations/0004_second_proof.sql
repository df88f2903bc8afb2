-- The offer of two-factor authentication, suspended apps, codes that the operator hands out, what a finished attempt answers to
-- its second press, and what an RP requires.

-- +goose Up

-- Of an account without two-factor authentication: for how many sign-ins the offer is silent, and how many it has made while
-- its organisation was counting.
CREATE TABLE mfa_offers (
  account_id TEXT   NOT NULL PRIMARY KEY,
  silent     BIGINT NOT NULL,
  spent      BIGINT NOT NULL
);

ALTER TABLE organisations ADD COLUMN mfa_signins BIGINT NOT NULL DEFAULT 0; -- sign-ins without it before "required" holds; 0: only the day counts

ALTER TABLE attempts ADD COLUMN done_at BIGINT NOT NULL DEFAULT 0; -- it has made its session; the row stays for a double click
ALTER TABLE attempts ADD COLUMN done_by TEXT NOT NULL DEFAULT '';  -- the press that finished it

ALTER TABLE totp_keys ADD COLUMN suspended_at BIGINT NOT NULL DEFAULT 0; -- guessed at too often; 0: counts

-- A recovery code that the operator handed out.
CREATE TABLE issued_codes (
  account_id TEXT   NOT NULL PRIMARY KEY,
  verifier   TEXT   NOT NULL, -- argon2id
  issued_by  TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX issued_codes_expiry ON issued_codes (expires_at);

ALTER TABLE relying_parties ADD COLUMN require_acr TEXT NOT NULL DEFAULT ''; -- the least that a sign-in must be worth there

-- +goose Down

ALTER TABLE relying_parties DROP COLUMN require_acr;
DROP TABLE issued_codes;
ALTER TABLE totp_keys DROP COLUMN suspended_at;
ALTER TABLE attempts DROP COLUMN done_by;
ALTER TABLE attempts DROP COLUMN done_at;
ALTER TABLE organisations DROP COLUMN mfa_signins;
DROP TABLE mfa_offers;
