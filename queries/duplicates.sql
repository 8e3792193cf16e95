-- Hashes of the identities that occur more than once in the lookback window. A hash keeps the pass narrow; rows that merely
-- share one are told apart by their full identity in unique_rows_deduplicated.sql.
-- Input:   suspects (identity: hash), among them every identity that repeats; unique_rows, not deduplicated yet.
-- Output:  identity (hash), one row each.
CREATE OR REPLACE TEMP TABLE duplicate_identities AS
SELECT hash(source, request_id) AS identity
FROM unique_rows
WHERE identity IN (FROM suspects)
GROUP BY identity
HAVING count(*) > 1
