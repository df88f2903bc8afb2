-- What few apps need: how they prove themselves without a secret, their public keys, whether their requests come by the back channel.

-- +goose Up

ALTER TABLE relying_parties ADD COLUMN options TEXT NOT NULL DEFAULT '{}'; -- JSON, see relyingparty.Options

-- +goose Down

ALTER TABLE relying_parties DROP COLUMN options;
