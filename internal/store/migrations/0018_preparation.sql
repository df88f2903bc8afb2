-- The preparation: where an organisation stands in its move to this login, the links by which its people confirm their
-- addresses, the addresses that they propose instead, and whom a mailing has reached.

-- +goose Up
-- An organisation without a row has moved long ago.
CREATE TABLE transitions (
  organisation_id TEXT   NOT NULL PRIMARY KEY REFERENCES organisations (id),
  phase           TEXT   NOT NULL, -- preparation, switched, ended
  since           BIGINT NOT NULL, -- when the phase began
  ended_at        BIGINT NOT NULL, -- when it last ended: links from before then are dead, also where it begins anew
  switch_at       BIGINT NOT NULL, -- the day of the switch, as people are told; 0: not known
  rate            BIGINT NOT NULL  -- mails a minute
);

CREATE TABLE preparation_links (
  id          TEXT   NOT NULL PRIMARY KEY,
  secret      BYTEA  NOT NULL UNIQUE, -- SHA-256 of the link's token
  purpose     TEXT   NOT NULL,        -- confirm, proposed, object
  person_id   TEXT   NOT NULL,
  identifier  TEXT   NOT NULL,        -- that was mailed, folded: the only address that the link proves
  proposal_id TEXT   NOT NULL,        -- that it is about; '' none
  client_id   TEXT   NOT NULL,        -- of the app that waits; '' none
  language    TEXT   NOT NULL,
  life        BIGINT NOT NULL,        -- ms, from the mail server's acceptance
  created_at  BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  consumed_at BIGINT NOT NULL,
  consumed_by TEXT   NOT NULL         -- the press, so that a lost answer finds its own
);
CREATE INDEX preparation_links_person ON preparation_links (person_id, purpose);
CREATE INDEX preparation_links_expiry ON preparation_links (expires_at);

-- An address that somebody with a person's link wants to use in place of the register's.
CREATE TABLE preparation_proposals (
  id           TEXT   NOT NULL PRIMARY KEY,
  person_id    TEXT   NOT NULL,
  address      TEXT   NOT NULL,
  identifier   TEXT   NOT NULL,
  language     TEXT   NOT NULL,
  created_at   BIGINT NOT NULL,
  settled_at   BIGINT NOT NULL, -- from then on the register's address objects no more
  confirmed_at BIGINT NOT NULL, -- its own mail was confirmed
  approved_at  BIGINT NOT NULL,
  approved_by  TEXT   NOT NULL, -- an account; '' the operator
  invited_at   BIGINT NOT NULL, -- both conditions held: the mail with its link was enqueued
  ended_at     BIGINT NOT NULL,
  ended_by     TEXT   NOT NULL  -- replaced, objected, refused, connected
);
CREATE INDEX preparation_proposals_person ON preparation_proposals (person_id, ended_at);
CREATE INDEX preparation_proposals_ended ON preparation_proposals (ended_at);

CREATE TABLE mailing_recipients (
  job_id    TEXT   NOT NULL,
  person_id TEXT   NOT NULL,
  mailed_at BIGINT NOT NULL, -- 0: chosen, and not yet looked at
  PRIMARY KEY (job_id, person_id)
);
CREATE INDEX mailing_recipients_mailed ON mailing_recipients (mailed_at);

CREATE INDEX persons_mailing ON persons (organisation_id, id);

-- +goose Down
DROP INDEX persons_mailing;
DROP TABLE mailing_recipients;
DROP TABLE preparation_proposals;
DROP TABLE preparation_links;
DROP TABLE transitions;
