-- People without an address.

-- +goose Up
ALTER TABLE organisations ADD COLUMN without_address BOOLEAN NOT NULL DEFAULT false; -- sheets or links by SMS were made: the first page says how a number is typed

-- +goose Down
ALTER TABLE organisations DROP COLUMN without_address;
