-- Hashes of the identities that occur more than once in the lookback window. A hash keeps the pass narrow; rows that merely
-- share one are told apart by their full identity in events_deduplicated.sql.
-- Setting: lookback_start_us, window_end_us.
-- Output:  identity (hash), one row each.
CREATE OR REPLACE TEMP TABLE duplicate_identities AS
SELECT hash(source, request_id) AS identity
FROM rows
WHERE reject IS NULL AND ts_us >= getvariable('lookback_start_us') AND ts_us < getvariable('window_end_us')
GROUP BY identity
HAVING count(*) > 1
