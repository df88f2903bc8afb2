-- The keys by which push services know this installation (RFC 8292), their private halves under the master key. An old one
-- stays as long as somebody is subscribed with it.

-- +goose Up

CREATE TABLE vapid_keys (
  id         TEXT   NOT NULL PRIMARY KEY,
  sealed     BYTEA  NOT NULL,
  created_at BIGINT NOT NULL
);

-- +goose Down

DROP TABLE vapid_keys;
