-- What an app names that registered itself is called in no private network: each read of an app says whether it did.

-- +goose Up
UPDATE relying_parties
SET options = CASE WHEN options = '{}' THEN '{"registered_itself":true}' ELSE '{"registered_itself":true,' || SUBSTR(options, 2) END
WHERE client_id IN (SELECT client_id FROM self_registered);

-- +goose Down
UPDATE relying_parties SET options = REPLACE(REPLACE(options, '"registered_itself":true,', ''), '"registered_itself":true', '')
WHERE client_id IN (SELECT client_id FROM self_registered);
