-- +goose Up

-- A lease lets one node at a time do a piece of work. Whoever finds it expired may take it.
CREATE TABLE leases (
	name        TEXT   NOT NULL PRIMARY KEY,
	holder      TEXT   NOT NULL,
	lease_until BIGINT NOT NULL
);
