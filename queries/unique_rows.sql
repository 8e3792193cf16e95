-- Good rows of the lookback window when no identity repeats.
-- Setting: lookback_start_us, window_end_us; all_good (whether the census met no reject: then nobody needs to judge each row
--          again, which is most of the work of reading one).
CREATE OR REPLACE TEMP VIEW unique_rows AS
SELECT * EXCLUDE (reject)
FROM rows
WHERE (getvariable('all_good') OR reject IS NULL)
    AND ts_us >= getvariable('lookback_start_us') AND ts_us < getvariable('window_end_us')
