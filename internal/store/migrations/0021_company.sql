-- For which of the employers that she works for a person is at an app.

-- +goose Up

ALTER TABLE grants ADD COLUMN company TEXT NOT NULL DEFAULT ''; -- as the register names it; '': the app did not ask, or there is none

-- +goose Down

ALTER TABLE grants DROP COLUMN company;
