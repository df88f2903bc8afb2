-- Passwords of an old login, until their owners have logged in once.

-- +goose Up
ALTER TABLE passwords ADD COLUMN imported_at BIGINT NOT NULL DEFAULT 0;        -- the verifier is another system's hash; 0: it is our own
ALTER TABLE passwords ADD COLUMN must_replace BOOLEAN NOT NULL DEFAULT false;  -- it came from there, and is not what we ask for: no session before there is another
CREATE INDEX passwords_imported ON passwords (imported_at);

-- +goose Down
DROP INDEX passwords_imported;
ALTER TABLE passwords DROP COLUMN must_replace;
ALTER TABLE passwords DROP COLUMN imported_at;
