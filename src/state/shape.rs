//! The tables and their columns, for what treats them all alike: exports, imports, archives.

use sqlx::{Row as _, any::AnyRow};

use crate::domain::stored::{Cell, Column, Kind};

/// One table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Without `optimizer_`.
    pub name: &'static str,
    /// The migration that makes it.
    pub since: i64,
    /// What its rows are sorted by: no two have the same.
    pub key: &'static [&'static str],
    pub columns: &'static [Column],
    /// Rows of megabytes: not many of them may be in memory at once.
    pub heavy: bool,
}

const DOCUMENT: &[Column] = &[
    ("id", Kind::Text),
    ("service", Kind::Text),
    ("state", Kind::Text),
    ("generation", Kind::Number),
    ("changed_at", Kind::Text),
    ("body", Kind::Text),
];

const fn documents(name: &'static str) -> Shape {
    Shape { name, since: 3, key: &["id"], columns: DOCUMENT, heavy: false }
}

/// All of them but the lease and the end of the audit log, those that others refer to first. A table that a later migration adds is
/// named here; a column that one adds needs a default, which rows of older exports get.
pub(super) const TABLES: &[Shape] = &[
    Shape {
        name: "baselines",
        since: 1,
        key: &["name"],
        columns: &[("name", Kind::Text), ("kind", Kind::Text), ("created_at", Kind::Text), ("body", Kind::Text)],
        heavy: false,
    },
    Shape {
        name: "plans",
        since: 2,
        key: &["id"],
        columns: &[("id", Kind::Text), ("made_at", Kind::Text), ("body", Kind::Text)],
        heavy: true,
    },
    Shape {
        name: "decisions",
        since: 2,
        key: &["plan_id", "id"],
        columns: &[
            ("plan_id", Kind::Text),
            ("id", Kind::Text),
            ("service", Kind::Text),
            ("segment", Kind::Text),
            ("action", Kind::Text),
        ],
        heavy: false,
    },
    Shape {
        name: "memory",
        since: 2,
        key: &["name"],
        columns: &[("name", Kind::Text), ("generation", Kind::Number), ("body", Kind::Text)],
        heavy: false,
    },
    documents("rollouts"),
    documents("evidence"),
    documents("intents"),
    documents("configurations"),
    documents("services"),
    documents("breakers"),
    documents("ticks"),
    Shape { since: 7, ..documents("notes") },
    Shape {
        name: "history",
        since: 6,
        key: &["grain", "start"],
        columns: &[
            ("grain", Kind::Text),
            ("start", Kind::Number),
            ("minutes", Kind::Number),
            ("source_rows", Kind::Number),
            ("figures", Kind::Text),
            ("body", Kind::Text),
        ],
        heavy: true,
    },
    Shape {
        name: "roles",
        since: 8,
        key: &["identity"],
        columns: &[
            ("identity", Kind::Text),
            ("role", Kind::Text),
            ("granted_by", Kind::Text),
            ("granted_at", Kind::Text),
            ("reason", Kind::Text),
        ],
        heavy: false,
    },
    Shape {
        name: AUDIT,
        since: 3,
        key: &["seq"],
        columns: &[
            ("seq", Kind::Number),
            ("at", Kind::Text),
            ("actor", Kind::Text),
            ("action", Kind::Text),
            ("service", Kind::Text),
            ("body", Kind::Text),
            ("previous", Kind::Text),
            ("hash", Kind::Text),
        ],
        heavy: false,
    },
];

/// The audit log.
pub(super) const AUDIT: &str = "audit";

/// The table of this name.
pub(super) fn shape(name: &str) -> Option<&'static Shape> {
    TABLES.iter().find(|shape| shape.name == name)
}

impl Shape {
    /// `SELECT` of all its columns.
    pub(super) fn select(&self) -> String {
        let columns: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        format!("SELECT {} FROM optimizer_{}", columns.join(", "), self.name)
    }

    /// `ORDER BY` its key, in the same order in both databases: by bytes.
    pub(super) fn order(&self, postgres: bool) -> String {
        let by_bytes = if postgres { " COLLATE \"C\"" } else { "" };
        let key = self.key.iter().map(|name| {
            let text = self.columns.iter().any(|(column, kind)| column == name && *kind == Kind::Text);
            format!("{name}{}", if text { by_bytes } else { "" })
        });
        format!("ORDER BY {}", key.collect::<Vec<_>>().join(", "))
    }

    /// The values of a row that [`Self::select`] gave.
    pub(super) fn cells(&self, row: &AnyRow) -> Result<Vec<Cell>, sqlx::Error> {
        self.columns.iter().map(|column| cell(row, column)).collect()
    }

    /// The values of its key alone.
    pub(super) fn key_of(&self, row: &AnyRow) -> Result<Vec<Cell>, sqlx::Error> {
        let columns = self.key.iter().filter_map(|key| self.columns.iter().find(|(name, _)| name == key));
        columns.map(|column| cell(row, column)).collect()
    }
}

fn cell(row: &AnyRow, (name, kind): &Column) -> Result<Cell, sqlx::Error> {
    Ok(match kind {
        Kind::Text => Cell::Text(row.try_get(*name)?),
        Kind::Number => Cell::Number(row.try_get(*name)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Store;

    /// What is not named here is in no backup.
    #[test]
    fn every_table_and_every_column_is_named() {
        const APART: [&str; 3] = ["migrations", "lease", "audit_head"];
        let mut store = Store::nowhere().unwrap();
        let tables = "SELECT substr(name, 11) FROM sqlite_master WHERE type = 'table' AND name LIKE 'optimizer_%'";
        let mut tables = store.texts(tables.to_owned()).unwrap();
        tables.retain(|name| !APART.contains(&name.as_str()));
        tables.sort();
        let mut listed: Vec<&str> = TABLES.iter().map(|shape| shape.name).collect();
        listed.sort_unstable();
        assert_eq!(tables, listed);
        for shape in TABLES {
            let columns = |what: &str| format!("SELECT {what} FROM pragma_table_info('optimizer_{}')", shape.name);
            let names: Vec<&str> = shape.columns.iter().map(|(name, _)| *name).collect();
            assert_eq!(store.texts(columns("name")).unwrap(), names, "{}", shape.name);
            let kinds = shape.columns.iter().map(|(_, kind)| if *kind == Kind::Text { "TEXT" } else { "BIGINT" });
            assert!(store.texts(columns("type")).unwrap().iter().eq(kinds), "{}", shape.name);
        }
    }
}
