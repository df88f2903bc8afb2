-- People without an address, who are reached by SMS: the register's phone, folded, so that it can be found and compared.
-- +goose Up
ALTER TABLE persons ADD COLUMN mobile TEXT NOT NULL DEFAULT ''; -- the phone in E.164 form; '' where there is none, or none that messages go to
CREATE INDEX persons_mobile ON persons (mobile, organisation_id);
-- Folding is done in Go: those who have a phone are indexed once more.
UPDATE persons SET indexed = false WHERE phone <> '';

-- +goose Down
DROP INDEX persons_mobile;
ALTER TABLE persons DROP COLUMN mobile;
