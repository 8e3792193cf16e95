//! Which tables a database has, and which of them hold requests.

use std::collections::BTreeMap;

use sqlx::{PgConnection, Row as _};

use super::Database;
use crate::observe::{
    ObserveError,
    layout::{Layout, LayoutChoice, Yields},
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

/// Layouts whose rows are made of several tables: the layout, the table that tells it, and the query.
const JOINED: &[(&str, &str, &str)] = &[];

/// The tables to read, each with its layout: at most one of each kind, and no guessing between several.
pub(super) fn choose<'a>(
    database: &Database,
    known: Vec<Found>,
    source: usize,
    choice: &'a LayoutChoice,
) -> Result<Vec<(Found, &'a Layout)>, ObserveError> {
    let named = |found: &Found| match &database.table {
        None => true,
        Some(table) => *table == found.table || *table == found.name(),
    };
    let candidates: Vec<Found> = known.into_iter().filter(named).collect();
    if let Some(table) = &database.table
        && candidates.is_empty()
    {
        return Err(ObserveError::NoSuchTable { database: database.shown.clone(), table: table.clone() });
    }
    let mut chosen: BTreeMap<Yields, Vec<(Found, &Layout)>> = BTreeMap::new();
    let mut seen = Vec::new();
    for found in candidates {
        seen.push(found.name());
        for layout in choice.of(&found.name(), source, &found.names())? {
            // A layout that was named for everything fits only what has its columns.
            if database.table.is_some() || choice.fits(layout, &found.names()) {
                let joined = JOINED.iter().find(|(name, ..)| *name == layout.name).map(|(.., sql)| *sql);
                chosen.entry(layout.yields).or_default().push((Found { joined, ..found.clone() }, layout));
            }
        }
    }
    if let Some(several) = chosen.values().find(|tables| tables.len() > 1) {
        let tables = several.iter().map(|(found, layout)| format!("{} ({})", found.name(), layout.name)).collect();
        return Err(ObserveError::SeveralTables { database: database.shown.clone(), tables });
    }
    if chosen.is_empty() {
        return Err(ObserveError::NoTable { database: database.shown.clone(), tables: seen });
    }
    Ok(chosen.into_values().flatten().collect())
}
