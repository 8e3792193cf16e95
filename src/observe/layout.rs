//! The layouts a source can have. Each is one SQL file that turns the columns of the source into canonical ones; what the
//! program must know of it stands in the comment lines at its top, so that a layout is told in one place.

use std::{path::Path, sync::LazyLock};

use super::ObserveError;

/// What a row of a layout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Yields {
    /// One request of a model.
    Requests,
    /// One score given to a request, often long after it.
    Scores,
    /// A figure over many requests: good for thresholds, useless for comparing models.
    Metrics,
}

impl Yields {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Scores => "scores",
            Self::Metrics => "metrics",
        }
    }
}

/// One way in which sources are laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub name: String,
    /// First line of the file: what it is, in words.
    pub what: String,
    pub yields: Yields,
    /// Columns by which it is known: all of one of these lists.
    pub recognised_by: Vec<Vec<String>>,
    /// Columns it reads; where a source lacks one it is NULL. None reads whatever is there.
    pub reads: Option<Vec<String>>,
    /// The column of the request's time, by which a database finds the rows of a window.
    pub time: Option<String>,
    /// What tells its requests apart, as an expression over its columns, where a database may look for repeated ones.
    pub identity: Option<String>,
    /// Whether failed requests are in it: without them there is no error rate.
    pub records_failures: bool,
    /// What a user must say before it is read, because nothing in the data tells.
    pub ask: Option<String>,
    sql: String,
}

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../queries/sources/", $name, ".sql")))),*]
    };
}

/// Every layout that ships, each known before those that follow it.
const SHIPPED: &[(&str, &str)] = shipped![
    "canonical",
    "otlp_spans",
    "otlp_evaluations",
    "otlp_metrics",
    "metric_event",
    "metric_record",
    "sentinel",
    "litellm",
    "langfuse_observations",
    "langfuse_observations_ms",
    "helicone",
    "tensorzero",
    "observatory",
    "trace_spans",
    "quality_event",
    "quality_evaluations",
    "langfuse_scores",
    "helicone_scores",
    "tensorzero_feedback",
    "feedback",
    "metric_cloudevent",
    "metrics_table",
];

static BUILT_IN: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    let parsed = SHIPPED.iter().map(|(name, sql)| Layout::parse(name, sql).expect("shipped layouts are well formed"));
    parsed.collect()
});

impl Layout {
    /// Reads the header of a layout's SQL; what is wrong with it as an error.
    fn parse(name: &str, sql: &str) -> Result<Self, String> {
        let comments = || sql.lines().map_while(|line| line.trim_end().strip_prefix("--")).map(str::trim);
        let field = |key: &str| {
            let value = comments().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            value.map(|value| value.trim().to_owned())
        };
        let names = |text: String| -> Vec<String> {
            text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
        };
        let yields = match field("Yields").as_deref() {
            Some("requests") | None => Yields::Requests,
            Some("scores") => Yields::Scores,
            Some("metrics") => Yields::Metrics,
            Some(other) => return Err(format!("`Yields: {other}` is not requests, scores or metrics")),
        };
        let records_failures = match field("Failures").as_deref() {
            Some("recorded") | None => true,
            Some("not recorded") => false,
            Some(other) => return Err(format!("`Failures: {other}` is neither `recorded` nor `not recorded`")),
        };
        Ok(Self {
            name: name.to_owned(),
            what: comments().next().unwrap_or_default().trim_end_matches('.').to_owned(),
            yields,
            recognised_by: field("Recognised by")
                .map(|text| text.split(';').map(|part| names(part.to_owned())).collect())
                .unwrap_or_default(),
            reads: field("Reads").map(names),
            time: field("Time"),
            identity: field("Identity"),
            records_failures,
            ask: field("Ask"),
            sql: sql.trim_end().trim_end_matches(';').to_owned(),
        })
    }

    /// The SELECT over `raw`, with its comments.
    pub(super) fn sql(&self) -> &str {
        &self.sql
    }

    fn recognises(&self, columns: &[String]) -> bool {
        let has = |name: &String| columns.contains(name);
        self.recognised_by.iter().any(|names| !names.is_empty() && names.iter().all(has))
    }
}

/// The layout that ships under a name.
pub(super) fn built_in(name: &str) -> Option<&'static Layout> {
    BUILT_IN.iter().find(|layout| layout.name == name)
}

/// What the user said about layouts.
#[derive(Debug, Clone, Default)]
pub struct LayoutChoice {
    /// By position of the source; one name alone is for all of them.
    named: Vec<&'static Layout>,
    mapping: Option<Layout>,
}

impl LayoutChoice {
    /// From `--layout` (none, one for all, or one for each of `sources`) and `--mapping`.
    pub fn new(named: &[String], sources: usize, mapping: Option<&Path>) -> Result<Self, ObserveError> {
        if named.len() > 1 && named.len() != sources {
            return Err(ObserveError::LayoutCount { layouts: named.len(), sources });
        }
        let find = |name: &String| {
            built_in(name).ok_or_else(|| ObserveError::LayoutUnknown { name: name.clone(), known: names() })
        };
        Ok(Self {
            named: named.iter().map(find).collect::<Result<_, _>>()?,
            mapping: mapping.map(read_mapping).transpose()?,
        })
    }

    /// How a layout came to be the one of a table.
    pub(super) fn why(&self, layout: &Layout, columns: &[String]) -> String {
        if self.named.iter().any(|named| named.name == layout.name) {
            return "`--layout` says so".to_owned();
        }
        if self.mapping.as_ref().is_some_and(|mapping| mapping.name == layout.name) {
            return "`--mapping` says so".to_owned();
        }
        let by = layout.recognised_by.iter().find(|names| names.iter().all(|name| columns.contains(name)));
        match by {
            Some(names) => format!("it has the columns {}", names.join(", ")),
            None => "its tables are there".to_owned(),
        }
    }

    /// Whether a table with these columns can be what the layout maps: it was recognised, or has every column it is known by.
    pub(super) fn fits(&self, layout: &Layout, columns: &[String]) -> bool {
        layout.recognised_by.is_empty() && self.mapping.is_some() || layout.recognises(columns)
    }

    /// The layouts of a table with these columns, at most one of each kind: the one the user named, else the user's own
    /// mapping, else the first that knows the columns. None when nothing does.
    pub(super) fn of(&self, origin: &str, source: usize, columns: &[String]) -> Result<Vec<&Layout>, ObserveError> {
        if let Some(named) = self.named.get(source).or(if self.named.len() == 1 { self.named.first() } else { None }) {
            return Ok(vec![named]);
        }
        if let Some(mapping) = &self.mapping
            && (mapping.recognised_by.is_empty() || mapping.recognises(columns))
        {
            return Ok(vec![mapping]);
        }
        let found = known(columns);
        if let Some(question) = found.iter().find_map(|layout| layout.ask.as_ref()) {
            return Err(ObserveError::LayoutUnclear { origin: origin.to_owned(), question: question.clone() });
        }
        Ok(found)
    }
}

/// The shipped layouts that know these columns: the first of each kind.
pub(super) fn known(columns: &[String]) -> Vec<&'static Layout> {
    let mut found: Vec<&'static Layout> = Vec::new();
    for layout in BUILT_IN.iter().filter(|layout| layout.recognises(columns)) {
        if found.iter().all(|other| other.yields != layout.yields) {
            found.push(layout);
        }
    }
    found
}

/// Names of all layouts that ship.
#[must_use]
pub fn names() -> Vec<&'static str> {
    SHIPPED.iter().map(|(name, _)| *name).collect()
}

/// Names of the layouts that ship for one kind of row.
pub(super) fn names_of(yields: Yields) -> Vec<&'static str> {
    BUILT_IN.iter().filter(|layout| layout.yields == yields).map(|layout| layout.name.as_str()).collect()
}

fn read_mapping(path: &Path) -> Result<Layout, ObserveError> {
    let sql = std::fs::read_to_string(path)
        .map_err(|cause| ObserveError::MappingUnreadable { path: path.to_owned(), cause })?;
    let name = path.display().to_string();
    Layout::parse(&name, &sql).map_err(|what| ObserveError::MappingBroken { path: name, what })
}

#[cfg(test)]
mod tests;
