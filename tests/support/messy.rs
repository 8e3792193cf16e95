//! Requests with everything that can be odd about a row, as SQL that PostgreSQL and DuckDB take.

/// Columns of the table, with the types a careful owner of a lake would choose; `ts` is of the type `{TS}`.
pub const COLUMNS: &str = "ts {TS}, request_id text, service text, model text, provider text, latency_ms double precision, \
    input_tokens integer, output_tokens bigint, cost_usd double precision, quality real, outcome text, complexity text, weight numeric(14, 4), \
    cache_hit boolean, status_code smallint, config_version text";

/// So many of them for the table `requests` with the columns of [`COLUMNS`], the same each time.
pub fn messy_rows(count: usize) -> String {
    let mut sql = String::from("INSERT INTO requests VALUES ");
    for i in 0..count {
        // Some ids come twice, the second time with more known.
        let id = if i % 97 == 96 { i - 1 } else { i };
        let value = |bad: usize, broken: &str, good: String| if i % 211 == bad { broken.to_owned() } else { good };
        let failed = i % 13 == 0;
        let row = [
            format!("'2026-03-01 {:02}:{:02}:{:02}.{:06}Z'", 9 + i % 4, i * 7 % 60, i * 13 % 60, i * 7919 % 1_000_000),
            value(1, "''", format!("'r{id}'")),
            value(2, "NULL", format!("'{}service {} '", if i % 5 == 0 { " " } else { "" }, i % 7)),
            value(
                3,
                "''",
                value(
                    13,
                    "repeat('m', 257)",
                    format!("'{}'", ["gpt-4o", "gpt-4o-mini", "claude-3-haiku", "o3", "unheard-of"][i % 5]),
                ),
            ),
            value(14, "repeat('p', 300)", format!("'{}'", ["OpenAI", "azure", "anthropic", ""][i % 4])),
            value(
                4,
                "-1",
                value(
                    5,
                    "'NaN'",
                    if failed { "0".into() } else { format!("{}", 100.0 + (i * 31 % 9_000) as f64 / 7.0) },
                ),
            ),
            value(6, "-5", format!("{}", i % 900)),
            value(7, "NULL", format!("{}", i % 300)),
            value(8, "'NaN'", value(9, "-1", if i % 3 == 0 { "NULL".into() } else { format!("{}", i as f64 / 1e6) })),
            value(10, "7", if i % 2 == 0 { "NULL".into() } else { format!("{}", (i % 11) as f64 / 10.0) }),
            value(
                11,
                "'fine'",
                format!("'{}'", if failed { ["error", "timeout", "cancelled"][i % 3] } else { "Success" }),
            ),
            value(12, "'odd'", ["'simple'", "'Complex'", "NULL"][i % 3].to_owned()),
            if i % 10 == 0 { "1000000".into() } else { ["1", "2.5", "NULL"][i % 3].to_owned() },
            if i % 17 == 0 { "true".into() } else { "NULL".to_owned() },
            if failed { "429".to_owned() } else { "200".to_owned() },
            format!("'v{}'", i % 2),
        ];
        sql += &format!("{}({})", if i > 0 { "," } else { "" }, row.join(","));
    }
    sql
}
