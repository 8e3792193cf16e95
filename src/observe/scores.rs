//! Scores that arrive after the requests they judge: one relation of them all, and `rows` with the quality they make.

use std::fmt::Write as _;

use super::{Engine, ObserveError, engine::literal};
use crate::domain::{Policy, policy::ScoreScale};

const DOING: &str = "joining scores";

/// The name of the score that a source's own column `quality` is.
const OWN: &str = "quality";

/// How a score names its request, most exact first: the relation, and the columns that both sides have.
const LEVELS: [(&str, &[&str]); 4] = [
    ("scores_by_request", &["request_id"]),
    ("scores_by_response", &["response_id"]),
    ("scores_by_span", &["trace_id", "span_id"]),
    ("scores_by_trace", &["trace_id"]),
];

/// Tells the engine the scales that the policy declares; scores are judged by them.
pub(super) fn declare(engine: &Engine, policy: &Policy) -> Result<(), ObserveError> {
    engine.run(
        DOING,
        "CREATE OR REPLACE TEMP TABLE score_scales (name VARCHAR, worst DOUBLE, best DOUBLE, weight DOUBLE)",
    )?;
    let failed = |cause| ObserveError::engine(DOING, cause);
    let mut appender = engine.connection().appender("score_scales").map_err(failed)?;
    for (name, ScoreScale { worst, best, weight }) in &policy.scores {
        appender.append_row(duckdb::params![name, worst, best, weight]).map_err(failed)?;
    }
    appender.flush().map_err(failed)
}

/// Makes `rows` of `unscored_rows`: the quality of a request is the weighted mean of all scores that the policy declares, and
/// unknown when one of them is missing, so that every quality is made of the same parts.
///
/// Several scores of one name for one request: the latest counts, of equals the one with the highest id. A score that names
/// the request itself goes before one that names its span, and that before one for the whole trace.
pub(super) fn join(engine: &Engine, policy: &Policy, relations: &[String]) -> Result<(), ObserveError> {
    if policy.scores.is_empty() {
        return engine.run(DOING, "CREATE TEMP VIEW rows AS FROM unscored_rows");
    }
    let union: Vec<String> = relations.iter().map(|name| format!("FROM {name}")).collect();
    let mut joins = String::new();
    for (depth, (relation, keys)) in LEVELS.iter().enumerate() {
        if relations.is_empty() {
            break;
        }
        // Each score belongs to the most exact thing it names.
        let mut others = String::new();
        for (_, keys) in &LEVELS[..depth] {
            // A score that gives the same thing as request and as trace does not know which of the two it is.
            let _ = write!(others, " AND NOT ({} AND request_id IS DISTINCT FROM trace_id)", present(keys));
        }
        let keys_list = keys.join(", ");
        let mut values = String::new();
        for (place, name) in policy.scores.keys().enumerate() {
            let _ = write!(values, ", max(score) FILTER (name = {}) AS score_{place}", literal(name));
        }
        let sql = format!(
            "CREATE OR REPLACE TEMP TABLE {relation} AS SELECT {keys_list}{values} FROM (
                 SELECT *, row_number() OVER (
                     PARTITION BY {keys_list}, name ORDER BY ts_us DESC NULLS LAST, score_id DESC NULLS LAST, score
                 ) AS place
                 FROM ({}) WHERE reject IS NULL AND {}{others}
             ) WHERE place = 1 GROUP BY {keys_list}",
            union.join(" UNION ALL "),
            present(keys),
        );
        engine.run(DOING, &sql)?;
        let on: Vec<String> = keys.iter().map(|key| format!("{relation}.{key} = r.{key}")).collect();
        let _ = write!(joins, " LEFT JOIN {relation} ON {}", on.join(" AND "));
    }
    let (mut sum, mut weights) = (String::new(), 0.0);
    for (place, (name, scale)) in policy.scores.iter().enumerate() {
        let mut known: Vec<String> = LEVELS
            .iter()
            .filter(|_| !relations.is_empty())
            .map(|(relation, _)| format!("{relation}.score_{place}"))
            .collect();
        if name == OWN {
            known.push(format!(
                "(CASE WHEN r.quality IS NOT NULL THEN (r.quality - {:e}) / ({:e}) END)",
                scale.worst,
                scale.best - scale.worst
            ));
        }
        known.push("NULL".to_owned());
        let _ =
            write!(sum, "{}{:e} * coalesce({})", if place > 0 { " + " } else { "" }, scale.weight, known.join(", "));
        weights += scale.weight;
    }
    let sql = format!(
        "CREATE TEMP VIEW rows AS SELECT r.* REPLACE (CASE WHEN r.outcome = 'success' THEN ({sum}) / {weights:e} END AS quality) \
         FROM unscored_rows AS r{joins}"
    );
    engine.run(DOING, &sql)
}

fn present(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("{key} IS NOT NULL")).collect::<Vec<_>>().join(" AND ")
}
