-- Apps that ask a person on her phone (CIBA): what they poll with is kept beside device codes.

-- +goose Up

ALTER TABLE devices ADD COLUMN delivery TEXT NOT NULL DEFAULT ''; -- poll, ping; '': a device code
ALTER TABLE devices ADD COLUMN notify TEXT NOT NULL DEFAULT ''; -- sealed: what the app is pinged with; '': it polls

-- +goose Down

ALTER TABLE devices DROP COLUMN notify;
ALTER TABLE devices DROP COLUMN delivery;
