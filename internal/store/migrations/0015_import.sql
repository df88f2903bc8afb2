-- Files of the register on their way into it, and what waits for a person's word.

-- +goose Up
CREATE TABLE imports (
  job_id          TEXT   NOT NULL PRIMARY KEY,
  organisation_id TEXT   NOT NULL,
  name            TEXT   NOT NULL, -- of the file
  sheet           TEXT   NOT NULL,
  header          TEXT   NOT NULL, -- JSON, as the next two
  sample          TEXT   NOT NULL, -- the first rows, keys made unreadable
  mapping         TEXT   NOT NULL,
  fingerprint     TEXT   NOT NULL,
  remembered      BOOLEAN NOT NULL -- the mapping is that of an earlier file
);

-- The rows of a file, in pieces. A piece goes when it has been read.
CREATE TABLE import_chunks (
  job_id     TEXT   NOT NULL,
  seq        BIGINT NOT NULL,
  data       BYTEA  NOT NULL, -- JSON, deflated
  created_at BIGINT NOT NULL,
  PRIMARY KEY (job_id, seq)
);

-- What was read, so that the rows of one person stand together. A row goes when the register has it.
CREATE TABLE import_rows (
  job_id     TEXT   NOT NULL,
  key_hash   BYTEA  NOT NULL, -- bytes sort alike everywhere
  line       BIGINT NOT NULL,
  source     TEXT   NOT NULL,
  person_key TEXT   NOT NULL,
  entry      TEXT   NOT NULL, -- JSON
  PRIMARY KEY (job_id, key_hash, line)
);

CREATE TABLE import_problems (
  job_id      TEXT    NOT NULL,
  seq         BIGINT  NOT NULL,
  line        BIGINT  NOT NULL,
  column_name TEXT    NOT NULL,
  reason      TEXT    NOT NULL, -- the key of a text
  refused     BOOLEAN NOT NULL,
  PRIMARY KEY (job_id, seq)
);

-- How an organisation's files of one kind are read.
CREATE TABLE import_mappings (
  organisation_id TEXT   NOT NULL,
  fingerprint     TEXT   NOT NULL, -- of the header
  mapping         TEXT   NOT NULL, -- JSON
  changed_at      BIGINT NOT NULL,
  PRIMARY KEY (organisation_id, fingerprint)
);

-- Another name or address behind a connected key: nobody's before somebody has looked at it (RULES §6).
CREATE TABLE holds (
  id              TEXT   NOT NULL PRIMARY KEY,
  organisation_id TEXT   NOT NULL,
  person_id       TEXT   NOT NULL,
  job_id          TEXT   NOT NULL,
  change          TEXT   NOT NULL, -- JSON
  created_at      BIGINT NOT NULL,
  decided_at      BIGINT NOT NULL, -- 0: it waits
  decided_by      TEXT   NOT NULL, -- an account; '' the operator
  decision        TEXT   NOT NULL  -- '', accepted, refused, withdrawn
);
CREATE INDEX holds_open ON holds (organisation_id, decided_at, created_at, id);
CREATE INDEX holds_person ON holds (person_id, decided_at);

-- +goose Down
DROP TABLE holds;
DROP TABLE import_mappings;
DROP TABLE import_problems;
DROP TABLE import_rows;
DROP TABLE import_chunks;
DROP TABLE imports;
