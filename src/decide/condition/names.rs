//! The names a condition may use.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What kind of value a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Number,
    Text,
    Flag,
}

impl Kind {
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "text",
            Self::Flag => "true or false",
        }
    }
}

/// One name.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    /// Its one spelling.
    pub name: &'static str,
    /// Other spellings; each of them, and the name itself, is also read in camel case.
    pub aliases: &'static [&'static str],
    pub kind: Kind,
    /// The values it can have, where it is a number.
    pub range: [f64; 2],
    /// The values it can have, where it is a text with few of them; empty means any.
    pub words: &'static [&'static str],
    /// What it is, for people.
    pub about: &'static str,
}

const SHARE: [f64; 2] = [0.0, 1.0];
const AMOUNT: [f64; 2] = [0.0, f64::INFINITY];
const CHANGE: [f64; 2] = [-1.0, f64::INFINITY];

const fn number(name: &'static str, aliases: &'static [&'static str], range: [f64; 2], about: &'static str) -> Name {
    Name { name, aliases, kind: Kind::Number, range, words: &[], about }
}

const fn text(name: &'static str, words: &'static [&'static str], about: &'static str) -> Name {
    Name { name, aliases: &[], kind: Kind::Text, range: AMOUNT, words, about }
}

const fn flag(name: &'static str, about: &'static str) -> Name {
    Name { name, aliases: &[], kind: Kind::Flag, range: AMOUNT, words: &[], about }
}

/// Every name, but `findings`, which is a list.
pub static NAMES: [Name; 54] = [
    text("service.id", &[], "the service"),
    text("segment", &["simple", "medium", "complex", "all"], "the segment of its traffic"),
    number("requests.count", &[], AMOUNT, "requests in the window"),
    number("requests.per_minute", &[], AMOUNT, "the same per minute"),
    number("latency.p50_ms", &["latency.p50", "latency_p50_ms"], AMOUNT, "median latency, milliseconds"),
    number("latency.p95_ms", &["latency.p95", "latency_p95_ms"], AMOUNT, "95th percentile of latency, milliseconds"),
    number("latency.p99_ms", &["latency.p99", "latency_p99_ms"], AMOUNT, "99th percentile of latency, milliseconds"),
    number("errors.rate", &["error_rate"], SHARE, "share of requests that failed at the provider"),
    number("cost.per_request", &["cost_per_request"], AMOUNT, "mean cost of a request, US dollars"),
    number("cost.hourly", &["hourly_cost"], AMOUNT, "spend an hour, US dollars"),
    number("cost.today", &["daily_cost"], AMOUNT, "spend since midnight UTC, US dollars"),
    number("cost.projected_today", &[], AMOUNT, "spend by the next midnight UTC at this rate, US dollars"),
    number("cost.month", &["monthly_cost"], AMOUNT, "spend since the month began in UTC, US dollars"),
    number("quality.overall", &["quality_score"], SHARE, "mean quality"),
    number("quality.coverage", &[], SHARE, "share of requests with a quality score"),
    number("tokens.input", &[], AMOUNT, "mean tokens of a request"),
    number("tokens.output", &[], AMOUNT, "mean tokens of an answer"),
    text("model.id", &[], "the model, without its provider: the proposed one where a change is judged"),
    text("model.provider", &[], "its provider"),
    text("model.region", &[], "where it is hosted, from the price table"),
    text("model.tier", &["fast", "balanced", "advanced"], "its class, from the price table"),
    text("user.region", &[], "where the users are"),
    number("change.percentage", &[], [0.0, 100.0], "share of traffic a change moves, percent"),
    text("change.action", &["model", "configuration"], "what is changed: the model, or only its configuration"),
    number("predicted.cost_per_request", &[], AMOUNT, "mean cost of a request after the change, US dollars"),
    number("predicted.quality", &[], SHARE, "mean quality after the change"),
    number(
        "predicted.latency_p95_ms",
        &["predicted.latency_p95"],
        AMOUNT,
        "latency p95 after the change, milliseconds",
    ),
    number("predicted.error_rate", &[], SHARE, "error rate after the change"),
    number("trend.latency", &[], CHANGE, "relative change a day: 0.1 is a tenth more"),
    number("trend.ttft", &[], CHANGE, "the same of the time to the first token"),
    number("trend.error_rate", &["trend.errors"], CHANGE, "the same of the error rate"),
    number("trend.cost", &["trend.cost_per_request"], CHANGE, "the same of the cost per request"),
    number("trend.quality", &["trend.quality_score"], CHANGE, "the same of the quality"),
    number("trend.requests", &[], CHANGE, "the same of the traffic"),
    number("trend.input_tokens", &[], CHANGE, "relative change a day of the length of requests"),
    number("trend.output_tokens", &[], CHANGE, "the same of the length of answers"),
    flag("anomaly.latency", "whether it is out of line now"),
    flag("anomaly.ttft", "the same of the time to the first token"),
    flag("anomaly.error_rate", "the same of the error rate"),
    flag("anomaly.cost", "the same of the cost per request"),
    flag("anomaly.quality", "the same of the quality"),
    flag("anomaly.requests", "the same of the traffic"),
    flag("anomaly.input_tokens", "whether the length of requests is out of line now"),
    flag("anomaly.output_tokens", "whether the length of answers is out of line now"),
    flag("drift.latency", "whether its distribution is another than before"),
    flag("drift.ttft", "the same of the time to the first token"),
    flag("drift.error_rate", "the same of the error rate"),
    flag("drift.cost", "the same of the cost per request"),
    flag("drift.quality", "the same of the quality"),
    flag("drift.requests", "the same of the traffic"),
    flag("drift.input_tokens", "the same of the length of requests"),
    flag("drift.output_tokens", "the same of the length of answers"),
    number("now.hour", &[], [0.0, 23.0], "hour of the day in UTC, when the window ends"),
    number("now.weekday", &[], [1.0, 7.0], "day of the week in UTC, 1 is Monday"),
];

/// Every spelling, and the place of its name.
static SPELLINGS: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
    let spelled = |(at, name): (usize, &Name)| {
        let each = std::iter::once(name.name).chain(name.aliases.iter().copied());
        each.flat_map(move |spelling| [(spelling.to_owned(), at), (camel(spelling), at)]).collect::<Vec<_>>()
    };
    NAMES.iter().enumerate().flat_map(spelled).collect()
});

/// `cost.per_request` as `cost.perRequest`.
fn camel(name: &str) -> String {
    let mut text = String::new();
    for (index, part) in name.split('_').enumerate() {
        let mut letters = part.chars();
        match letters.next() {
            Some(first) if index > 0 => text.extend(first.to_uppercase().chain(letters)),
            first => text.extend(first.into_iter().chain(letters)),
        }
    }
    text
}

/// The place of a name in [`NAMES`], however it is spelled.
pub(super) fn place(spelling: &str) -> Option<usize> {
    SPELLINGS.get(spelling).copied()
}

/// The one spelling of a name: `cost.today` for `daily_cost`.
#[must_use]
pub fn canonical(spelling: &str) -> Option<&'static str> {
    place(spelling).map(|at| NAMES[at].name)
}
