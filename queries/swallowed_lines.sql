-- Do the rows account for the lines of the text files, and is there a sign of a quote that was never closed?
-- Input:  text_rows (canonical rows of text files), reject_errors and reject_scans.
-- Output: rows (read and rejected), suspects (values and lines that run over a line break), line (the first such, if known).
WITH unsplit AS (
    SELECT DISTINCT ON (file_path, line)
        line,
        CAST(error_type AS VARCHAR) = 'UNQUOTED VALUE' OR contains(trim(csv_line, chr(10) || chr(13)), chr(10)) AS suspect
    FROM reject_errors
    JOIN reject_scans USING (scan_id, file_id)
    ORDER BY file_path, line, suspect DESC
)
SELECT
    CAST((SELECT count(*) FROM text_rows) + (SELECT count(*) FROM unsplit) AS BIGINT),
    CAST(
        (SELECT count(*) FROM text_rows
            WHERE contains(concat_ws('', request_id, service, endpoint, provider, model, config_version, variant, source_row), chr(10))
                OR contains(source_row, '\n'))
        + (SELECT count(*) FROM unsplit WHERE suspect) AS BIGINT
    ),
    CAST((SELECT min(line) FROM unsplit WHERE suspect) AS BIGINT)
