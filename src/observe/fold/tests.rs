//! The fold and the three `rollup_*.sql` are two ways of saying the same: whoever pushes the reduction down into another
//! database gets the same cells.

use std::{collections::BTreeMap, fmt::Write as _};

use super::*;
use crate::domain::policy::Model;

/// Rows of every kind: weights, missing values, zeros, cached answers, failures, three spans, and a cost beyond 64 bits.
fn engine() -> Engine {
    let engine = Engine::open(None).unwrap();
    let mut rows = String::new();
    for i in 0..3_000_i64 {
        let optional = |present: bool, value: String| if present { value } else { "NULL".to_owned() };
        let outcome = ["success", "success", "success", "error", "success"][(i % 5) as usize];
        let outcome = if i % 20 == 8 { "timeout" } else { outcome };
        let fault = if outcome == "success" { "none" } else { ["provider", "caller"][(i % 2) as usize] };
        let _ = write!(
            rows,
            "{}({}, 'id {i}', 's{}', {}, {}, 'm{}', {}, {}, '{outcome}', '{fault}', {}, {}, {}, {}, {}, {}, NULL, {}, {}, {})",
            if i == 0 { "" } else { ", " },
            i * 7_000_000,
            i % 3,
            optional(i % 4 > 0, "'simple'".into()),
            optional(i % 7 > 0, "'openai'".into()),
            i % 2,
            optional(i % 11 > 0, format!("'v{}'", i % 13 / 7)),
            optional(i % 19 > 2, format!("'arm {}'", i % 23 / 12)),
            i % 17 == 0,
            if i % 6 == 0 { 1_000 + i } else { 1_000 },
            optional(outcome == "success", format!("{}", (i * i % 4_001) as f64 / 7.0)),
            optional(i % 3 == 0, format!("{}", i % 50)),
            optional(i % 9 > 0 && i % 17 > 0, format!("{}", i % 1_009)),
            optional(i % 9 > 5 && i % 17 > 0, format!("{}", i % 1_009 / 3)),
            optional(i % 8 > 0 && i % 17 > 0, format!("{}", i % 101)),
            optional(i % 10 > 0, if i < 40 { "1e6".into() } else { format!("{}", i as f64 / 1e5) }),
            optional(i % 3 > 0, format!("{}", (i % 100) as f64 / 99.0)),
        );
    }
    let numbers: Vec<String> = [
        "latency_ms",
        "ttft_ms",
        "input_tokens",
        "cached_input_tokens",
        "cache_write_tokens",
        "output_tokens",
        "cost_usd",
        "quality",
    ]
    .map(|name| format!("CAST({name} AS DOUBLE) AS {name}"))
    .into();
    let numbers = numbers.join(", ");
    let setup = format!(
        "CREATE TEMP TABLE unique_rows AS SELECT 0 AS source, ts_us::BIGINT // 7000000 % 7 = 3 AS retried, * REPLACE (ts_us::BIGINT AS ts_us, weight_milli::BIGINT AS weight_milli, {numbers}) FROM (VALUES {rows}) AS t(ts_us, request_id, service, complexity, provider, model, config_version, variant, \
         outcome, fault, cache_hit, weight_milli, latency_ms, ttft_ms, input_tokens, cached_input_tokens, cache_write_tokens, \
         output_tokens, cost_usd, quality);
         UPDATE unique_rows SET weight_milli = 1000000000 WHERE ts_us < 280000000;
         CREATE TEMP TABLE prices AS FROM (VALUES ('openai', 'm0', 1e-6, 2e-6, 3e-7, NULL::DOUBLE), ('', 'm0', 1e-6, 2e-6, 3e-7, NULL)) \
         AS t(provider, model, input, output, cached_input, cache_write);
         SET VARIABLE before_start_us = 7000000000; SET VARIABLE window_start_us = 14000000000;"
    );
    engine.run("preparing", &setup).unwrap();
    engine.run("preparing", include_str!("../../../queries/events.sql")).unwrap();
    engine
}

/// Every row of a query, by its cell and whole-number key columns, its numbers as they come.
fn rows(engine: &Engine, sql: &str, keys: usize, numbers: usize) -> BTreeMap<(u64, Vec<i64>), Vec<f64>> {
    let mut statement = engine.connection().prepare(sql).unwrap();
    let mut found = statement.query([]).unwrap();
    let mut rows = BTreeMap::new();
    while let Some(row) = found.next().unwrap() {
        let key = (row.get(0).unwrap(), (1..=keys).map(|place| row.get(place).unwrap()).collect());
        let values = (keys + 1..=keys + numbers).map(|place| row.get(place).unwrap()).collect();
        assert!(rows.insert(key, values).is_none(), "a key comes once");
    }
    rows
}

/// The hash by which the queries know each cell.
fn hashes(engine: &Engine) -> BTreeMap<CellKey, u64> {
    let mut statement = engine.connection().prepare(include_str!("../../../queries/rollup_cells.sql")).unwrap();
    let cells = statement.query_map([], |row| {
        let key = CellKey {
            service: row.get(1)?,
            complexity: row.get(2)?,
            provider: row.get(3)?,
            model: row.get(4)?,
            config_version: row.get(5)?,
            variant: row.get(6)?,
            span: row.get(7)?,
        };
        Ok((key, row.get(0)?))
    });
    cells.unwrap().collect::<duckdb::Result<_>>().unwrap()
}

/// Fails with the first difference alone: all of them fill screens.
fn same(fold: &BTreeMap<(u64, Vec<i64>), Vec<f64>>, queries: &BTreeMap<(u64, Vec<i64>), Vec<f64>>) {
    for key in fold.keys().chain(queries.keys()) {
        assert_eq!(fold.get(key), queries.get(key), "{key:?}");
    }
}

#[test]
fn the_fold_says_what_the_queries_say() {
    let engine = engine();
    let model = Model {
        provider: "openai".into(),
        model: "m0".into(),
        tier: None,
        input_usd_per_token: Some(1e-6),
        output_usd_per_token: Some(2e-6),
        cached_input_usd_per_token: Some(3e-7),
        cache_write_usd_per_token: None,
        long_input: Vec::new(),
        valid_from: None,
        daily_utc: None,
        context_window: None,
        region: None,
        profile: None,
    };
    let prices = ModelTable::new(vec![model]);
    let identities = Identities::new(3_000);
    let settings = Settings {
        prices: &prices,
        slots: Slots::Windows { window_start_us: 14_000_000_000, before_start_us: 7_000_000_000 },
        identities: Some(&identities),
    };
    let cells = fold(&engine, &settings, &|| (), Ok).unwrap();
    assert_eq!(identities.suspects(), [0_u64; 0], "every identity comes once");
    let hashes = hashes(&engine);

    let sql = format!(
        "SELECT cell, span, COLUMNS(* EXCLUDE (cell, span, service, complexity, provider, model, config_version, variant)) \
                       FROM ({})",
        include_str!("../../../queries/rollup_cells.sql")
    );
    let counts = cells.iter().map(|cell| {
        let Counts {
            rows,
            weight,
            weight_squared,
            served,
            succeeded,
            provider_errors,
            caller_errors,
            unpriced,
            unseen,
            timeouts,
            retried,
        } = cell.counts;
        let weights = [served, succeeded, provider_errors, caller_errors, unpriced, unseen, timeouts, retried]
            .map(|sum| sum as f64 / 1e3);
        let first = [rows as f64, weight as f64 / 1e3, weight_squared as f64 / 1e6];
        ((hashes[&cell.key], vec![i64::from(cell.key.span)]), [&first[..], &weights].concat())
    });
    same(&counts.collect(), &rows(&engine, &sql, 1, 11));

    let bins = cells.iter().flat_map(|cell| {
        let hash = hashes[&cell.key];
        (0_i64..).zip(&cell.histograms).flat_map(move |(metric, histogram)| {
            histogram.bins().into_iter().map(move |(bin, rows, weight, total)| {
                ((hash, vec![metric, i64::from(bin)]), vec![f64::from(rows), weight as f64, total as f64])
            })
        })
    });
    same(&bins.collect(), &rows(&engine, include_str!("../../../queries/rollup_bins.sql"), 2, 3));

    let minutes = cells.iter().flat_map(|cell| {
        let hash = hashes[&cell.key];
        cell.minutes.iter().map(move |Minute { at, totals, weights }| {
            let pairs = [1, 2, 0].map(|metric| [totals[metric] as f64, weights[metric] as f64]);
            ((hash, vec![*at]), pairs.concat())
        })
    });
    same(&minutes.collect(), &rows(&engine, include_str!("../../../queries/rollup_minutes.sql"), 1, 6));
    assert!(
        cells.iter().any(|cell| cell.histograms[4].bins().iter().any(|bin| bin.3 > i128::from(i64::MAX))),
        "beyond 64 bits"
    );
    assert!(cells.is_sorted_by(|a, b| a.key < b.key), "and in the order of the keys");
}
