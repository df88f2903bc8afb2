-- The push authenticator: paired phones, binding codes, challenges and their limits.

-- +goose Up

-- Beside the app's row in totp_keys, which has its name and its key for codes.
CREATE TABLE push_keys (
  app_id        TEXT   NOT NULL PRIMARY KEY,
  account_id    TEXT   NOT NULL,
  signing_key   TEXT   NOT NULL, -- public JWK
  wrapping_key  TEXT   NOT NULL, -- public JWK, to which the key for codes is encrypted
  grant_id      TEXT   NOT NULL UNIQUE,
  language      TEXT   NOT NULL,
  subscription  BYTEA  NOT NULL, -- sealed; empty: no messages
  endpoint_hash BYTEA  NOT NULL, -- SHA-256 of the subscription's endpoint
  vapid_id      TEXT   NOT NULL, -- the key that the subscription was made with; empty: none
  seen_at       BIGINT NOT NULL,
  lost_at       BIGINT NOT NULL  -- it said that its keys are gone; 0: they are there
);
CREATE INDEX push_keys_account ON push_keys (account_id);
CREATE INDEX push_keys_vapid ON push_keys (vapid_id);

CREATE TABLE pairings (
  id           TEXT   NOT NULL PRIMARY KEY,
  code         BYTEA  NOT NULL UNIQUE, -- SHA-256 of the binding code
  sealed       BYTEA  NOT NULL,        -- the code, for the page that shows it
  account_id   TEXT   NOT NULL,
  attempt_id   TEXT   NOT NULL,
  state        TEXT   NOT NULL,
  device_id    TEXT   NOT NULL, -- the device code of the phone that has claimed it
  signing_key  TEXT   NOT NULL,
  wrapping_key TEXT   NOT NULL,
  name         TEXT   NOT NULL,
  language     TEXT   NOT NULL,
  comparison   TEXT   NOT NULL, -- four characters for two pairs of eyes; no endpoint takes them
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  changed_at   BIGINT NOT NULL
);
CREATE INDEX pairings_attempt ON pairings (attempt_id);
CREATE INDEX pairings_account ON pairings (account_id);
CREATE INDEX pairings_changed ON pairings (changed_at);
CREATE INDEX pairings_expiry ON pairings (expires_at);

CREATE TABLE push_challenges (
  id         TEXT   NOT NULL PRIMARY KEY,
  account_id TEXT   NOT NULL,
  attempt_id TEXT   NOT NULL,
  purpose    TEXT   NOT NULL,
  mode       TEXT   NOT NULL,
  client_id  TEXT   NOT NULL,
  shown      TEXT   NOT NULL, -- JSON: where the browser is; personal data
  sealed     BYTEA  NOT NULL, -- number, choices, nonce
  state      TEXT   NOT NULL,
  key_id     TEXT   NOT NULL, -- whose answer was taken
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);
CREATE INDEX push_challenges_attempt ON push_challenges (attempt_id, created_at);
CREATE INDEX push_challenges_account ON push_challenges (account_id, expires_at);
CREATE INDEX push_challenges_changed ON push_challenges (changed_at);

-- How many challenges an account has had since its last success.
CREATE TABLE push_limits (
  account_id TEXT   NOT NULL PRIMARY KEY,
  misses     BIGINT NOT NULL, -- a challenge counts as missed until it succeeds
  sent       BIGINT NOT NULL, -- in the day that began at since
  since      BIGINT NOT NULL
);

ALTER TABLE organisations ADD COLUMN typed_push BOOLEAN NOT NULL DEFAULT FALSE; -- six typed digits instead of one tap

-- +goose Down

ALTER TABLE organisations DROP COLUMN typed_push;
DROP TABLE push_limits;
DROP TABLE push_challenges;
DROP TABLE pairings;
DROP TABLE push_keys;
