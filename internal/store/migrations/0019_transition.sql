-- The transition as its administrators see it: what the pre-flight has found, and what a helpdesk asks after.

-- +goose Up
ALTER TABLE persons ADD COLUMN until_at BIGINT NOT NULL DEFAULT 0;   -- the day after the last employment's; 0: no end
ALTER TABLE persons ADD COLUMN checked_at BIGINT NOT NULL DEFAULT 0; -- by the pre-flight; older than changed_at: not as it is now
ALTER TABLE persons ADD COLUMN vouched TEXT NOT NULL DEFAULT '';     -- an identifier of which an administrator says that it is the person's own
CREATE TABLE findings (
  person_id       TEXT   NOT NULL,
  kind            TEXT   NOT NULL,
  organisation_id TEXT   NOT NULL,
  detail          TEXT   NOT NULL, -- what it was found by: an address, another's name
  found_at        BIGINT NOT NULL,
  PRIMARY KEY (person_id, kind)
);
CREATE INDEX findings_kind ON findings (organisation_id, kind, person_id);

-- Pages that refused something, by the number that they showed. A helpdesk asks by it; after two weeks nobody does.
CREATE TABLE refusals (
  reference  TEXT   NOT NULL PRIMARY KEY,
  at         BIGINT NOT NULL,
  status     BIGINT NOT NULL, -- of HTTP
  page       TEXT   NOT NULL, -- a template, or the key of a fault
  problem    TEXT   NOT NULL, -- key of the sentence that the page said; '' none
  identifier TEXT   NOT NULL, -- what was typed, folded; '' not known
  client_id  TEXT   NOT NULL
);
CREATE INDEX refusals_at ON refusals (at);
CREATE INDEX refusals_identifier ON refusals (identifier, at) WHERE identifier <> '';

-- +goose Down
DROP TABLE refusals;
DROP TABLE findings;
ALTER TABLE persons DROP COLUMN vouched;
ALTER TABLE persons DROP COLUMN checked_at;
ALTER TABLE persons DROP COLUMN until_at;
