-- The tables of the first login. Ids are TEXT, times BIGINT Unix milliseconds with 0 for "never", lists and maps
-- TEXT that no statement looks into.
--
-- Foreign keys stand where rows are few and written by the operator. Sessions, grants, links and messages have
-- none: they are written at every sign-in, outlive what they point at (a closed account's tombstone, a deleted
-- RP's last logout), and each statement that makes one reads its account in the same transaction anyway.

-- +goose Up

CREATE TABLE installation (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE root_keys (
  id         BIGINT NOT NULL PRIMARY KEY,
  sealed     BYTEA  NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE signing_keys (
  id         TEXT   NOT NULL PRIMARY KEY,
  alg        TEXT   NOT NULL,
  sealed     BYTEA  NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE organisations (
  id            TEXT   NOT NULL PRIMARY KEY,
  name          TEXT   NOT NULL,
  colour        TEXT   NOT NULL,
  logo_type     TEXT   NOT NULL,
  logo          BYTEA  NOT NULL,
  mfa           TEXT   NOT NULL,
  changed_at    BIGINT NOT NULL
);

CREATE TABLE accounts (
  id          TEXT   NOT NULL PRIMARY KEY,
  identifier  TEXT   NOT NULL UNIQUE,
  address     TEXT   NOT NULL,
  verified_at BIGINT NOT NULL,
  given_name  TEXT   NOT NULL,
  family_name TEXT   NOT NULL,
  language    TEXT   NOT NULL,
  epoch       BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  closed_at   BIGINT NOT NULL
);

CREATE TABLE passwords (
  account_id    TEXT    NOT NULL PRIMARY KEY REFERENCES accounts (id),
  verifier      TEXT    NOT NULL,
  alone         BOOLEAN NOT NULL, -- long enough to be the only proof
  suspended_at  BIGINT  NOT NULL,
  changed_at    BIGINT  NOT NULL
);

CREATE TABLE persons (
  id              TEXT   NOT NULL PRIMARY KEY,
  organisation_id TEXT   NOT NULL REFERENCES organisations (id),
  source          TEXT   NOT NULL,
  person_key      TEXT   NOT NULL,
  given_name      TEXT   NOT NULL,
  family_name     TEXT   NOT NULL,
  address         TEXT   NOT NULL,
  employments     TEXT   NOT NULL,
  created_at      BIGINT NOT NULL,
  UNIQUE (organisation_id, source, person_key)
);

CREATE TABLE connections (
  person_id    TEXT   NOT NULL PRIMARY KEY REFERENCES persons (id),
  account_id   TEXT   NOT NULL REFERENCES accounts (id),
  connected_at BIGINT NOT NULL
);
CREATE INDEX connections_account ON connections (account_id);

CREATE TABLE relying_parties (
  client_id                 TEXT    NOT NULL PRIMARY KEY,
  name                      TEXT    NOT NULL,
  secret                    BYTEA   NOT NULL, -- SHA-256; empty for a public client
  redirect_uris             TEXT    NOT NULL, -- one a line, as the next
  post_logout_redirect_uris TEXT    NOT NULL,
  initiate_login_uri        TEXT    NOT NULL,
  client_uri                TEXT    NOT NULL,
  backchannel_logout_uri    TEXT    NOT NULL,
  require_pkce              BOOLEAN NOT NULL,
  id_token_alg              TEXT    NOT NULL,
  request_max_age           BIGINT  NOT NULL, -- ms
  refresh_tokens            BOOLEAN NOT NULL,
  refresh_life              BIGINT  NOT NULL, -- ms
  created_at                BIGINT  NOT NULL
);

CREATE TABLE relying_party_organisations (
  client_id       TEXT NOT NULL REFERENCES relying_parties (client_id),
  organisation_id TEXT NOT NULL REFERENCES organisations (id),
  PRIMARY KEY (client_id, organisation_id)
);

CREATE TABLE sessions (
  id         TEXT   NOT NULL PRIMARY KEY,
  account_id TEXT   NOT NULL,
  secret     BYTEA  NOT NULL UNIQUE, -- SHA-256 of the cookie's token
  attempt    TEXT   UNIQUE,          -- the attempt that made it; NULL once released
  epoch      BIGINT NOT NULL,
  acr        TEXT   NOT NULL,
  amr        TEXT   NOT NULL,
  auth_time  BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  last_seen  BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  idle       BIGINT NOT NULL, -- ms; 0: no idle limit
  ended_at   BIGINT NOT NULL,
  ended_by   TEXT   NOT NULL,
  user_agent TEXT   NOT NULL,
  ip         TEXT   NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id, ended_at);
CREATE INDEX sessions_end ON sessions (ended_at, expires_at);

CREATE TABLE grants (
  id                TEXT    NOT NULL PRIMARY KEY,
  code_id           TEXT    NOT NULL UNIQUE,
  client_id         TEXT    NOT NULL,
  account_id        TEXT    NOT NULL,
  session_id        TEXT    NOT NULL,
  scope             TEXT    NOT NULL,
  offline           BOOLEAN NOT NULL,
  acr               TEXT    NOT NULL,
  amr               TEXT    NOT NULL,
  auth_time         BIGINT  NOT NULL,
  generation        BIGINT  NOT NULL,
  rotated_at        BIGINT  NOT NULL,
  former_rotated_at BIGINT  NOT NULL,
  replays           BIGINT  NOT NULL,
  created_at        BIGINT  NOT NULL,
  expires_at        BIGINT  NOT NULL,
  ended_at          BIGINT  NOT NULL
);
CREATE INDEX grants_session ON grants (session_id);
CREATE INDEX grants_account ON grants (account_id);
CREATE INDEX grants_client ON grants (client_id);
CREATE INDEX grants_expiry ON grants (expires_at);

CREATE TABLE onetime_links (
  id          TEXT   NOT NULL PRIMARY KEY,
  secret      BYTEA  NOT NULL UNIQUE, -- SHA-256
  purpose     TEXT   NOT NULL,
  account_id  TEXT   NOT NULL,
  epoch       BIGINT NOT NULL,
  client_id   TEXT   NOT NULL,
  language    TEXT   NOT NULL,
  attempt     TEXT   NOT NULL,
  binding     BYTEA  NOT NULL, -- SHA-256 of the attempt's binding secret
  created_at  BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  life        BIGINT NOT NULL, -- ms from the mail server's acceptance
  consumed_at BIGINT NOT NULL,
  consumed_by TEXT   NOT NULL  -- the operation that consumed it
);
CREATE INDEX onetime_links_account ON onetime_links (account_id, purpose);
CREATE INDEX onetime_links_expiry ON onetime_links (expires_at);

CREATE TABLE budgets (
  budget_key     TEXT   NOT NULL PRIMARY KEY, -- a pseudonym
  taken          BIGINT NOT NULL,
  window_started BIGINT NOT NULL,
  paused_until   BIGINT NOT NULL,
  pauses         BIGINT NOT NULL,
  in_a_row       BIGINT NOT NULL,
  purge_at       BIGINT NOT NULL
);
CREATE INDEX budgets_purge ON budgets (purge_at);

CREATE TABLE spent_challenges (
  id         TEXT   NOT NULL PRIMARY KEY,
  expires_at BIGINT NOT NULL
);
CREATE INDEX spent_challenges_expiry ON spent_challenges (expires_at);

CREATE TABLE stored_requests (
  id         TEXT   NOT NULL PRIMARY KEY,
  body       BYTEA  NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX stored_requests_expiry ON stored_requests (expires_at);

CREATE TABLE outbox (
  id          TEXT    NOT NULL PRIMARY KEY,
  channel     TEXT    NOT NULL,
  template    TEXT    NOT NULL,
  recipient   TEXT    NOT NULL,
  account_id  TEXT    NOT NULL,
  language    TEXT    NOT NULL,
  params      TEXT    NOT NULL, -- JSON
  secret      BYTEA   NOT NULL, -- sealed; empty once sent, expired or dead
  lane        BIGINT  NOT NULL,
  created_at  BIGINT  NOT NULL,
  not_before  BIGINT  NOT NULL,
  expires_at  BIGINT  NOT NULL,
  attempts    BIGINT  NOT NULL,
  prepared    BOOLEAN NOT NULL,
  link_id     TEXT    NOT NULL, -- the one-time link that it carries, or ''
  state       TEXT    NOT NULL, -- queued, sent, dropped, expired, dead
  reason      TEXT    NOT NULL,
  leased_by   TEXT    NOT NULL,
  lease_until BIGINT  NOT NULL,
  finished_at BIGINT  NOT NULL
);
CREATE INDEX outbox_due ON outbox (state, channel, lane, not_before);
CREATE INDEX outbox_finished ON outbox (finished_at);

CREATE TABLE audit_events (
  id         TEXT   NOT NULL PRIMARY KEY,
  at         BIGINT NOT NULL,
  kind       TEXT   NOT NULL,
  actor      TEXT   NOT NULL,
  account_id TEXT   NOT NULL,
  client_id  TEXT   NOT NULL,
  session_id TEXT   NOT NULL,
  detail     TEXT   NOT NULL, -- JSON
  salt       BYTEA  NOT NULL  -- of the line's commitment
);
CREATE INDEX audit_events_account ON audit_events (account_id, at);
CREATE INDEX audit_events_at ON audit_events (at);

-- Personal fields stand apart, each with a salt of its own, so that erasing them leaves the log provable.
CREATE TABLE audit_personal (
  event_id TEXT  NOT NULL,
  field    TEXT  NOT NULL,
  salt     BYTEA NOT NULL,
  value    TEXT  NOT NULL,
  PRIMARY KEY (event_id, field)
);

-- +goose Down

DROP TABLE audit_personal;
DROP TABLE audit_events;
DROP TABLE outbox;
DROP TABLE stored_requests;
DROP TABLE spent_challenges;
DROP TABLE budgets;
DROP TABLE onetime_links;
DROP TABLE grants;
DROP TABLE sessions;
DROP TABLE relying_party_organisations;
DROP TABLE relying_parties;
DROP TABLE connections;
DROP TABLE persons;
DROP TABLE passwords;
DROP TABLE accounts;
DROP TABLE organisations;
DROP TABLE signing_keys;
DROP TABLE root_keys;
DROP TABLE installation;
