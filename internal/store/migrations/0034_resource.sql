-- The resource that a grant's access tokens are for (RFC 8707).

-- +goose Up

ALTER TABLE grants ADD COLUMN resource TEXT NOT NULL DEFAULT ''; -- '': Portvakt's own endpoints, or what the token request names

-- +goose Down

ALTER TABLE grants DROP COLUMN resource;
