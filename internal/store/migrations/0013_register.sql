-- The register grows into what a transition needs: how a row is found and sorted, what the old system knew, how far its person
-- has come; and jobs, the long work on it.

-- +goose Up
ALTER TABLE persons ADD COLUMN identifier TEXT NOT NULL DEFAULT '';    -- the address, folded; '' where there is none, or none that could be
ALTER TABLE persons ADD COLUMN sort_key BYTEA;                         -- family name, given name, as Swedish sorts them; bytes sort alike everywhere
ALTER TABLE persons ADD COLUMN legacy_id TEXT NOT NULL DEFAULT '';     -- what the person typed at the old login
ALTER TABLE persons ADD COLUMN phone TEXT NOT NULL DEFAULT '';         -- as the register has it
ALTER TABLE persons ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE persons ADD COLUMN imported_hash TEXT NOT NULL DEFAULT ''; -- the old login's; it opens nothing before the address is confirmed
ALTER TABLE persons ADD COLUMN flag TEXT NOT NULL DEFAULT '';          -- why no link confirms the address; '' none
ALTER TABLE persons ADD COLUMN exempt_at BIGINT NOT NULL DEFAULT 0;    -- an administrator has taken the person out of the transition
ALTER TABLE persons ADD COLUMN exempt_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE persons ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE persons ADD COLUMN indexed BOOLEAN NOT NULL DEFAULT false; -- identifier, sort_key and terms are written
ALTER TABLE persons ADD COLUMN mailed_at BIGINT NOT NULL DEFAULT 0;    -- the newest preparation mail was enqueued
ALTER TABLE persons ADD COLUMN accepted_at BIGINT NOT NULL DEFAULT 0;  -- a mail server took it
ALTER TABLE persons ADD COLUMN bounced_at BIGINT NOT NULL DEFAULT 0;   -- it came back
ALTER TABLE persons ADD COLUMN opened_at BIGINT NOT NULL DEFAULT 0;    -- its link was opened: a hint, never a proof
ALTER TABLE persons ADD COLUMN attention_at BIGINT NOT NULL DEFAULT 0; -- the person tried to log in and could not be helped
CREATE INDEX persons_identifier ON persons (identifier, organisation_id);
CREATE INDEX persons_sorted ON persons (organisation_id, sort_key, id);
CREATE INDEX persons_indexed ON persons (indexed);

-- The words by which a person is found. Bytes, because two databases order text differently.
CREATE TABLE person_terms (
  organisation_id TEXT  NOT NULL,
  term            BYTEA NOT NULL,
  person_id       TEXT  NOT NULL,
  PRIMARY KEY (organisation_id, term, person_id)
);
CREATE INDEX person_terms_person ON person_terms (person_id);

-- When the account has logged in for the first time; 0: never since this column came.
ALTER TABLE accounts ADD COLUMN first_signin_at BIGINT NOT NULL DEFAULT 0;

-- Work that takes longer than a request, and survives whoever does it.
CREATE TABLE jobs (
  id              TEXT   NOT NULL PRIMARY KEY,
  kind            TEXT   NOT NULL,
  organisation_id TEXT   NOT NULL,
  created_by      TEXT   NOT NULL, -- an account; '' the operator
  state           TEXT   NOT NULL, -- waiting, queued, running, paused, done, failed, cancelled
  position        BIGINT NOT NULL,
  total           BIGINT NOT NULL, -- 0: not known
  counts          TEXT   NOT NULL, -- JSON
  params          TEXT   NOT NULL, -- JSON
  reason          TEXT   NOT NULL, -- why it failed
  created_at      BIGINT NOT NULL,
  started_at      BIGINT NOT NULL,
  finished_at     BIGINT NOT NULL,
  not_before      BIGINT NOT NULL,
  leased_by       TEXT   NOT NULL,
  lease_until     BIGINT NOT NULL
);
CREATE INDEX jobs_due ON jobs (state, kind, not_before);
CREATE INDEX jobs_organisation ON jobs (organisation_id, kind, created_at);

-- +goose Down
DROP TABLE jobs;
ALTER TABLE accounts DROP COLUMN first_signin_at;
DROP TABLE person_terms;
DROP INDEX persons_indexed;
DROP INDEX persons_sorted;
DROP INDEX persons_identifier;
ALTER TABLE persons DROP COLUMN attention_at;
ALTER TABLE persons DROP COLUMN opened_at;
ALTER TABLE persons DROP COLUMN bounced_at;
ALTER TABLE persons DROP COLUMN accepted_at;
ALTER TABLE persons DROP COLUMN mailed_at;
ALTER TABLE persons DROP COLUMN indexed;
ALTER TABLE persons DROP COLUMN changed_at;
ALTER TABLE persons DROP COLUMN exempt_reason;
ALTER TABLE persons DROP COLUMN exempt_at;
ALTER TABLE persons DROP COLUMN flag;
ALTER TABLE persons DROP COLUMN imported_hash;
ALTER TABLE persons DROP COLUMN language;
ALTER TABLE persons DROP COLUMN phone;
ALTER TABLE persons DROP COLUMN legacy_id;
ALTER TABLE persons DROP COLUMN sort_key;
ALTER TABLE persons DROP COLUMN identifier;
