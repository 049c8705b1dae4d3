-- The PostgreSQL migration of the same number differs in how it orders text.

-- Ids of LeadSquared are GUIDs, and the same in small and capital letters: they are kept in small
-- ones. Where that makes two links of one lead, the one that was in small letters already stays; of
-- two reviews, the one that was asked last.
DELETE FROM link WHERE (first_account, second_account, first_id) IN (
    SELECT first_account, second_account, first_id FROM (
        SELECT first_account, second_account, first_id, row_number() OVER (
            PARTITION BY first_account, second_account, lower(first_id) ORDER BY first_id DESC
        ) AS place FROM link
    ) AS placed WHERE place > 1
);
DELETE FROM link WHERE (first_account, second_account, first_id) IN (
    SELECT first_account, second_account, first_id FROM (
        SELECT first_account, second_account, first_id, row_number() OVER (
            PARTITION BY first_account, second_account, lower(second_id) ORDER BY second_id DESC
        ) AS place FROM link
    ) AS placed WHERE place > 1
);
UPDATE link SET first_id = lower(first_id), second_id = lower(second_id)
WHERE first_id <> lower(first_id) OR second_id <> lower(second_id);

INSERT INTO gone (account, lead) SELECT account, lower(lead) FROM gone WHERE lead <> lower(lead)
ON CONFLICT (account, lead) DO NOTHING;
DELETE FROM gone WHERE lead <> lower(lead);

DELETE FROM review WHERE id NOT IN (
    SELECT max(id) FROM review GROUP BY connector, lower(source_id), (reason = 'conflict')
);
UPDATE review SET source_id = lower(source_id), destination_id = lower(destination_id)
WHERE source_id <> lower(source_id) OR destination_id <> lower(destination_id);
-- All that is in it are an id and words in small letters.
UPDATE review SET choice = lower(choice) WHERE choice <> lower(choice);

UPDATE record SET source_id = lower(source_id), destination_id = lower(destination_id)
WHERE source_id <> lower(source_id) OR destination_id <> lower(destination_id);
