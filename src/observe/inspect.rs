//! Looks at a source without judging it: what layout it has, what its rows know, and what in them may fool an analysis.

use std::path::Path;

use duckdb::Row;
use jiff::{SignedDuration, Timestamp};

use super::{
    Engine, Format, ObserveError,
    census::{Census, Tally},
    load::{LoadRequest, load},
    reduce, stamp,
};
use crate::domain::{
    Window,
    format::{count, counted, ms, percent, visible},
    inspection::{Fact, Field, Inspection, ModelFound, RowsFound, SCHEMA_VERSION, ServiceFound},
};

const DOING: &str = "inspecting rows";

/// Numbers of a judged row, with the name the canonical layout gives them.
const NUMBERS: &[&str] = &[
    "latency_ms",
    "ttft_ms",
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "output_tokens",
    "cost_usd",
    "quality",
];

/// Texts of a judged row that are few in number.
const NAMES: &[&str] = &["service", "endpoint", "provider", "model", "config_version", "variant", "complexity"];

/// Texts of a judged row that are many.
const IDS: &[&str] = &["trace_id", "span_id", "response_id"];

/// Inspects the sources. `lookback` and `until` bound what is asked of databases; files are read whole.
pub fn inspect(
    engine: &Engine,
    request: &LoadRequest<'_>,
    lookback: SignedDuration,
    until: Option<Timestamp>,
    rejects: Option<&Path>,
) -> Result<Inspection, ObserveError> {
    let end = until.unwrap_or(request.now);
    let range = Window::ending_at(end, lookback)
        .ok_or_else(|| ObserveError::Window { what: "`--lookback` reaches past recorded time".into() })?;
    let census = load(engine, request, range.into(), None, None)?;
    if let Some(path) = rejects {
        reduce::write_rejects(engine, path, request)?;
    }
    let found = inspect_loaded(engine, census);
    if !matches!(found, Err(ObserveError::Interrupted)) {
        stamp::unchanged(request.groups.iter().filter(|group| group.format == Format::Parquet))?;
    }
    found
}

fn inspect_loaded(engine: &Engine, census: Census) -> Result<Inspection, ObserveError> {
    let failed = |cause| ObserveError::engine(DOING, cause);
    let mut requests = rows(&census.requests);
    let repeated = "SELECT count(*) - count(DISTINCT hash(source, request_id)) FROM rows WHERE reject IS NULL";
    let duplicates: i64 = engine.connection().query_row(repeated, [], |row| row.get(0)).map_err(failed)?;
    requests.duplicates = Some(duplicates.unsigned_abs());
    let services: Vec<(ServiceFound, u64)> = all(engine, include_str!("../../queries/inspect/services.sql"), |row| {
        let found = ServiceFound { service: name(row, 0)?, requests: whole(row, 1)?, share: row.get(2)? };
        Ok((found, whole(row, 3)?))
    })?;
    let models: Vec<(ModelFound, u64)> = all(engine, include_str!("../../queries/inspect/models.sql"), |row| {
        let found = ModelFound {
            provider: row.get::<_, Option<String>>(0)?.map(|name| visible(&name)),
            model: name(row, 1)?,
            requests: whole(row, 2)?,
            failed: row.get(3)?,
            latency_p50_ms: row.get(4)?,
            latency_p95_ms: row.get(5)?,
            costed: row.get(6)?,
            scored: row.get(7)?,
        };
        Ok((found, whole(row, 8)?))
    })?;
    Ok(Inspection {
        schema_version: SCHEMA_VERSION,
        tables: census.tables,
        requests,
        scores: census.scores.as_ref().map(rows),
        metrics: census.metrics.as_ref().map(rows),
        fields: fields(engine).map_err(failed)?,
        services_in_all: services.first().map_or(0, |(_, all)| *all),
        services: services.into_iter().map(|(found, _)| found).collect(),
        models_in_all: models.first().map_or(0, |(_, all)| *all),
        models: models.into_iter().map(|(found, _)| found).collect(),
        facts: all(engine, include_str!("../../queries/inspect/facts.sql"), fact)?,
    })
}

fn rows(tally: &Tally) -> RowsFound {
    let time = |at: i64| Timestamp::from_microsecond(at).ok();
    RowsFound {
        read: tally.rows(),
        good: tally.good,
        rejected: tally.rejected.clone(),
        passed_over: tally.passed_over.iter().map(|(what, rows)| (visible(what), *rows)).collect(),
        duplicates: None,
        oldest: tally.span_us.and_then(|(oldest, _)| time(oldest)),
        newest: tally.span_us.and_then(|(_, newest)| time(newest)),
    }
}

fn all<T>(engine: &Engine, sql: &str, read: impl Fn(&Row<'_>) -> duckdb::Result<T>) -> Result<Vec<T>, ObserveError> {
    let gather = || -> duckdb::Result<Vec<T>> {
        let mut statement = engine.connection().prepare(sql)?;
        statement.query_map([], |row| read(row))?.collect()
    };
    gather().map_err(|cause| ObserveError::engine(DOING, cause))
}

fn whole(row: &Row<'_>, place: usize) -> duckdb::Result<u64> {
    Ok(row.get::<_, i64>(place)?.unsigned_abs())
}

fn name(row: &Row<'_>, place: usize) -> duckdb::Result<String> {
    Ok(visible(&row.get::<_, String>(place)?))
}

fn fields(engine: &Engine) -> duckdb::Result<Vec<Field>> {
    let numbers = NUMBERS.iter().map(|name| {
        let value = if *name == "latency_ms" { "stated_latency_ms" } else { name };
        // Billionths add up to the same mean in any order, floating point does not.
        format!(
            "count({value}), CAST(min({name}) AS DOUBLE), avg(CAST({name} AS DECIMAL(38, 9))), CAST(max({name}) AS DOUBLE)"
        )
    });
    let names = NAMES.iter().map(|name| format!("count({name}), count(DISTINCT {name})"));
    let ids = IDS.iter().map(|name| format!("count({name}), NULL::BIGINT"));
    let list: Vec<String> = names.chain(ids).chain(numbers).collect();
    let sql = include_str!("../../queries/inspect/fields.sql").replace("{fields}", &list.join(", "));
    // The header names the placeholder, too, and a comment ends with its line.
    let sql = sql.split_once("\nSELECT").map_or(sql.clone(), |(_, rest)| format!("SELECT{rest}"));
    engine.connection().query_row(&sql, [], |row| {
        let rows = row.get::<_, i64>(0)?.max(1) as f64;
        let mut place = 1;
        let mut fields = Vec::new();
        for name in NAMES.iter().chain(IDS) {
            let known = row.get::<_, i64>(place)? as f64 / rows;
            let values = row.get::<_, Option<i64>>(place + 1)?.map(i64::unsigned_abs);
            fields.push(Field { name: (*name).to_owned(), known, least: None, mean: None, greatest: None, values });
            place += 2;
        }
        for name in NUMBERS {
            fields.push(Field {
                name: (*name).to_owned(),
                known: row.get::<_, i64>(place)? as f64 / rows,
                least: row.get(place + 1)?,
                mean: row.get(place + 2)?,
                greatest: row.get(place + 3)?,
                values: None,
            });
            place += 4;
        }
        Ok(fields)
    })
}

/// What a row of `facts.sql` says, in a sentence.
fn fact(row: &Row<'_>) -> duckdb::Result<Fact> {
    let kind: String = row.get(0)?;
    let subject = row.get::<_, Option<String>>(1)?.map_or_else(String::new, |subject| visible(&subject));
    let rows = whole(row, 2)?;
    let of = row.get::<_, Option<i64>>(3)?.unwrap_or(0).unsigned_abs();
    let value: f64 = row.get::<_, Option<f64>>(4)?.unwrap_or(0.0);
    let detail = row.get::<_, Option<String>>(5)?.map(|detail| visible(&detail));
    let share = percent(rows as f64 / of.max(1) as f64);
    let (n, total) = (count(rows), count(of));
    let summary = match kind.as_str() {
        "failures_without_latency" => format!(
            "{subject}: {n} of {total} failures carry a latency of 0; only successes count here, or failing would look fast"
        ),
        "mostly_failing" => {
            format!(
                "{subject}: {share} of {} fail; what is known of the others may not hold for it",
                counted(of, "request")
            )
        }
        "free_with_tokens" => format!(
            "{subject}: {n} of {} with tokens cost exactly 0, which means free; if the price is unknown, leave the cost empty",
            counted(of, "request")
        ),
        "one_model_several_names" => format!(
            "{} go by names that may be one model: {}; they count as different ones",
            counted(rows, "request"),
            detail.unwrap_or_default()
        ),
        "replies_at_the_cap" => format!(
            "{subject}: {n} of {total} answers end at exactly {} tokens: cut off by a limit?{}",
            count(value as u64),
            detail.map_or_else(String::new, |zeros| format!(" {zeros} of them are scored 0"))
        ),
        "empty_replies" => {
            format!("{subject}: {n} of {total} good answers have no output tokens: empty replies?")
        }
        "shared_times" => format!(
            "{} share {total} points of time: starts are rounded, or told by batch; time buckets say little",
            counted(rows, "request")
        ),
        "silence" => format!(
            "no request for {} from {} UTC",
            counted(value as u64, "minute"),
            detail
                .and_then(|minute| Timestamp::from_second(minute.parse::<i64>().ok()? * 60).ok())
                .map_or_else(String::new, |from| from.strftime("%Y-%m-%d %H:%M").to_string())
        ),
        "latency_in_seconds" => {
            format!("half of all latencies are below {}: are they in seconds? they must be milliseconds", ms(value))
        }
        "latency_in_microseconds" => {
            format!(
                "half of all latencies are above {}: are they in microseconds? they must be milliseconds",
                ms(value)
            )
        }
        "whole_seconds" => "every latency is a whole second: percentiles are no finer than that".to_owned(),
        "same_input" => format!("every request has {} input tokens: a benchmark?", count(value as u64)),
        "no_failures" => {
            format!("not one of {} failed: are failures in this log at all?", counted(rows, "request"))
        }
        other => format!("{other}: {}", counted(rows, "row")),
    };
    Ok(Fact { kind, rows, summary })
}
