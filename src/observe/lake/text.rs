//! The statements that an engine is asked, of the one text in `queries/lake` for all of them.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    dialect::{Dialect, time},
    kind::{EXACT_DIGITS, Kind},
};
use crate::{
    domain::ModelTable,
    observe::{
        Kept,
        fold::Slots,
        postgres::Range,
        price,
        typed::{LOWER, NUMBERS, TEXTS},
    },
};

/// What a session is told before anything is asked. The whole stage as one method, which is Spark's habit, is longer here than its virtual
/// machine compiles, so that it would be interpreted; engines that do not know the name let it pass.
pub(super) const SETTINGS: &[(&str, &str)] =
    &[("spark.sql.session.timeZone", "UTC"), ("spark.sql.codegen.wholeStage", "false")];

/// More repeated ids than this are no list for a statement.
pub(super) const MOST_REPEATED: usize = 10_000;

/// What is asked of an engine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub dialect: Dialect,
    /// What stands after FROM: a table, or files.
    pub relation: &'a str,
    /// The canonical columns that there are.
    pub columns: &'a BTreeMap<String, Kind>,
    pub range: Range,
    pub slots: Slots,
    /// Later rows are rejects, in microseconds since 1970.
    pub future_us: i64,
    pub default_service: Option<&'a str>,
    pub prices: &'a ModelTable,
    /// What [`Self::repeated`] found.
    pub repeated: &'a [i64],
    /// Rows that are looked at once more, and so have to come here.
    pub kept: &'a [Kept],
}

impl Question<'_> {
    /// The time of the newest row that is not in the future, as microseconds since 1970 in one BIGINT; NULL where there is none. It is
    /// not judged: it may be that of a reject.
    pub(super) fn newest(&self) -> String {
        let ts = self.dialect.identifier("ts");
        let newest = self.dialect.microseconds(&format!("max({ts})"));
        let future = jiff::Timestamp::from_microsecond(self.future_us).unwrap_or(jiff::Timestamp::MAX);
        format!("SELECT {newest} AS newest_us FROM {} WHERE {ts} <= {}", self.relation, time(future))
    }

    /// The time of the newest plain row of the range, in the same way. Rows that have to come here count too: those of a rollout under way
    /// may be all that there is of late.
    pub(super) fn newest_plain(&self) -> String {
        let anywhere = Self { kept: &[], ..*self };
        let head = anywhere.fill(include_str!("../../../queries/lake/judged.sql"));
        format!("{head}\nSELECT max(ts_us) AS newest_us FROM judged WHERE plain")
    }

    /// How many rows the range has, as one BIGINT `n`.
    pub(super) fn count(&self) -> String {
        format!("SELECT count(*) AS n FROM {} WHERE {}", self.relation, self.in_range())
    }

    /// Hashes of ids that occur more than once in the range, one more than [`MOST_REPEATED`] at most.
    pub(super) fn repeated(&self) -> String {
        self.fill(include_str!("../../../queries/lake/repeated.sql"))
    }

    /// Rows that only DuckDB judges as DuckDB does, with the names of the canonical columns: texts as they stand, numbers as DOUBLE or
    /// as the decimals they are.
    pub(super) fn rows(&self) -> String {
        self.all_rows() + " WHERE NOT plain"
    }

    /// The same of all rows of the range, for whoever needs each of them.
    pub(super) fn all_rows(&self) -> String {
        let head = self.fill(include_str!("../../../queries/lake/judged.sql"));
        format!("{head}\nSELECT {}\nFROM judged", self.given().join(", "))
    }

    /// Counts and totals of plain rows by cell and minute, as `queries/lake/minutes.sql` says.
    pub(super) fn minutes(&self) -> String {
        self.events() + &self.fill(include_str!("../../../queries/lake/minutes.sql"))
    }

    /// Histograms of plain rows, as `queries/lake/bins.sql` says.
    pub(super) fn bins(&self) -> String {
        self.events() + &self.fill(include_str!("../../../queries/lake/bins.sql"))
    }

    fn events(&self) -> String {
        let judged = self.fill(include_str!("../../../queries/lake/judged.sql"));
        judged + "\n" + &self.fill(include_str!("../../../queries/lake/events.sql")) + "\n"
    }

    /// Fills in what stands in double braces, and leaves comments out.
    fn fill(&self, template: &str) -> String {
        let (kept, dropped) = if price::offers(self.prices).is_empty() {
            (" -- unpriced", " -- priced")
        } else {
            (" -- priced", " -- unpriced")
        };
        let is_comment = |line: &str| line.trim_start().starts_with("--");
        let lines = template.lines().filter(|line| !is_comment(line) && !line.ends_with(dropped));
        let text: Vec<&str> = lines.map(|line| line.strip_suffix(kept).unwrap_or(line)).collect();
        let text = text.join("\n");
        let (mut filled, mut rest) = (String::with_capacity(2 * text.len()), text.as_str());
        while let Some((before, (inside, after))) =
            rest.split_once("{{").and_then(|(before, after)| Some((before, after.split_once("}}")?)))
        {
            let (name, argument) = inside.split_once(':').unwrap_or((inside, ""));
            filled += before;
            filled += &self.word(name, argument);
            rest = after;
        }
        filled + rest
    }

    /// What a name in double braces stands for.
    fn word(&self, name: &str, argument: &str) -> String {
        let dialect = self.dialect;
        match name {
            "relation" => self.relation.to_owned(),
            "range" => self.in_range(),
            "columns" => self.typed().join(",\n"),
            "future" => self.future_us.to_string(),
            "exact" => self.exact(),
            "once" => self.once() + &self.elsewhere(),
            "span" => span(self.slots),
            "prices" => self.priced().join(",\n"),
            "most" => (MOST_REPEATED + 1).to_string(),
            "request_id" => self.text("request_id"),
            "bytes" => dialect.bytes().to_owned(),
            "trimmed" => dialect.trimmed(argument),
            "filled" => dialect.filled(argument),
            "hash" => dialect.hash(argument),
            "canonical_provider" => canonical_provider(argument),
            // Halves away from zero, for values of at least zero: what the fold's `whole` makes.
            "whole" => {
                format!(
                    "CAST(floor{argument} + CASE WHEN {argument} - floor{argument} >= 0.5 THEN 1 ELSE 0 END AS BIGINT)"
                )
            }
            "tally" if self.is_weighted() => {
                format!("CAST(coalesce(sum(CASE WHEN {argument} THEN weight_milli END), 0) AS BIGINT)")
            }
            "tally" => format!("count(CASE WHEN {argument} THEN 1 END) * 1000"),
            "squares" if self.is_weighted() => total("weight_milli"),
            "squares" => "CAST(count(*) AS DECIMAL(38,0)) * 1000000".to_owned(),
            "total" if self.is_weighted() => total(argument),
            "total" => halves(argument),
            _ => unreachable!("`{name}` stands in no file of queries/lake"),
        }
    }

    fn is_weighted(&self) -> bool {
        self.columns.contains_key("weight")
    }

    /// The rows of the range.
    fn in_range(&self) -> String {
        let (ts, from, to) = (self.dialect.identifier("ts"), time(self.range.start), time(self.range.end));
        format!("{ts} >= {from} AND {ts} < {to}")
    }

    /// A column as text, as it stands.
    fn text(&self, name: &str) -> String {
        if self.columns.contains_key(name) {
            format!("CAST({} AS STRING)", self.dialect.identifier(name))
        } else {
            "CAST(NULL AS STRING)".to_owned()
        }
    }

    /// The columns of `typed` in judged.sql.
    fn typed(&self) -> Vec<String> {
        let quoted = |name: &str| self.dialect.identifier(name);
        let mut typed = vec![
            format!("CAST({} AS TIMESTAMP) AS ts", quoted("ts")),
            format!("{} AS ts_us", self.dialect.microseconds(&quoted("ts"))),
        ];
        typed.extend(
            TEXTS.iter().chain(LOWER).chain(&["provider"]).map(|name| format!("{} AS {name}", self.text(name))),
        );
        typed.push(format!("{} AS stated_outcome", self.text("outcome")));
        let service = self.text("service");
        typed.push(match self.default_service {
            Some(default) => {
                let filled = self.dialect.filled(&service);
                format!("CASE WHEN {filled} THEN {service} ELSE {} END AS service", self.dialect.literal(default))
            }
            None => format!("{service} AS service"),
        });
        for (name, alias) in NUMBERS {
            let column = if self.columns.contains_key(*name) { quoted(name) } else { "NULL".to_owned() };
            typed.push(format!("CAST({column} AS DOUBLE) AS {alias}"));
            if let Some(Kind::Decimal { .. }) = self.columns.get(*name) {
                typed.push(format!("{column} AS exact_{alias}"));
            }
        }
        let hit = quoted("cache_hit");
        typed.push(match self.columns.get("cache_hit") {
            None => "false AS cache_hit, false AS cache_hit_unreadable".to_owned(),
            Some(Kind::Whole) => format!(
                "coalesce({hit} = 1, false) AS cache_hit, coalesce({hit} NOT IN (0, 1), false) AS cache_hit_unreadable, \
                 {hit} AS stated_hit"
            ),
            Some(_) => {
                format!("coalesce({hit}, false) AS cache_hit, false AS cache_hit_unreadable, {hit} AS stated_hit")
            }
        });
        typed.into_iter().map(|column| format!("        {column}")).collect()
    }

    /// The canonical columns that there are, out of `judged`.
    fn given(&self) -> Vec<String> {
        let mut given = vec!["ts".to_owned()];
        let mut add = |name: &str, column: String| {
            if self.columns.contains_key(name) {
                given.push(column);
            }
        };
        for name in TEXTS.iter().chain(LOWER).chain(&["provider", "service"]) {
            add(name, (*name).to_owned());
        }
        add("outcome", "stated_outcome AS outcome".to_owned());
        for (name, alias) in NUMBERS {
            let exact = if matches!(self.columns.get(*name), Some(Kind::Decimal { .. })) { "exact_" } else { "" };
            add(name, format!("{exact}{alias} AS {name}"));
        }
        add("cache_hit", "stated_hit AS cache_hit".to_owned());
        given
    }

    /// That decimals have no more digits than a double.
    fn exact(&self) -> String {
        let mut sql = "true".to_owned();
        for (name, alias) in NUMBERS {
            if let Some(Kind::Decimal { precision, scale }) = self.columns.get(*name)
                && i32::from(*precision) > EXACT_DIGITS
            {
                let _ = write!(sql, " AND coalesce(abs({alias}) < 1e{}, true)", EXACT_DIGITS - i32::from(*scale));
            }
        }
        sql
    }

    /// That the id of a row is not among those that occur more than once.
    fn once(&self) -> String {
        if self.repeated.is_empty() {
            return "true".to_owned();
        }
        let list: Vec<String> = self.repeated.iter().map(i64::to_string).collect();
        let identity = self.dialect.hash(&self.dialect.trimmed("request_id"));
        format!("{identity} NOT IN ({})", list.join(", "))
    }

    /// That a row is not among those that have to come here.
    fn elsewhere(&self) -> String {
        let kept = self.kept.iter().map(|Kept { service, from_us, until_us }| {
            let (trimmed, name) = (self.dialect.trimmed("service"), self.dialect.literal(service));
            format!(" AND NOT ({trimmed} = {name} AND ts_us >= {from_us} AND ts_us < {until_us})")
        });
        kept.collect()
    }

    /// The price list as rows of which no two hold for one request.
    fn priced(&self) -> Vec<String> {
        let number = |value: Option<f64>| match value {
            Some(value) => format!("CAST({value:e} AS DOUBLE)"),
            None => "CAST(NULL AS DOUBLE)".to_owned(),
        };
        // More than any count of tokens, and less than any.
        let bound = |tokens: Option<u64>, none: f64| number(Some(tokens.map_or(none, |tokens| tokens as f64)));
        let rows = price::offers(self.prices).into_iter().map(|price::Offer { provider, model, piece }| {
            format!(
                "({}, {}, CAST({} AS BIGINT), CAST({} AS BIGINT), {}, {}, {}, {}, {}, {}, {}, {})",
                self.dialect.literal(provider),
                self.dialect.literal(model),
                piece.from_us.max(-i64::MAX),
                piece.until_us,
                piece.from_minute,
                piece.until_minute,
                bound(piece.above_tokens, -1.0),
                bound(piece.upto_tokens, 1e300),
                number(piece.rates.input),
                number(piece.rates.cached_input.or(piece.rates.input)),
                number(piece.rates.cache_write.or(piece.rates.input)),
                number(piece.rates.output)
            )
        });
        rows.collect()
    }
}

/// The weighted sum of a column of whole numbers. No product is above 2^63 × 1e9, so that 1e10 rows fit 38 digits.
fn total(value: &str) -> String {
    format!("coalesce(sum(CAST(weight_milli AS DECIMAL(19,0)) * CAST({value} AS DECIMAL(19,0))), 0)")
}

/// The same where every row weighs one: two sums of 64 bits, which are many times faster, and cannot overflow below 9e8 rows.
fn halves(value: &str) -> String {
    let high = format!("CAST(floor(CAST({value} AS DOUBLE) / 1e9) AS BIGINT)");
    format!(
        "coalesce(CAST(sum({high}) AS DECIMAL(38,0)) * 1000000000000 \
         + CAST(sum({value} - {high} * 1000000000) AS DECIMAL(38,0)) * 1000, 0)"
    )
}

/// Where in time a row falls, of `ts_us` and `minute`, as [`Slots::of`] says.
fn span(slots: Slots) -> String {
    match slots {
        Slots::Windows { window_start_us, before_start_us } => {
            format!("CASE WHEN ts_us >= {window_start_us} THEN 0 WHEN ts_us >= {before_start_us} THEN 1 ELSE 2 END")
        }
        Slots::Every { minutes, first } => format!(
            "CASE WHEN minute < {first} THEN 0 ELSE CAST(floor(CAST(minute - ({first}) AS DOUBLE) / {minutes}e0) AS INT) END"
        ),
    }
}

/// The names of providers as contracts write them: those of the macro of that name, of which there is one list.
fn canonical_provider(provider: &str) -> String {
    let macros = include_str!("../../../queries/macros.sql");
    let body = macros.split_once("MACRO canonical_provider(p) AS").and_then(|(_, rest)| rest.split_once(';'));
    let names = body.expect("the macro is there").0.trim();
    names.replacen("CASE p", &format!("CASE {provider}"), 1).replace("ELSE p", &format!("ELSE {provider}"))
}

#[cfg(test)]
mod tests;
