-- Device codes for apps on devices without a browser: a short code that a person types elsewhere, and what her sign-in was worth.

-- +goose Up

ALTER TABLE devices ADD COLUMN user_code TEXT NOT NULL DEFAULT ''; -- pseudonym of the code that is typed; '': there is none
ALTER TABLE devices ADD COLUMN acr TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN amr TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN auth_time BIGINT NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0; -- the account's, when a person approved it by its user_code
ALTER TABLE devices ADD COLUMN approved_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN session_id TEXT NOT NULL DEFAULT ''; -- of whoever approved it by its user_code
CREATE UNIQUE INDEX devices_user_code ON devices (user_code) WHERE user_code <> '';

-- +goose Down

DROP INDEX devices_user_code;
ALTER TABLE devices DROP COLUMN session_id;
ALTER TABLE devices DROP COLUMN approved_at;
ALTER TABLE devices DROP COLUMN epoch;
ALTER TABLE devices DROP COLUMN auth_time;
ALTER TABLE devices DROP COLUMN amr;
ALTER TABLE devices DROP COLUMN acr;
ALTER TABLE devices DROP COLUMN user_code;
