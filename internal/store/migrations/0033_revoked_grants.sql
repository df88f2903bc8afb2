-- Each redemption asks whether the person has taken the app's access away. Almost nobody ever does.

-- +goose Up

CREATE INDEX grants_revoked ON grants (account_id, client_id) WHERE revoked_at > 0;

-- +goose Down

DROP INDEX grants_revoked;
