-- Every rejected row with its reason and what stood in the source, for people to mend.
-- Input:  rows; reject_errors and reject_scans, which DuckDB keeps of lines it could not split; addresses (file, address)
--         of what was fetched.
-- Output: reject, origin (file, or address of an object), source_row (JSON of the row, or the line as it stands).
--         Order: origin, reject, row.
WITH rejected AS (
    SELECT reject, origin AS file, source_row FROM rows WHERE reject IS NOT NULL AND reject NOT LIKE 'passed over: %'
    UNION ALL
    SELECT 'line: ' || lower(replace(CAST(error_type AS VARCHAR), '_', ' ')), file_path, csv_line
    FROM (
        SELECT DISTINCT ON (file_path, line) file_path, line, error_type, csv_line
        FROM reject_errors
        JOIN reject_scans USING (scan_id, file_id)
        ORDER BY file_path, line, error_type
    )
)
SELECT reject, coalesce(address, file) AS origin, source_row
FROM rejected
LEFT JOIN addresses USING (file)
ORDER BY origin, reject, source_row
