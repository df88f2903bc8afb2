-- Services: programs that act in their own name at the API; and what they were answered, so that a request that is sent twice does
-- its work once.

-- +goose Up
ALTER TABLE relying_parties ADD COLUMN scopes TEXT NOT NULL DEFAULT ''; -- with spaces between; '' people log in to it
CREATE TABLE api_idempotency (
  client_id    TEXT   NOT NULL,
  key          TEXT   NOT NULL, -- SHA-256 of what the client chose, in hex
  request_hash TEXT   NOT NULL, -- '' a file that is still coming in
  claim        TEXT   NOT NULL, -- whose work it is
  status       BIGINT NOT NULL, -- of HTTP; 0: under way
  body         BYTEA  NOT NULL,
  created_at   BIGINT NOT NULL,
  PRIMARY KEY (client_id, key)
);
CREATE INDEX api_idempotency_created ON api_idempotency (created_at);

-- +goose Down
DROP TABLE api_idempotency;
ALTER TABLE relying_parties DROP COLUMN scopes;
