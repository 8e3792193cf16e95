-- Good rows of the lookback window when no identity repeats.
-- Setting: lookback_start_us, window_end_us.
CREATE OR REPLACE TEMP VIEW unique_rows AS
SELECT *
FROM rows
WHERE reject IS NULL AND ts_us >= getvariable('lookback_start_us') AND ts_us < getvariable('window_end_us')
