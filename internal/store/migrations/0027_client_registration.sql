-- Apps that share a secret with Portvakt or register themselves: the secret that makes MACs, and who may register and change what.

-- +goose Up

-- Of an app with client_secret_jwt. A hash could check no MAC.
CREATE TABLE client_secrets (
  client_id TEXT  NOT NULL PRIMARY KEY,
  sealed    BYTEA NOT NULL
);

-- What an operator gives to somebody who may register apps (RFC 7591 §3, initial access token).
CREATE TABLE registration_tokens (
  id              TEXT    NOT NULL PRIMARY KEY,
  secret          BYTEA   NOT NULL UNIQUE, -- SHA-256
  organisation_id TEXT    NOT NULL, -- whose people the apps may know; '' nobody's
  require_pkce    BOOLEAN NOT NULL, -- false: its confidential apps are exempt
  uses            BIGINT  NOT NULL, -- that are left
  created_at      BIGINT  NOT NULL,
  expires_at      BIGINT  NOT NULL  -- also of one that was revoked
);

-- Apps that registered themselves.
CREATE TABLE self_registered (
  client_id  TEXT   NOT NULL PRIMARY KEY,
  secret     BYTEA  NOT NULL UNIQUE, -- SHA-256 of its registration access token
  token_id   TEXT   NOT NULL, -- of the initial access token; '' none was asked for
  created_at BIGINT NOT NULL,
  used_at    BIGINT NOT NULL  -- when it was first seen that somebody logs in to it; 0: never
);
CREATE INDEX self_registered_unused ON self_registered (used_at, created_at);

-- +goose Down

DROP TABLE self_registered;
DROP TABLE registration_tokens;
DROP TABLE client_secrets;
