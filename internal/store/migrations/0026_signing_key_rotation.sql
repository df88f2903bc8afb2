-- Signing keys follow each other: published first, used later, and without their private half when nobody uses them any more.

-- +goose Up

ALTER TABLE signing_keys ADD COLUMN public     TEXT    NOT NULL DEFAULT '';    -- JWK; '': a key from before, whose private half is still there
ALTER TABLE signing_keys ADD COLUMN used_from  BIGINT  NOT NULL DEFAULT 0;     -- 0: from the beginning
ALTER TABLE signing_keys ADD COLUMN retired_at BIGINT  NOT NULL DEFAULT 0;     -- since then its private half is gone
ALTER TABLE signing_keys ADD COLUMN distrusted BOOLEAN NOT NULL DEFAULT FALSE; -- somebody else may have had it

-- +goose Down

DELETE FROM signing_keys WHERE retired_at > 0;
ALTER TABLE signing_keys DROP COLUMN distrusted;
ALTER TABLE signing_keys DROP COLUMN retired_at;
ALTER TABLE signing_keys DROP COLUMN used_from;
ALTER TABLE signing_keys DROP COLUMN public;
