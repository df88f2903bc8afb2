-- Codes by SMS: the account's phone, and what an attempt sends.

-- +goose Up

CREATE TABLE phones (
  account_id TEXT   NOT NULL PRIMARY KEY,
  sealed     BYTEA  NOT NULL, -- the number: personal data
  created_at BIGINT NOT NULL,
  used_at    BIGINT NOT NULL,
  suspended_at BIGINT NOT NULL -- guessed at too often; 0: counts
);

-- What an attempt sends by SMS: the newest code alone counts.
CREATE TABLE sms_codes (
  attempt_id TEXT   NOT NULL PRIMARY KEY,
  account_id TEXT   NOT NULL,
  purpose    TEXT   NOT NULL, -- 'signin' or 'bind'
  sealed     BYTEA  NOT NULL, -- the number
  code_id    TEXT   NOT NULL, -- empty: none was sent yet, or it was used
  mac        BYTEA  NOT NULL, -- of the code
  sent_at    BIGINT NOT NULL, -- the last one, also of another number
  times      BIGINT NOT NULL, -- how many were sent
  message_id TEXT   NOT NULL, -- of the newest in the outbox
  expires_at BIGINT NOT NULL
);
CREATE INDEX sms_codes_expiry ON sms_codes (expires_at);
CREATE INDEX sms_codes_account ON sms_codes (account_id);

-- +goose Down

DROP TABLE sms_codes;
DROP TABLE phones;
