-- Names by which only the apps of one sector know a person (OpenID Connect Core §8).

-- +goose Up

CREATE TABLE pairwise_subjects (
  account_id TEXT   NOT NULL,
  sector     TEXT   NOT NULL, -- a host
  subject    TEXT   NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, sector)
);
ALTER TABLE grants ADD COLUMN subject TEXT NOT NULL DEFAULT ''; -- by which the app knows the person; '' her account's id

-- +goose Down

ALTER TABLE grants DROP COLUMN subject;
DROP TABLE pairwise_subjects;
