-- The guides of organisations, drawn from their pages: one for each language and audience. The files are the newest drawing's.

-- +goose Up

CREATE TABLE guides (
  organisation_id TEXT   NOT NULL REFERENCES organisations (id),
  language        TEXT   NOT NULL,
  audience        TEXT   NOT NULL, -- employees, administrators
  drawing         TEXT   NOT NULL, -- the job that has drawn it
  subject         TEXT   NOT NULL, -- digest of what it was drawn from: with another one, the pages look different by now
  support         TEXT   NOT NULL, -- whom it tells people to ask
  made_at         BIGINT NOT NULL,
  link            TEXT   NOT NULL, -- what stands in its public address; '': there is none
  PRIMARY KEY (organisation_id, language, audience)
);

CREATE UNIQUE INDEX guides_link ON guides (link) WHERE link <> '';

CREATE TABLE guide_files (
  drawing TEXT  NOT NULL,
  name    TEXT  NOT NULL,
  body    BYTEA NOT NULL,
  PRIMARY KEY (drawing, name)
);

-- +goose Down

DROP TABLE guide_files;
DROP TABLE guides;
