-- Lines of text files that could not be split into columns, by file and reason. A file may be scanned more than once (its first lines
-- tell the columns), so a line counts once per file, not once per scan.
-- Input:  reject_errors and reject_scans, kept by DuckDB while it reads text.
-- Output: file (path), reject (text), n (lines). Order: file, reject.
SELECT file_path, 'line: ' || lower(replace(CAST(error_type AS VARCHAR), '_', ' ')) AS reject, count(*) AS n
FROM (
    SELECT DISTINCT ON (file_path, line) file_path, line, error_type
    FROM reject_errors
    JOIN reject_scans USING (scan_id, file_id)
    ORDER BY file_path, line, error_type
)
GROUP BY file_path, reject
ORDER BY file_path, reject
