-- When a person took an app's access away: a code that was on its way then is worth nothing.

-- +goose Up

ALTER TABLE grants ADD COLUMN revoked_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down

ALTER TABLE grants DROP COLUMN revoked_at;
