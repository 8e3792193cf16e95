-- The requests of a gate, each with its side: 0 baseline, 1 candidate, NULL neither. Answers of the gateway's own cache are no requests
-- of a model. Without a column of arms, all are of one side.
-- Input:   unique_rows.
-- Setting: gate_arm_column (variant, config_version, model; NULL without), gate_baseline_arm, gate_candidate_arm.
CREATE OR REPLACE TEMP VIEW gate_arms AS
SELECT
    *,
    CASE getvariable('gate_arm_column')
        WHEN 'variant' THEN variant
        WHEN 'config_version' THEN config_version
        WHEN 'model' THEN model
    END AS arm
FROM unique_rows;

CREATE OR REPLACE TEMP VIEW gate_side AS
SELECT
    *,
    CAST(CASE
        WHEN cache_hit THEN NULL
        WHEN getvariable('gate_arm_column') IS NULL THEN 0
        WHEN arm = getvariable('gate_baseline_arm') THEN 0
        WHEN arm = getvariable('gate_candidate_arm') THEN 1
    END AS TINYINT) AS side
FROM gate_arms
