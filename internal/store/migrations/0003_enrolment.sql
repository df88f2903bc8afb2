-- Two-factor authentication: the attempt's row, authenticator apps, recovery codes, remembered browsers.

-- +goose Up

-- An attempt after its first proof. Before it, it exists only in the browser's cookie; a cookie never holds a proof.
CREATE TABLE attempts (
  id         TEXT   NOT NULL PRIMARY KEY,
  binding    BYTEA  NOT NULL, -- SHA-256 of the binding secret in the cookie
  account_id TEXT   NOT NULL,
  epoch      BIGINT NOT NULL,
  methods    TEXT   NOT NULL, -- what has been proven: amr values, separated by spaces
  stage      TEXT   NOT NULL, -- what the person has chosen meanwhile
  sealed     BYTEA  NOT NULL, -- a key or a code in the making, until it is confirmed
  proven_at  BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX attempts_expiry ON attempts (expires_at);

CREATE TABLE totp_keys (
  id         TEXT   NOT NULL PRIMARY KEY,
  account_id TEXT   NOT NULL,
  name       TEXT   NOT NULL,
  sealed     BYTEA  NOT NULL,
  last_step  BIGINT NOT NULL, -- each time step counts once
  created_at BIGINT NOT NULL,
  used_at    BIGINT NOT NULL
);
CREATE INDEX totp_keys_account ON totp_keys (account_id);

CREATE TABLE recovery_codes (
  account_id TEXT   NOT NULL PRIMARY KEY,
  verifier   TEXT   NOT NULL, -- argon2id
  created_at BIGINT NOT NULL
);

CREATE TABLE remembered_browsers (
  id         TEXT   NOT NULL PRIMARY KEY,
  secret     BYTEA  NOT NULL UNIQUE, -- SHA-256 of the cookie's token
  account_id TEXT   NOT NULL,
  epoch      BIGINT NOT NULL,
  user_agent TEXT   NOT NULL,
  ip         TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX remembered_browsers_account ON remembered_browsers (account_id);
CREATE INDEX remembered_browsers_expiry ON remembered_browsers (expires_at);

ALTER TABLE organisations ADD COLUMN mfa_from BIGINT NOT NULL DEFAULT 0;       -- "required" holds from then on
ALTER TABLE organisations ADD COLUMN remember_days BIGINT NOT NULL DEFAULT 30; -- 0: no browser is remembered

-- +goose Down

ALTER TABLE organisations DROP COLUMN remember_days;
ALTER TABLE organisations DROP COLUMN mfa_from;
DROP TABLE remembered_browsers;
DROP TABLE recovery_codes;
DROP TABLE totp_keys;
DROP TABLE attempts;
