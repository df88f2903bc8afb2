-- "This was not me", and the change of an address.

-- +goose Up

-- What the mail around a link tells of: JSON, or ''. It goes with the link.
ALTER TABLE onetime_links ADD COLUMN about TEXT NOT NULL DEFAULT '';

-- For a week the new address cannot remove the second factor.
ALTER TABLE accounts ADD COLUMN address_changed_at BIGINT NOT NULL DEFAULT 0;

-- An address that waits to be confirmed by the link that was mailed to it: one of an account.
CREATE TABLE pending_addresses (
  account_id   TEXT   NOT NULL PRIMARY KEY,
  id           TEXT   NOT NULL, -- the link names it
  epoch        BIGINT NOT NULL,
  identifier   TEXT   NOT NULL,
  address      TEXT   NOT NULL,
  requested_at BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL
);
CREATE INDEX pending_addresses_expiry ON pending_addresses (expires_at);

-- +goose Down

DROP TABLE pending_addresses;
ALTER TABLE accounts DROP COLUMN address_changed_at;
ALTER TABLE onetime_links DROP COLUMN about;
