-- What an attempt has taken over from a standing session, and must not outlive.

-- +goose Up

ALTER TABLE attempts ADD COLUMN session_id TEXT NOT NULL DEFAULT ''; -- whose proofs it began with; '': none, its own proofs alone
CREATE INDEX attempts_session ON attempts (session_id) WHERE session_id <> '';

-- +goose Down

DROP INDEX attempts_session;
ALTER TABLE attempts DROP COLUMN session_id;
