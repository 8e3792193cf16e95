//! Reduces a table inside the database: cells travel instead of rows. The answer is that of streaming the rows, to the last count,
//! because both add up whole numbers; what the database cannot judge exactly is left to streaming. See docs/pushdown.md.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Column as _, SqlSafeStr as _};
use sqlx::{Executor as _, PgConnection, Row as _, Statement as _, TypeInfo as _, postgres::PgRow};

use super::{
    Database, Found, Range, in_time,
    render::{Class, Names, expand, fence, without_comments},
};
use crate::{
    domain::ModelTable,
    observe::{
        census::{PASSED_OVER, Tally, shown},
        engine::{identifier, literal},
        fold::{Cell, CellKey, Counts},
        layout::Layout,
        price::{Offer, offers},
        summed::Summed,
    },
};

/// Layouts whose rendering is held against streaming by tests.
const RENDERED: &[&str] = &["canonical", "litellm", "observatory"];

/// Rows of a slice of time: their values wait in arrays in the database's memory.
const SLICE_ROWS: f64 = 1e6;

/// A price per token above this is a mistake, and could overflow a double.
const ABSURD_PRICE: f64 = 1e3;

/// More repeated ids than this are no list for a statement.
const MOST_REPEATED: usize = 10_000;

/// What the statement needs to know beside the rows.
#[derive(Debug, Clone, Copy)]
pub(in crate::observe) struct Task<'a> {
    pub prices: &'a ModelTable,
    pub default_service: Option<&'a str>,
    /// Microseconds since 1970: later rows are rejects; where the window and the window before start.
    pub future_us: i64,
    pub window_start_us: i64,
    pub before_start_us: i64,
}

/// What came of it.
#[derive(Debug)]
pub(in crate::observe) struct Pushed {
    pub cells: Vec<Cell>,
    pub tally: Tally,
    /// Condition of the rows that were left to streaming.
    pub odd: String,
}

/// A table as the statement reads it.
struct Reading<'a> {
    found: &'a Found,
    layout: &'a Layout,
    reads: &'a [String],
    time: &'a str,
    types: BTreeMap<String, Class>,
}

/// Whether a table may be reduced in place at all.
pub(super) fn is_rendered(found: &Found, layout: &Layout) -> bool {
    RENDERED.contains(&layout.name.as_str()) && found.joined.is_none()
}

/// About how many rows the range has, by the planner.
pub(super) async fn estimate(
    database: &Database,
    connection: &mut PgConnection,
    found: &Found,
    layout: &Layout,
    range: Range,
) -> Result<f64, sqlx::Error> {
    let Some(reading) = Reading::of(found, layout) else { return Ok(0.0) };
    let sql = format!("EXPLAIN SELECT 1 FROM {} WHERE {}", reading.table(), reading.slice(range));
    let plan: String = in_time(database, sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection)).await?;
    let rows = plan.split("rows=").nth(1).and_then(|rest| rest.split(' ').next()).and_then(|rows| rows.parse().ok());
    Ok(rows.unwrap_or(0.0))
}

/// Reduces the range. None when the database cannot do it exactly: then the rows are streamed.
pub(super) async fn push(
    database: &Database,
    connection: &mut PgConnection,
    found: &Found,
    layout: &Layout,
    range: Range,
    task: &Task<'_>,
) -> Result<Option<Pushed>, sqlx::Error> {
    let Some(reading) = Reading::of(found, layout) else { return Ok(None) };
    let encoding = sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut *connection);
    let encoding: String = in_time(database, encoding).await?;
    let Some(identity) = reading.identity().filter(|_| encoding == "UTF8") else { return Ok(None) };
    for setting in ["jit = off", "enable_sort = off", "work_mem = '128MB'", "hash_mem_multiplier = 2"] {
        in_time(database, connection.execute(AssertSqlSafe(format!("SET LOCAL {setting}")))).await?;
    }
    let rows = estimate(database, connection, found, layout, range).await?;
    let repeated = format!(
        "SELECT identity FROM (SELECT {identity} AS identity FROM ({}) AS r) AS i WHERE identity IS NOT NULL GROUP BY identity HAVING count(*) > 1 LIMIT {}",
        reading.raw(range, ""),
        MOST_REPEATED + 1
    );
    let repeated = sqlx::query_scalar::<_, i64>(AssertSqlSafe(repeated)).fetch_all(&mut *connection);
    let repeated: Vec<i64> = in_time(database, repeated).await?;
    if repeated.len() > MOST_REPEATED {
        return Ok(None);
    }
    let odd = reading.odd(&identity, &repeated);
    let Some(mapping) = reading.mapping() else { return Ok(None) };
    let describe =
        format!("WITH raw AS (\n{}\n), mapped AS (\n{mapping}\n) SELECT * FROM mapped", reading.raw(range, ""));
    let described = in_time(database, connection.prepare(AssertSqlSafe(describe).into_sql_str())).await?;
    let mapped = described.columns().iter().map(|column| {
        let missing = layout.name == "canonical" && !reading.types.contains_key(column.name());
        let class = if missing { Class::Absent } else { Class::of(column.type_info().name()) };
        (column.name().to_owned(), class)
    });
    let mapped: BTreeMap<String, Class> = mapped.collect();
    if mapped.get("ts") != Some(&Class::Time) {
        return Ok(None);
    }
    let Some(template) = statement(&mapped, &mapping, task) else { return Ok(None) };
    let slices = (rows / SLICE_ROWS).ceil().clamp(1.0, 10_000.0) as i64;
    let mut cells: BTreeMap<CellKey, Summed> = BTreeMap::new();
    let mut tally = Tally::default();
    for slice in range.slices(slices) {
        let sane = if odd.is_empty() { String::new() } else { format!(" AND ({odd}) IS NOT TRUE") };
        let sql = template.replace("{{RAW}}", &reading.raw(slice, &sane));
        tracing::debug!(sql, "reducing in the database");
        for row in in_time(database, sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut *connection)).await? {
            if take(&row, &mut cells, &mut tally)?.is_none() {
                return Ok(None);
            }
        }
    }
    Ok(Some(Pushed { cells: cells.into_iter().map(|(key, summed)| summed.cell(key)).collect(), tally, odd }))
}

impl<'a> Reading<'a> {
    /// None where the layout cannot be rendered for these columns.
    fn of(found: &'a Found, layout: &'a Layout) -> Option<Self> {
        let (reads, time) = (layout.reads.as_ref()?, layout.time.as_deref()?);
        let types: BTreeMap<String, Class> = found
            .columns
            .iter()
            .filter(|(name, _)| reads.contains(name))
            .map(|(name, kind)| (name.clone(), Class::of(kind)))
            .collect();
        let renderable = types.get(time) == Some(&Class::Time) && !types.values().any(|class| *class == Class::Json);
        renderable.then_some(Self { found, layout, reads, time, types })
    }

    fn table(&self) -> String {
        format!("{}.{}", identifier(&self.found.schema), identifier(&self.found.table))
    }

    fn catalog(&self, column: &str) -> &str {
        self.found.columns.iter().find(|(name, _)| name == column).map_or("", |(_, kind)| kind)
    }

    fn names(&self) -> Names {
        Names { known: self.types.clone(), other: Class::Absent }
    }

    fn slice(&self, range: Range) -> String {
        let zoned = self.catalog(self.time) == "timestamp with time zone";
        let at = |time| {
            let literal = format!("TIMESTAMPTZ '{time}'");
            if zoned { literal } else { format!("CAST({literal} AS timestamp)") }
        };
        let time = identifier(self.time);
        format!("{time} >= {} AND {time} < {}", at(range.start), at(range.end))
    }

    /// The columns that the layout reads, of the rows of a slice and a further condition.
    fn raw(&self, range: Range, condition: &str) -> String {
        let columns = self.reads.iter().map(|name| {
            let column = identifier(name);
            match self.types.get(name) {
                None => format!("NULL::text AS {column}"),
                Some(Class::Time) if self.catalog(name) == "timestamp with time zone" => {
                    format!("{column} AT TIME ZONE 'UTC' AS {column}")
                }
                Some(Class::Text) if self.catalog(name) != "text" => format!("CAST({column} AS text) AS {column}"),
                Some(_) => column,
            }
        });
        format!(
            "    SELECT NULL::text AS origin, NULL::text AS malformed, NULL::text AS source_row, {}\n    FROM {}\n    WHERE {}{condition}",
            columns.collect::<Vec<_>>().join(", "),
            self.table(),
            self.slice(range)
        )
    }

    /// The hash by which repeated requests are looked for.
    fn identity(&self) -> Option<String> {
        let trimmed = expand(&format!("trimmed({})", self.layout.identity.as_ref()?), &self.names())?;
        Some(format!("hashtextextended({trimmed}, 0)"))
    }

    fn mapping(&self) -> Option<String> {
        expand(&fence(&without_comments(self.layout.sql())), &self.names())
    }

    /// Rows that the database cannot judge exactly as we do, or that repeat an id.
    fn odd(&self, identity: &str, repeated: &[i64]) -> String {
        let sql = self.layout.sql();
        let documents =
            |name: &str| sql.contains(&format!("document({name})")) || sql.contains(&format!("document(\"{name}\")"));
        let mut odd = Vec::new();
        for (name, class) in &self.types {
            let column = identifier(name);
            match class {
                Class::Jsonb if documents(name) => odd.push(format!("jsonb_typeof({column}) = 'string'")),
                Class::Time if name != self.time => {
                    odd.push(format!("{column} NOT BETWEEN '1900-01-01' AND '2300-01-01'"));
                }
                Class::Number | Class::Numeric if self.layout.name != "canonical" => {
                    odd.push(format!("({column} <> 0 AND abs({column}) NOT BETWEEN 1e-30 AND 1e30)"));
                }
                _ => {}
            }
        }
        if !repeated.is_empty() {
            let list: Vec<String> = repeated.iter().map(i64::to_string).collect();
            odd.push(format!("{identity} = ANY ('{{{}}}'::bigint[])", list.join(",")));
        }
        odd.join(" OR ")
    }
}

/// The statement for a slice, `{{RAW}}` still to be filled in.
fn statement(mapped: &BTreeMap<String, Class>, mapping: &str, task: &Task<'_>) -> Option<String> {
    let weighted = mapped.get("weight").is_some_and(|class| *class != Class::Absent);
    let prices = prices(task.prices);
    let text = without_comments(include_str!("../../../queries/postgres/rollup.sql"));
    let (kept, dropped) =
        if prices.is_empty() { (" -- unpriced", " -- priced") } else { (" -- priced", " -- unpriced") };
    let lines = text.lines().filter(|line| !(line.ends_with(dropped) || prices.is_empty() && *line == "{{PRICES}}"));
    let text: Vec<&str> = lines.map(|line| line.strip_suffix(kept).unwrap_or(line)).collect();
    let text = text
        .join("\n")
        .replace("{{W}}", if weighted { "weighted_" } else { "" })
        .replace("{{WEIGHTS}}", if weighted { "array_agg(weight_milli)" } else { "CAST(NULL AS bigint[])" })
        .replace("{{SERVICE}}", &task.default_service.map_or_else(|| "NULL".to_owned(), literal))
        .replace("{{FUTURE}}", &task.future_us.to_string())
        .replace("{{WINDOW}}", &task.window_start_us.to_string())
        .replace("{{BEFORE}}", &task.before_start_us.to_string())
        .replace("{{SPACED}}", "false")
        .replace("{{PRICES}}", &prices.join(",\n"));
    let (head, tail) = text.split_once("{{MAPPING}}")?;
    let (typed, rest) = tail.split_once("FROM mapped")?;
    let names = Names { known: mapped.clone(), other: Class::Absent };
    let plain = Names { known: BTreeMap::new(), other: Class::Text };
    Some(format!("{head}{mapping}{}FROM mapped{}", expand(typed, &names)?, expand(rest, &plain)?))
}

/// The price list as rows of which no two hold for one request.
fn prices(table: &ModelTable) -> Vec<String> {
    let mut rows = Vec::new();
    for Offer { provider, model, piece } in offers(table) {
        let number = |value: Option<f64>| {
            let sane = value.filter(|price| *price < ABSURD_PRICE);
            format!(
                "CAST({} AS double precision)",
                sane.map_or_else(|| "NULL".to_owned(), |price| format!("{price:e}"))
            )
        };
        let bound = |tokens: Option<u64>, none: &str| {
            format!(
                "CAST('{}' AS double precision)",
                tokens.map_or_else(|| none.to_owned(), |tokens| tokens.to_string())
            )
        };
        let rates = piece.rates;
        rows.push(format!(
            "({}, {}, {}::bigint, {}::bigint, {}, {}, {}, {}, {}, {}, {}, {})",
            literal(provider),
            literal(model),
            piece.from_us.max(-i64::MAX),
            piece.until_us,
            piece.from_minute,
            piece.until_minute,
            bound(piece.above_tokens, "-1"),
            bound(piece.upto_tokens, "infinity"),
            number(rates.input),
            number(rates.cached_input.or(rates.input)),
            number(rates.cache_write.or(rates.input)),
            number(rates.output)
        ));
    }
    rows
}

/// Adds a row of the answer; None when a sum did not fit.
fn take(row: &PgRow, cells: &mut BTreeMap<CellKey, Summed>, tally: &mut Tally) -> Result<Option<()>, sqlx::Error> {
    let rows = row.try_get::<i64, _>(8)?.unsigned_abs();
    if let Some(reject) = row.try_get::<Option<String>, _>(0)? {
        match reject.strip_prefix(PASSED_OVER) {
            Some(what) => *tally.passed_over.entry(shown(what)).or_default() += rows,
            None => *tally.rejected.entry(shown(&reject)).or_default() += rows,
        }
        return Ok(Some(()));
    }
    tally.good += rows;
    let (oldest, newest) = (row.try_get::<i64, _>(9)?, row.try_get::<i64, _>(10)?);
    tally.span_us = Some(tally.span_us.map_or((oldest, newest), |(from, to)| (from.min(oldest), to.max(newest))));
    let key = CellKey {
        service: row.try_get(1)?,
        complexity: row.try_get(2)?,
        provider: row.try_get(3)?,
        model: row.try_get(4)?,
        config_version: row.try_get(5)?,
        variant: row.try_get(6)?,
        span: row.try_get::<i32, _>(7)?.unsigned_abs(),
    };
    let summed = cells.entry(key).or_default();
    let count = |place: usize| row.try_get::<i64, _>(place).map(i128::from);
    let squared: String = row.try_get(13)?;
    let Ok(weight_squared) = squared.parse() else { return Ok(None) };
    let (succeeded, provider_errors, caller_errors) = (count(14)?, count(15)?, count(16)?);
    summed.counts.absorb(&Counts {
        rows,
        weight: count(12)?,
        weight_squared,
        served: succeeded + provider_errors + caller_errors,
        succeeded,
        provider_errors,
        caller_errors,
        unpriced: count(17)?,
        unseen: 0,
        timeouts: count(49)?,
        retried: count(50)?,
    });
    let list = |place: usize| row.try_get::<Option<Vec<i64>>, _>(place).map(Option::unwrap_or_default);
    let minutes = row.try_get::<Option<Vec<i32>>, _>(18)?.unwrap_or_default();
    for (metric, place) in [19, 21, 23].into_iter().enumerate() {
        for ((minute, total), weight) in minutes.iter().zip(list(place)?).zip(list(place + 1)?) {
            if total == -1 {
                return Ok(None);
            }
            let (totals, weights) = summed.minutes.entry(i64::from(*minute)).or_default();
            totals[metric] += i128::from(total);
            weights[metric] += weight;
        }
    }
    for (metric, histogram) in summed.histograms.iter_mut().enumerate() {
        let place = 25 + 4 * metric;
        let bins = row.try_get::<Option<Vec<i32>>, _>(place)?.unwrap_or_default();
        let (rows, totals) = (list(place + 1)?, list(place + 3)?);
        let weights = row.try_get::<Option<Vec<i64>>, _>(place + 2)?;
        for (at, bin) in bins.into_iter().enumerate() {
            let (Ok(bin), Ok(count)) = (i16::try_from(bin), u32::try_from(rows[at])) else { return Ok(None) };
            if totals[at] == -1 {
                return Ok(None);
            }
            let weight = weights.as_ref().map_or(rows[at] * 1_000, |weights| weights[at]);
            histogram.add_bin(bin, count, weight, i128::from(totals[at]));
        }
    }
    Ok(Some(()))
}
