//! The text on DuckDB says what the fold says of the same rows: plain ones reduced by the statements and the others folded here are
//! together all of them, to the last count.

use std::collections::BTreeMap;

use duckdb::arrow::datatypes::Schema;
use jiff::{Timestamp, civil::date};

use super::*;
use crate::observe::lake::kind::refusal;
use crate::{
    domain::{
        policy::Model,
        price::{DailyHours, LongInput, Rates},
    },
    observe::{
        Engine,
        engine::Value,
        fold::{Cell, CellKey, Counts, Settings, fold},
        layout::built_in,
        tables::describe,
        typed,
    },
};

mod hostile;

/// What a cell comes to: counts, bins by metric, and totals and weights by minute.
#[derive(Debug, Clone, Default, PartialEq)]
struct Sums {
    counts: Counts,
    bins: BTreeMap<(usize, i16), (u64, i64, i128)>,
    minutes: BTreeMap<i64, ([i128; 3], [i64; 3])>,
}

type Cells = BTreeMap<CellKey, Sums>;

impl Sums {
    fn bin(&mut self, metric: usize, bin: i16, (rows, weight, total): (u64, i64, i128)) {
        let sum = self.bins.entry((metric, bin)).or_default();
        *sum = (sum.0 + rows, sum.1 + weight, sum.2 + total);
    }

    fn minute(&mut self, at: i64, totals: [i128; 3], weights: [i64; 3]) {
        let minute = self.minutes.entry(at).or_default();
        for metric in 0..3 {
            minute.0[metric] += totals[metric];
            minute.1[metric] += weights[metric];
        }
    }

    fn absorb(&mut self, cell: &Cell) {
        self.counts.absorb(&cell.counts);
        for (metric, histogram) in cell.histograms.iter().enumerate() {
            for (bin, rows, weight, total) in histogram.bins() {
                self.bin(metric, bin, (rows.into(), weight, total));
            }
        }
        for minute in &cell.minutes {
            self.minute(minute.at, minute.totals, minute.weights);
        }
    }
}

/// A table `given` of canonical columns, and what is asked of it.
struct Case<'a> {
    engine: Engine,
    columns: BTreeMap<String, Kind>,
    prices: &'a ModelTable,
    slots: Slots,
    default_service: Option<&'a str>,
    repeated: Vec<i64>,
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOW: &str = "2026-01-02T12:00:00Z";

impl<'a> Case<'a> {
    /// `given` is a SELECT of canonical columns.
    fn new(given: &str, prices: &'a ModelTable, slots: Slots, default_service: Option<&'a str>) -> Self {
        let engine = Engine::open(None).unwrap();
        engine.run("preparing", include_str!("../../../../queries/macros.sql")).unwrap();
        engine.connection().execute_batch(&format!("CREATE TEMP TABLE given AS {given}")).unwrap();
        let columns = kinds(&engine, "FROM given");
        assert_eq!(refusal(&columns), None);
        Self { engine, columns, prices, slots, default_service, repeated: Vec::new() }
    }

    fn range() -> Range {
        Range { start: time("1950-01-01T00:00:00Z"), end: time("2026-02-01T00:00:00Z") }
    }

    fn question(&self, dialect: Dialect) -> Question<'_> {
        Question {
            dialect,
            relation: "given",
            columns: &self.columns,
            range: Self::range(),
            slots: self.slots,
            future_us: time(NOW).as_microsecond(),
            default_service: self.default_service,
            prices: self.prices,
            repeated: &self.repeated,
            kept: &[],
        }
    }

    fn one<T: duckdb::types::FromSql>(&self, sql: &str) -> T {
        self.engine.connection().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Judges a relation as files are judged, and folds its good rows. Rejects by reason beside it.
    fn folded(&self, relation: &str) -> (Cells, BTreeMap<String, u64>) {
        let engine = &self.engine;
        let canonical = built_in("canonical").unwrap();
        let names = canonical.reads.as_ref().unwrap().iter().map(|name| {
            let known = self.columns.contains_key(name);
            if known { name.clone() } else { format!("NULL::VARCHAR AS {name}") }
        });
        let mapping = format!(
            "WITH mapped AS (SELECT NULL::VARCHAR AS origin, NULL::VARCHAR AS malformed, NULL::VARCHAR AS source_row, {} FROM ({relation}))",
            names.collect::<Vec<_>>().join(", ")
        );
        let mapped = describe(engine, &format!("DESCRIBE {mapping} FROM mapped")).unwrap();
        let typed = typed::requests(0, &mapped, canonical, self.default_service.is_some());
        engine.set("default_service", &self.default_service.map_or(Value::Null, Value::Text)).unwrap();
        for (name, value) in [
            ("future_limit_us", time(NOW).as_microsecond()),
            ("lookback_start_us", Self::range().start.as_microsecond()),
            ("window_end_us", Self::range().end.as_microsecond()),
        ] {
            engine.set(name, &Value::Integer(value)).unwrap();
        }
        engine.set("all_good", &Value::Flag(false)).unwrap();
        let judge = include_str!("../../../../queries/judge.sql");
        let sql =
            format!("CREATE OR REPLACE TEMP VIEW rows AS {mapping}, typed AS ({typed}) SELECT * FROM (\n{judge}\n)");
        engine.connection().execute_batch(&sql).unwrap();
        engine.run("preparing", include_str!("../../../../queries/unique_rows.sql")).unwrap();
        let settings = Settings { prices: self.prices, slots: self.slots, identities: None };
        let mut cells = Cells::new();
        for cell in fold(engine, &settings, &|| (), Ok).unwrap() {
            cells.entry(cell.key.clone()).or_default().absorb(&cell);
        }
        let rejects = "SELECT reject, count(*) FROM rows WHERE reject IS NOT NULL \
                       AND ts_us >= getvariable('lookback_start_us') AND ts_us < getvariable('window_end_us') GROUP BY 1";
        let mut statement = engine.connection().prepare(rejects).unwrap();
        let rejects = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        (cells, rejects.collect::<duckdb::Result<_>>().unwrap())
    }

    /// Plain rows as the statements reduce them, and how many there are.
    fn reduced(&self) -> (Cells, u64) {
        let (mut cells, mut keys, mut rows) = (Cells::new(), BTreeMap::<i64, CellKey>::new(), 0);
        let question = self.question(Dialect::DuckDb);
        let mut statement = self.engine.connection().prepare(&question.minutes()).unwrap();
        let mut found = statement.query([]).unwrap();
        let mut said = BTreeMap::<(i64, usize), u64>::new();
        while let Some(row) = found.next().unwrap() {
            let text = |name| row.get::<_, Option<String>>(name).unwrap();
            let count = |name| i128::from(row.get::<_, i64>(name).unwrap());
            let key = CellKey {
                service: text("service").unwrap(),
                complexity: text("complexity"),
                provider: text("provider"),
                model: text("model").unwrap(),
                config_version: text("config_version"),
                variant: text("variant"),
                span: row.get::<_, i32>("span").unwrap().unsigned_abs(),
            };
            let cell = row.get("cell").unwrap();
            assert_eq!(keys.entry(cell).or_insert(key.clone()), &key, "a hash stands for one cell");
            let sums = cells.entry(key).or_default();
            let n = row.get::<_, i64>("n").unwrap().unsigned_abs();
            rows += n;
            let [succeeded, provider_errors, caller_errors] =
                ["succeeded", "provider_errors", "caller_errors"].map(count);
            sums.counts.absorb(&Counts {
                rows: n,
                weight: count("weight"),
                weight_squared: decimal(row, "weight_squared"),
                served: succeeded + provider_errors + caller_errors,
                succeeded,
                provider_errors,
                caller_errors,
                unpriced: count("unpriced"),
                unseen: 0,
                timeouts: count("timeouts"),
                retried: count("retried"),
            });
            let totals = ["latency", "cost", "quality"].map(|name| decimal(row, name));
            let weights = ["latency_weight", "cost_weight", "quality_weight"].map(|name| row.get(name).unwrap());
            sums.minute(row.get("minute").unwrap(), totals, weights);
            let values = ["rows_latency", "rows_ttft", "rows_input", "rows_output", "rows_cost", "rows_quality"];
            for (metric, name) in values.into_iter().enumerate() {
                *said.entry((cell, metric)).or_default() += row.get::<_, i64>(name).unwrap().unsigned_abs();
            }
        }
        let mut statement = self.engine.connection().prepare(&question.bins()).unwrap();
        let mut found = statement.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let (cell, metric): (i64, i32) = (row.get("cell").unwrap(), row.get("metric").unwrap());
            let metric = usize::try_from(metric).unwrap();
            let (bin, n): (i32, i64) = (row.get("bin").unwrap(), row.get("n").unwrap());
            *said.get_mut(&(cell, metric)).unwrap() -= n.unsigned_abs();
            let sums = cells.get_mut(&keys[&cell]).unwrap();
            // The fold keeps no total of zeros.
            let sum = (n.unsigned_abs(), row.get("weight").unwrap(), decimal(row, "total"));
            sums.bin(metric, i16::try_from(bin).unwrap(), sum);
        }
        assert!(said.values().all(|rows| *rows == 0), "bins hold as many values as minutes");
        (cells, rows)
    }

    /// Holds both ways to each other, and gives how many rows there are, are plain, and are rejects.
    fn holds(&self) -> (u64, u64, u64) {
        let (whole, rejects) = self.folded("FROM given");
        let (mut cells, plain) = self.reduced();
        let question = self.question(Dialect::DuckDb);
        let (odd, odd_rejects) = self.folded(&question.rows());
        for (key, sums) in odd {
            let into = cells.entry(key).or_default();
            into.counts.absorb(&sums.counts);
            sums.bins.iter().for_each(|((metric, bin), sum)| into.bin(*metric, *bin, *sum));
            sums.minutes.iter().for_each(|(at, (totals, weights))| into.minute(*at, *totals, *weights));
        }
        for key in cells.keys().chain(whole.keys()) {
            assert_eq!(cells.get(key), whole.get(key), "{key:?}");
        }
        assert_eq!(odd_rejects, rejects, "all rejects are judged here");
        let all: i64 = self.one(&question.count());
        let odd: i64 = self.one(&format!("SELECT count(*) FROM ({})", question.rows()));
        assert_eq!(plain + odd.unsigned_abs(), all.unsigned_abs(), "no row is in both or in neither");
        assert_eq!(self.one::<i64>(&format!("SELECT count(*) FROM ({})", question.all_rows())), all);
        (all.unsigned_abs(), plain, rejects.values().sum())
    }
}

fn decimal(row: &duckdb::Row<'_>, name: &str) -> i128 {
    match row.get_ref(name).unwrap() {
        duckdb::types::ValueRef::Decimal(value) => value.to_string().parse().unwrap(),
        other => panic!("{name} is {other:?}"),
    }
}

/// The columns of a relation, as a batch of it says.
fn kinds(engine: &Engine, relation: &str) -> BTreeMap<String, Kind> {
    let mut statement = engine.connection().prepare(&format!("SELECT * FROM ({relation}) LIMIT 0")).unwrap();
    let schema: std::sync::Arc<Schema> = statement.query_arrow([]).unwrap().get_schema();
    schema.fields().iter().map(|field| (field.name().clone(), Kind::of(field.data_type()))).collect()
}

fn windows() -> Slots {
    let window_start_us = time("2026-01-02T11:45:00.000001Z").as_microsecond();
    Slots::Windows { window_start_us, before_start_us: window_start_us - 900_000_000 }
}

/// A model of several prices: by length of the input, by date and by hour.
fn prices() -> ModelTable {
    let model = |provider: &str, model: &str, input: f64| Model {
        provider: provider.into(),
        model: model.into(),
        tier: None,
        input_usd_per_token: Some(input),
        output_usd_per_token: Some(1e-5),
        cached_input_usd_per_token: Some(input / 10.0),
        cache_write_usd_per_token: None,
        long_input: Vec::new(),
        valid_from: None,
        daily_utc: None,
        context_window: None,
        region: None,
        profile: None,
    };
    let rates = Rates { input: Some(6e-6), output: None, cached_input: None, cache_write: Some(7e-6) };
    let long_input = vec![LongInput { above_tokens: 500, rates }];
    ModelTable::new(vec![
        model("openai", "gpt-4o", 2.5e-6),
        Model { valid_from: Some(date(2026, 1, 2)), ..model("openai", "gpt-4o", 3.1e-6) },
        Model { daily_utc: DailyHours::new(1_430, 690), ..model("openai", "gpt-4o", 1.7e-6) },
        Model { long_input, ..model("azure.ai.openai", "it's \\ a model", 1e-7) },
        // Its costs are more than 64 bits hold.
        model("anthropic", "claude", 1e9),
    ])
}

#[test]
fn hostile_rows_come_to_what_the_fold_says() {
    let table = prices();
    let none = ModelTable::new(Vec::new());
    let every = Slots::Every { minutes: 7, first: 29_455_000 };
    for (what, given, prices, slots, service) in [
        ("doubles, prices", hostile::rows(&[]), &table, windows(), None),
        ("weights", hostile::rows(hostile::WEIGHTS), &table, windows(), None),
        ("a default service, no prices, slots", hostile::rows(&[]), &none, every, Some("it's \\ mine")),
        ("decimals", hostile::rows(hostile::DECIMALS), &table, windows(), None),
        ("whole numbers", hostile::rows(hostile::WHOLE), &table, every, None),
    ] {
        let case = Case::new(&given, prices, slots, service);
        let (all, plain, rejects) = case.holds();
        println!("{what}: {all} rows, {plain} plain, {rejects} rejects");
        assert!(plain > 2_000 && all - plain > 1_000 && rejects > 500, "{what}: {all}, {plain}, {rejects}");
    }
}

#[test]
fn few_columns_are_enough() {
    let none = ModelTable::new(Vec::new());
    let given = "SELECT TIMESTAMP '2026-01-02 11:59:59' - to_seconds(i) AS ts, 'r' || i AS request_id, 's' AS service, 'm' AS model, \
                 i::DOUBLE AS latency_ms, 'success' AS outcome FROM range(2000) AS t(i)";
    let case = Case::new(given, &none, windows(), None);
    assert_eq!(case.holds(), (2_000, 2_000, 0));
    let newest = time("2026-01-02T11:59:59Z").as_microsecond();
    assert_eq!(case.one::<i64>(&case.question(Dialect::DuckDb).newest()), newest);
}

#[test]
fn ids_that_repeat_are_left_to_us() {
    let none = ModelTable::new(Vec::new());
    let given = "SELECT TIMESTAMP '2026-01-02 11:59:00' AS ts, unnest(['a', ' a', 'b', 'c', 'c\u{a0}', '', '']) AS request_id, \
                 's' AS service, 'm' AS model, 1.5 AS latency_ms, 'success' AS outcome";
    let mut case = Case::new(given, &none, windows(), None);
    let mut statement = case.engine.connection().prepare(&case.question(Dialect::DuckDb).repeated()).unwrap();
    let hashes = statement.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    let repeated = hashes.collect::<duckdb::Result<Vec<_>>>().unwrap();
    drop(statement);
    assert_eq!(repeated.len(), 2, "a and c; empty ids are rejects, each by itself");
    case.repeated = repeated;
    assert_eq!(case.holds(), (7, 1, 2));
    let rows = case.question(Dialect::DuckDb).rows();
    let ids: String = case.one(&format!("SELECT string_agg(request_id, ',' ORDER BY request_id) FROM ({rows})"));
    assert_eq!(ids, ",, a,a,c,c\u{a0}");
}

#[test]
fn nothing_is_left_to_fill_in() {
    let table = prices();
    let case = Case::new(&hostile::rows(&[]), &table, windows(), Some("x"));
    for dialect in [Dialect::Spark, Dialect::DuckDb] {
        let question = Question { repeated: &[1, -2], ..case.question(dialect) };
        for sql in [question.minutes(), question.bins(), question.rows(), question.repeated()] {
            assert!(!sql.contains("{{") && !sql.contains("}}") && !sql.contains("--"), "{sql}");
        }
        assert!(question.minutes().contains("NOT IN (1, -2)"));
    }
}
