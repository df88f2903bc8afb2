-- The audit log's chain of blocks, and what finding and erasing a person's own lines and messages needs.

-- +goose Up

-- A line is inserted unsealed, with the commitments of its personal fields; the sealer puts it into a block. Every line in a block
-- is covered by the block's root, every block by its successor.
ALTER TABLE audit_events ADD COLUMN block BIGINT NOT NULL DEFAULT 0;   -- 0: not sealed yet
ALTER TABLE audit_events ADD COLUMN message_id TEXT NOT NULL DEFAULT ''; -- the outbox message that it is about
ALTER TABLE audit_events ADD COLUMN fields TEXT;                       -- JSON: commitment of each personal field; NULL: older than the chain
CREATE INDEX audit_events_block ON audit_events (block);
CREATE INDEX audit_events_message ON audit_events (message_id) WHERE message_id <> '';

CREATE TABLE audit_blocks (
  number    BIGINT NOT NULL PRIMARY KEY, -- from 1, without gaps
  previous  BYTEA  NOT NULL,             -- hash of the block before; of the first one: 32 zeros
  root      BYTEA  NOT NULL,             -- Merkle root of its lines' commitments
  lines     BIGINT NOT NULL,
  sealed_at BIGINT NOT NULL,
  signature TEXT   NOT NULL              -- JWS over the block's hash
);

-- What a person typed as an identifier, in lines that name no account.
CREATE INDEX audit_personal_identifier ON audit_personal (value) WHERE field = 'identifier';

CREATE INDEX outbox_account ON outbox (account_id);

-- +goose Down

DROP INDEX outbox_account;
DROP INDEX audit_personal_identifier;
DROP TABLE audit_blocks;
DROP INDEX audit_events_message;
DROP INDEX audit_events_block;
ALTER TABLE audit_events DROP COLUMN fields;
ALTER TABLE audit_events DROP COLUMN message_id;
ALTER TABLE audit_events DROP COLUMN block;
