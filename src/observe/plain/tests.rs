//! What is judged and folded as it is read comes to what the SQL makes of all rows, whatever stands in them.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::{
    decide::policy::{Source, parse},
    domain::{ModelTable, policy::Model},
    observe::{
        Downloads, Engine, LayoutChoice, LoadRequest, Request,
        fold::{Cell, CellKey, Minute, Slots},
        reduce::{loaded, reduced},
        resolve,
        totals::{StoredTotals, Totals},
    },
};

/// Columns of a file, their types, and values of each, the first a good one.
const COLUMNS: &[(&str, &str, &[&str])] = &[
    (
        "ts",
        "TIMESTAMP",
        &["'2026-01-01 11:30:00'", "NULL", "'2026-01-01 10:30:00.5'", "'2025-12-20'", "'2027-01-01'", "'-infinity'"],
    ),
    ("request_id", "VARCHAR", &["'r' || i", "NULL", "' '", "' r' || i || ' '", "repeat('é', 128)", "repeat('r', 129)"]),
    ("service", "VARCHAR", &["'s' || i % 3", "NULL", "''", "' s0'", "'sé'", "repeat('s', 129)", "repeat('é', 128)"]),
    ("provider", "VARCHAR", &["'openai'", "NULL", "'OpenAI '", "'AZURE'", "'ÉCOLE'", "'gemini'", "repeat('p', 257)"]),
    ("model", "VARCHAR", &["'a model of a long name ' || i % 2", "NULL", "'priced'", "' '", "repeat('m', 257)"]),
    ("endpoint", "VARCHAR", &["NULL", "'chat'", "repeat('é', 200)", "repeat('e', 257)"]),
    ("config_version", "VARCHAR", &["'v1'", "NULL", "'v1 '", "repeat('v', 257)"]),
    ("variant", "VARCHAR", &["NULL", "'b'", "'é'"]),
    ("complexity", "VARCHAR", &["NULL", "'simple'", "'Simple'", "'hard'"]),
    (
        "outcome",
        "VARCHAR",
        &["'success'", "'ERROR'", "'timeout'", "'cancelled'", "NULL", "' success'", "'maybe'", "''"],
    ),
    ("error_type", "VARCHAR", &["NULL", "'read timeout'", "'RateLimit'", "''"]),
    ("status_code", "DOUBLE", &["NULL", "200", "404", "408", "429", "499", "500", "504", "999", "'NaN'", "99.5"]),
    ("cache_hit", "BOOLEAN", &["NULL", "false", "true"]),
    ("latency_ms", "DOUBLE", &["1234.5", "NULL", "0", "-1", "-0.0", "604800000", "604800001", "'NaN'", "'Infinity'"]),
    ("ttft_ms", "DOUBLE", &["NULL", "0", "0.25", "-1", "2000", "'NaN'"]),
    ("input_tokens", "DOUBLE", &["7", "NULL", "7.5", "-1", "1e9", "2e9", "'NaN'", "'-Infinity'"]),
    ("cached_input_tokens", "DOUBLE", &["NULL", "3", "8", "2.5", "-1", "'NaN'"]),
    ("cache_write_tokens", "DOUBLE", &["NULL", "4", "5", "-1", "'NaN'"]),
    ("output_tokens", "BIGINT", &["9", "NULL", "0", "-1", "2000000000"]),
    ("cost_usd", "DOUBLE", &["0.01", "NULL", "0", "-0.01", "999999.5", "2e6", "'NaN'"]),
    ("quality", "FLOAT", &["0.5", "NULL", "1", "1.01", "-0.01", "'NaN'"]),
    ("retry_count", "INTEGER", &["NULL", "1", "-1"]),
    ("weight", "DECIMAL(12,4)", &["NULL", "2", "0.0005", "1000000", "2000000"]),
];

/// Good rows beside those, so that the source can be used at all.
const GOOD: usize = 60_000;

/// Writes rows that differ from a good one in two columns at most, in every way there is, among good ones; every 500th of these is
/// told twice, once with more in it.
fn write(engine: &Engine, file: &str) {
    let row = |i: &str, changes: &[(usize, &str)]| {
        let values = COLUMNS.iter().enumerate().map(|(place, (name, kind, values))| {
            let value = changes.iter().find(|(changed, _)| *changed == place).map_or(values[0], |(_, value)| value);
            format!("CAST({value} AS {kind}) AS {name}")
        });
        format!("SELECT {} FROM (SELECT {i} AS i)", values.collect::<Vec<_>>().join(", "))
    };
    engine.connection().execute_batch("SET preserve_insertion_order = true").unwrap();
    let good = row("range", &[]).replace("FROM (SELECT range AS i)", "FROM (SELECT range AS i FROM good)");
    let cut = |rows: Vec<String>| rows.join(" UNION ALL ");
    engine
        .connection()
        .execute_batch(&format!(
            "CREATE TEMP TABLE good AS FROM range({GOOD}); CREATE TEMP TABLE messy AS {good}; INSERT INTO messy \
             SELECT * REPLACE ('simple' AS complexity) FROM messy WHERE CAST(request_id[2:] AS INTEGER) % 500 = 0"
        ))
        .unwrap();
    let (mut rows, mut number) = (Vec::new(), GOOD);
    for (first, (_, _, values)) in COLUMNS.iter().enumerate() {
        for value in *values {
            for (second, (_, _, others)) in COLUMNS.iter().enumerate().skip(first + 1) {
                for other in &others[1..] {
                    number += 1;
                    rows.push(row(&number.to_string(), &[(first, value), (second, other)]));
                }
            }
        }
        for rows in rows.chunks(100) {
            engine.connection().execute_batch(&format!("INSERT INTO messy {}", cut(rows.to_vec()))).unwrap();
        }
        rows.clear();
    }
    engine
        .connection()
        .execute_batch(&format!("COPY messy TO '{file}' (FORMAT parquet, ROW_GROUP_SIZE 4096)"))
        .unwrap();
}

/// What a cell holds, in a form that can be compared.
type Held = (StoredTotals, BTreeMap<i64, Minute>);

fn held(cells: Vec<Cell>) -> BTreeMap<CellKey, Held> {
    let mut all: BTreeMap<CellKey, (Totals, BTreeMap<i64, Minute>)> = BTreeMap::new();
    for cell in cells {
        let (totals, minutes) = all.entry(cell.key.clone()).or_default();
        totals.absorb(&cell.counts, &cell.histograms);
        for minute in &cell.minutes {
            let sum = minutes.entry(minute.at).or_insert(Minute { at: minute.at, ..Minute::default() });
            for place in 0..3 {
                sum.totals[place] += minute.totals[place];
                sum.weights[place] += minute.weights[place];
            }
        }
    }
    all.into_iter().map(|(key, (totals, minutes))| (key, (totals.stored(), minutes))).collect()
}

#[test]
fn what_is_folded_early_is_what_the_sql_makes_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messy.parquet").to_string_lossy().into_owned();
    write(&Engine::open(None).unwrap(), &file);
    let groups = resolve(&[file], &Downloads::default()).unwrap();
    let model = Model {
        provider: "openai".into(),
        model: "priced".into(),
        input_usd_per_token: Some(1e-6),
        output_usd_per_token: Some(2e-6),
        ..Model::default()
    };
    let prices = ModelTable::new(vec![model]);
    let policy = parse(Source::profile("balanced").unwrap(), &|_| unreachable!()).unwrap();
    let (layouts, rejects) = (LayoutChoice::default(), folder.path().join("rejects.csv"));
    let observed = |early: bool, until: Option<&str>| {
        let engine = Engine::open(None).unwrap();
        let load = LoadRequest {
            groups: &groups,
            layouts: &layouts,
            scores: &[],
            policy: &policy,
            default_service: None,
            pushdown: None,
            kept: None,
            now: "2026-01-01T12:00:00Z".parse().unwrap(),
        };
        let _ = std::fs::remove_file(&rejects);
        let request = Request {
            load,
            window: SignedDuration::from_hours(1),
            lookback: SignedDuration::from_hours(24),
            until: until.map(|until| until.parse().unwrap()),
            prices: &prices,
            // Whoever wants to see rejects has all rows judged by the SQL.
            rejects: if early { None } else { Some(&rejects) },
        };
        let slots = |windows: &crate::domain::plan::Windows| Slots::Windows {
            window_start_us: windows.window.start().as_microsecond(),
            before_start_us: windows.before.start().as_microsecond(),
        };
        let (mut census, windows) = loaded(&engine, &request, &slots).unwrap();
        let plain = census.plain.take();
        assert_eq!(plain.is_some(), early, "early or not");
        if let Some(plain) = &plain {
            assert!(plain.tally().good > GOOD as u64 && plain.some_left());
        }
        let all =
            reduced(&engine, &request, &census, plain, slots(&windows), &|_| (), |cells| Ok(held(cells))).unwrap();
        (windows, census.requests, all.used, all.duplicates, all.made)
    };
    for until in [None, Some("2026-01-01T11:45:00Z")] {
        let (early, late) = (observed(true, until), observed(false, until));
        assert_eq!(early.0, late.0, "the windows");
        assert_eq!(early.1, late.1, "the rows");
        assert_eq!((early.2, early.3), (late.2, late.3), "rows used and left out");
        assert!(early.3 >= (GOOD / 500) as u64, "some were told twice");
        for key in early.4.keys().chain(late.4.keys()) {
            assert_eq!(early.4.get(key), late.4.get(key), "{key:?}");
        }
        assert!(late.1.rejected.len() > 25, "nearly every rule is broken: {:?}", late.1.rejected);
    }
}
