-- Approvals by an administrator of each organisation of an account, and what an administrator shall look at or must say first.

-- +goose Up
-- What an administrator wants to do to an account that is not her organisation's alone (RULES §6).
CREATE TABLE approvals (
  id              TEXT   NOT NULL PRIMARY KEY,
  act             TEXT   NOT NULL, -- code, unpair
  account_id      TEXT   NOT NULL,
  epoch           BIGINT NOT NULL, -- of the account as it was asked
  organisation_id TEXT   NOT NULL, -- that asks
  person_id       TEXT   NOT NULL, -- of that organisation
  asked_by        TEXT   NOT NULL, -- an account
  asked_at        BIGINT NOT NULL,
  expires_at      BIGINT NOT NULL,
  granted_at      BIGINT NOT NULL, -- when the last word was given; 0: not yet
  ended_at        BIGINT NOT NULL,
  ended_by        TEXT   NOT NULL  -- used, refused, withdrawn, replaced
);
CREATE INDEX approvals_account ON approvals (account_id, ended_at);
CREATE INDEX approvals_expiry ON approvals (expires_at);

-- The words given: one an organisation.
CREATE TABLE approval_words (
  approval_id     TEXT   NOT NULL,
  organisation_id TEXT   NOT NULL,
  given_by        TEXT   NOT NULL, -- an account
  given_at        BIGINT NOT NULL,
  PRIMARY KEY (approval_id, organisation_id)
);

ALTER TABLE persons ADD COLUMN disconnected_at BIGINT NOT NULL DEFAULT 0;  -- an administrator took the connection away; 0: or has invited her anew
ALTER TABLE persons ADD COLUMN attention_why TEXT NOT NULL DEFAULT '';     -- reported: the account's owner said "not me"; '' could not log in

CREATE INDEX persons_imported ON persons (organisation_id) WHERE imported_hash <> '';

-- +goose Down
DROP INDEX persons_imported;
ALTER TABLE persons DROP COLUMN attention_why;
ALTER TABLE persons DROP COLUMN disconnected_at;
DROP TABLE approval_words;
DROP INDEX approvals_expiry;
DROP INDEX approvals_account;
DROP TABLE approvals;
