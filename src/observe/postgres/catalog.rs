//! Which tables a database has, and which of them hold requests.

use std::collections::BTreeMap;

use sqlx::{PgConnection, Row as _};

use super::Database;
use crate::observe::{
    ObserveError,
    layout::{Layout, LayoutChoice, Yields, built_in},
};

/// A table, view or foreign table, with its columns and their types as the catalog writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::observe) struct Found {
    pub schema: String,
    pub table: String,
    pub columns: Vec<(String, String)>,
    /// What to select from, where the rows are made of several tables.
    pub joined: Option<&'static str>,
}

impl Found {
    /// `schema.table`, for messages.
    pub(in crate::observe) fn name(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }

    fn names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// Everything in the database that has columns, without the parts of partitioned tables.
pub(super) async fn columns_of(connection: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    let rows = sqlx::query(include_str!("../../../queries/postgres/columns.sql")).fetch_all(connection).await?;
    let mut found: BTreeMap<(String, String), Vec<(String, String)>> = BTreeMap::new();
    for row in rows {
        let place = (row.try_get(0)?, row.try_get(1)?);
        found.entry(place).or_default().push((row.try_get(2)?, row.try_get(3)?));
    }
    let tables = found.into_iter().map(|((schema, table), columns)| Found { schema, table, columns, joined: None });
    Ok(tables.collect())
}

/// A layout whose rows are made of several tables.
struct Joined {
    layout: &'static str,
    /// What must be there, as `schema.table`.
    tables: &'static [&'static str],
    sql: &'static str,
    columns: &'static [(&'static str, &'static str)],
}

const JOINED: &[Joined] = &[
    Joined {
        layout: "tensorzero",
        tables: &["tensorzero.chat_inferences", "tensorzero.json_inferences", "tensorzero.model_inferences"],
        sql: include_str!("../../../queries/postgres/tensorzero_raw.sql"),
        columns: &[
            ("id", "uuid"),
            ("episode_id", "uuid"),
            ("function_name", "text"),
            ("variant_name", "text"),
            ("created_at", "timestamp with time zone"),
            ("processing_time_ms", "bigint"),
            ("ttft_ms", "bigint"),
            ("snapshot_hash", "text"),
            ("model_name", "text"),
            ("model_provider_name", "text"),
            ("input_tokens", "bigint"),
            ("output_tokens", "bigint"),
            ("cost", "numeric"),
            ("cached", "boolean"),
            ("feedback_value", "double precision"),
        ],
    },
    Joined {
        layout: "tensorzero_feedback",
        tables: &["tensorzero.float_metric_feedback", "tensorzero.boolean_metric_feedback"],
        sql: include_str!("../../../queries/postgres/tensorzero_feedback_raw.sql"),
        columns: &[
            ("id", "uuid"),
            ("target_id", "uuid"),
            ("metric_name", "text"),
            ("value", "text"),
            ("created_at", "timestamp with time zone"),
        ],
    },
];

/// Tables that hold the parts of a layout, as the one table they make together.
fn joined(known: &[Found]) -> Vec<(Found, &'static Layout)> {
    let has = |name: &&str| known.iter().any(|found| found.name() == **name);
    let whole = JOINED.iter().filter(|joined| joined.tables.iter().all(&has));
    let made = whole.filter_map(|joined| {
        let (schema, table) = joined.tables.first()?.split_once('.')?;
        let found = Found {
            schema: schema.to_owned(),
            table: table.to_owned(),
            columns: joined.columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect(),
            joined: Some(joined.sql),
        };
        Some((found, built_in(joined.layout)?))
    });
    made.collect()
}

/// The tables to read, each with its layout: at most one of each kind, and no guessing between several.
pub(super) fn choose<'a>(
    database: &Database,
    known: Vec<Found>,
    source: usize,
    choice: &'a LayoutChoice,
    kinds: &[Yields],
) -> Result<Vec<(Found, &'a Layout)>, ObserveError> {
    let mut chosen: BTreeMap<Yields, Vec<(Found, &Layout)>> = BTreeMap::new();
    if database.table.is_none() {
        for (found, layout) in joined(&known) {
            chosen.entry(layout.yields).or_default().push((found, layout));
        }
    }
    // What goes into a join is not read a second time by itself.
    let whole =
        JOINED.iter().filter(|joined| chosen.values().flatten().any(|(_, layout)| layout.name == joined.layout));
    let parts: Vec<&str> = whole.flat_map(|joined| joined.tables.iter().copied()).collect();
    let named = |found: &Found| match &database.table {
        None => !parts.contains(&found.name().as_str()),
        Some(table) => *table == found.table || *table == found.name(),
    };
    let candidates: Vec<Found> = known.into_iter().filter(named).collect();
    if let Some(table) = &database.table
        && candidates.is_empty()
    {
        return Err(ObserveError::NoSuchTable { database: database.shown.clone(), table: table.clone() });
    }
    let mut seen = Vec::new();
    for found in candidates {
        seen.push(found.name());
        for layout in choice.of(&found.name(), source, &found.names())? {
            // A layout that was named for everything fits only what has its columns.
            if database.table.is_some() || choice.fits(layout, &found.names()) {
                chosen.entry(layout.yields).or_default().push((found.clone(), layout));
            }
        }
    }
    chosen.retain(|yields, _| kinds.contains(yields));
    if let Some(several) = chosen.values().find(|tables| tables.len() > 1) {
        let tables = several.iter().map(|(found, layout)| format!("{} ({})", found.name(), layout.name)).collect();
        return Err(ObserveError::SeveralTables { database: database.shown.clone(), tables });
    }
    if chosen.is_empty() {
        return Err(ObserveError::NoTable { database: database.shown.clone(), tables: seen });
    }
    Ok(chosen.into_values().flatten().collect())
}
