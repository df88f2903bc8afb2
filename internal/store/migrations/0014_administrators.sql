-- Who looks after an organisation's people; and what else an organisation chooses.

-- +goose Up
CREATE TABLE administrators (
  account_id      TEXT   NOT NULL,
  organisation_id TEXT   NOT NULL, -- '' the operator
  role            TEXT   NOT NULL,
  created_at      BIGINT NOT NULL,
  created_by      TEXT   NOT NULL, -- an account; '' the operator's command line
  PRIMARY KEY (account_id, organisation_id)
);
CREATE INDEX administrators_organisation ON administrators (organisation_id);
ALTER TABLE organisations ADD COLUMN min_password BIGINT NOT NULL DEFAULT 0; -- characters; 0: as everywhere
ALTER TABLE organisations ADD COLUMN networks TEXT NOT NULL DEFAULT '';      -- its own, CIDR, one a line
-- Which lines are about an organisation: an index, and no part of the log that is proven.
CREATE TABLE audit_organisations (
  organisation_id TEXT   NOT NULL,
  at              BIGINT NOT NULL,
  event_id        TEXT   NOT NULL,
  PRIMARY KEY (organisation_id, at, event_id)
);
CREATE INDEX audit_personal_person ON audit_personal (value) WHERE field = 'person';

-- +goose Down
DROP INDEX audit_personal_person;
DROP TABLE audit_organisations;
ALTER TABLE organisations DROP COLUMN networks;
ALTER TABLE organisations DROP COLUMN min_password;
DROP INDEX administrators_organisation;
DROP TABLE administrators;
