-- The hash of every identity in the lookback window, to look for those that occur twice.
-- Input:  unique_rows, not deduplicated yet.
-- Output: identity (hash). No order.
SELECT hash(source, request_id) AS identity
FROM unique_rows
