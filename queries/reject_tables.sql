-- DuckDB makes these two tables when it first reads text; sources without text need them empty.
CREATE TEMP TABLE IF NOT EXISTS reject_scans (scan_id UBIGINT, file_id UBIGINT, file_path VARCHAR);
CREATE TEMP TABLE IF NOT EXISTS reject_errors (scan_id UBIGINT, file_id UBIGINT, line UBIGINT, error_type VARCHAR, csv_line VARCHAR)
