-- A series of the Turing Change Point Dataset, one JSON object: every dimension is a metric of its own.
-- Yields: metrics
-- Reads: name, time, series
WITH dimension AS (
    SELECT
        * EXCLUDE series,
        unnest(from_json(series, '[{"label": "VARCHAR", "raw": ["DOUBLE"]}]')) AS dimension
    FROM raw
),
point AS (
    SELECT
        *,
        unnest(generate_series(1, len(dimension.raw))) AS place
    FROM dimension
)
SELECT
    -- Where the times are known as dates they are those; else the places stand in, a second each.
    coalesce(
        try_strptime(json_extract_string("time", '$.raw[' || (place - 1) || ']'), ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d', '%Y']),
        make_timestamp(place * 1000000)
    ) AS ts,
    name AS service,
    dimension.label AS metric,
    'last' AS statistic,
    dimension.raw[place] AS value,
    1 AS n,
    origin,
    malformed,
    source_row
FROM point
