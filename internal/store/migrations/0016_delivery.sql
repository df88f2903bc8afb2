-- Mail that can be proven: keys that sign (DKIM, RFC 6376), senders of organisations' own, and what has become of each mail.

-- +goose Up
CREATE TABLE dkim_keys (
  id              TEXT   NOT NULL PRIMARY KEY,
  organisation_id TEXT   NOT NULL, -- '' the operator's
  domain          TEXT   NOT NULL,
  selector        TEXT   NOT NULL,
  sealed          BYTEA  NOT NULL,
  public          BYTEA  NOT NULL, -- PKIX; what the record in the DNS holds
  created_at      BIGINT NOT NULL,
  verified_at     BIGINT NOT NULL, -- the record was found; 0: it does not sign yet
  UNIQUE (domain, selector)
);

ALTER TABLE organisations ADD COLUMN mail_from TEXT NOT NULL DEFAULT '';
ALTER TABLE organisations ADD COLUMN mail_from_name TEXT NOT NULL DEFAULT '';

ALTER TABLE outbox ADD COLUMN organisation_id TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN person_id TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN answer TEXT NOT NULL DEFAULT '';        -- the other side's words as it took it
ALTER TABLE outbox ADD COLUMN bounced_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN bounce_status TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN bounce_reason TEXT NOT NULL DEFAULT '';
CREATE INDEX outbox_person ON outbox (person_id, created_at) WHERE person_id <> '';

-- The turns that a mail has taken after it was queued.
CREATE TABLE deliveries (
  message_id TEXT   NOT NULL,
  at         BIGINT NOT NULL,
  kind       TEXT   NOT NULL, -- postponed, accepted, refused, dropped, expired, delayed, bounced
  words      TEXT   NOT NULL,
  PRIMARY KEY (message_id, at, kind)
);

-- +goose Down
DROP TABLE deliveries;
DROP INDEX outbox_person;
ALTER TABLE outbox DROP COLUMN bounce_reason;
ALTER TABLE outbox DROP COLUMN bounce_status;
ALTER TABLE outbox DROP COLUMN bounced_at;
ALTER TABLE outbox DROP COLUMN answer;
ALTER TABLE outbox DROP COLUMN person_id;
ALTER TABLE outbox DROP COLUMN organisation_id;
ALTER TABLE organisations DROP COLUMN mail_from_name;
ALTER TABLE organisations DROP COLUMN mail_from;
DROP TABLE dkim_keys;
