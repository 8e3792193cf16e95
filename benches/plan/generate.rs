//! A large made-up request log, the same rows for the same size: for benchmarks, never for conclusions. Services with one to
//! three models each, or twenty, two variants and two config versions, log-normal latencies and token counts, three tenths
//! scored, two percent failed, all inside one window that ends at a fixed instant.

/// How many models a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One to three.
    Plain,
    /// Twenty, so that no cell has many rows.
    Hostile,
}

/// Hash-based draws instead of a stateful generator: row i is the same whatever the number of threads.
pub(crate) fn write(file: &str, shape: Shape, rows: u64, services: u64, minutes: u64) -> duckdb::Result<()> {
    let connection = duckdb::Connection::open_in_memory()?;
    let model = match shape {
        Shape::Plain => "['gpt-4o', 'gpt-4o-mini', 'gpt-4.1'][1 + CAST(floor(uniform(i, 2) * (1 + s % 3)) AS INTEGER)]",
        Shape::Hostile => "'model-' || CAST(floor(uniform(i, 2) * 20) AS INTEGER)",
    };
    let step = (minutes * 60_000_000) as f64 / rows as f64;
    connection.execute_batch(&format!(
        "CREATE MACRO uniform(i, stream) AS (hash(i * 64 + stream) % 1000000007 + 0.5) / 1000000007.0;
         CREATE MACRO normal(i, stream) AS
             sqrt(-2 * ln(uniform(i, stream))) * cos(2 * pi() * uniform(i, stream + 1));
         COPY (
             SELECT
                 TIMESTAMP '2026-01-01 12:00:00' + to_microseconds(CAST(i * {step} AS BIGINT)) AS ts,
                 'r' || i AS request_id,
                 'service-' || s AS service,
                 'chat' AS endpoint,
                 'openai' AS provider,
                 {model} AS model,
                 CASE WHEN uniform(i, 3) < 0.1 THEN 'candidate' ELSE 'baseline' END AS variant,
                 CASE WHEN uniform(i, 3) < 0.1 THEN 'v2' ELSE 'v1' END AS config_version,
                 CASE WHEN failed THEN 'error' ELSE 'success' END AS outcome,
                 CASE WHEN failed THEN 429 ELSE 200 END AS status_code,
                 CASE WHEN NOT failed THEN exp(7 + 0.5 * normal(i, 4)) END AS latency_ms,
                 CASE WHEN NOT failed THEN exp(7 + 0.5 * normal(i, 4)) * 0.2 END AS ttft_ms,
                 CASE WHEN NOT failed THEN CAST(exp(6 + normal(i, 6)) AS BIGINT) END AS input_tokens,
                 CASE WHEN NOT failed THEN CAST(exp(5 + 0.8 * normal(i, 8)) AS BIGINT) END AS output_tokens,
                 CASE WHEN NOT failed THEN round(exp(-6 + normal(i, 10)), 9) END AS cost_usd,
                 CASE WHEN NOT failed AND uniform(i, 12) < 0.3 THEN round(least(1, greatest(0, 0.85 + 0.1 * normal(i, 13))), 3) END AS quality
             FROM (
                 SELECT i, CAST(floor(uniform(i, 1) * {services}) AS BIGINT) AS s, uniform(i, 15) < 0.02 AS failed
                 FROM range({rows}) AS t(i)
             )
         ) TO '{}' (FORMAT parquet, COMPRESSION zstd)",
        file.replace('\'', "''")
    ))
}

/// The same rows as text, in a format as DuckDB calls it.
pub(crate) fn convert(parquet: &str, format: &str, text: &str) -> duckdb::Result<()> {
    duckdb::Connection::open_in_memory()?.execute_batch(&format!(
        "COPY (SELECT * REPLACE (strftime(ts, '%Y-%m-%dT%H:%M:%S.%fZ') AS ts) FROM '{}') TO '{}' (FORMAT {format})",
        parquet.replace('\'', "''"),
        text.replace('\'', "''")
    ))
}
