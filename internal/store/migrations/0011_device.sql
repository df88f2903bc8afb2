-- Device codes, and grants and apps that are bound to a key.

-- +goose Up

CREATE TABLE devices (
  id            TEXT   NOT NULL PRIMARY KEY,
  code          BYTEA  NOT NULL UNIQUE, -- SHA-256 of the device code
  client_id     TEXT   NOT NULL,
  scope         TEXT   NOT NULL,
  jkt           TEXT   NOT NULL, -- thumbprint of the key that began it; '': none
  state         TEXT   NOT NULL, -- waiting, approved, denied, used
  account_id    TEXT   NOT NULL, -- who approved; '': nobody yet
  grant_id      TEXT   NOT NULL, -- what its use makes
  created_at    BIGINT NOT NULL,
  expires_at    BIGINT NOT NULL,
  polled_at     BIGINT NOT NULL,
  poll_interval BIGINT NOT NULL  -- ms
);
CREATE INDEX devices_account ON devices (account_id);
CREATE INDEX devices_expiry ON devices (expires_at);

ALTER TABLE grants ADD COLUMN jkt TEXT NOT NULL DEFAULT ''; -- thumbprint of the key that its refresh tokens are bound to

ALTER TABLE relying_parties ADD COLUMN require_dpop BOOLEAN NOT NULL DEFAULT false; -- its tokens are always bound to a key

-- +goose Down

ALTER TABLE relying_parties DROP COLUMN require_dpop;
ALTER TABLE grants DROP COLUMN jkt;
DROP TABLE devices;
