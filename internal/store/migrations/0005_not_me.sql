-- "This was not me", and the change of an address.

-- +goose Up

-- What the mail around a link tells of: JSON, or ''. It goes with the link.
ALTER TABLE onetime_links ADD COLUMN about TEXT NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE onetime_links DROP COLUMN about;
