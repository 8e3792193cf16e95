//! A relation that can be judged as it is read.

use super::fields::Fields;
use crate::observe::{Engine, layout::Layout, tables::Table, typed::Columns};

/// A relation whose columns have the types of the canonical layout.
#[derive(Debug)]
pub(in crate::observe) struct Source {
    /// What its view of judged rows is called; that of its odd rows, and their table, are called after it.
    pub(super) name: String,
    pub(super) mapping: String,
    pub(super) fields: Fields,
    pub(super) records_failures: bool,
    /// The query that judges its odd rows.
    pub(super) judged: String,
}

impl Source {
    /// Of a table of requests; none where only the SQL can type it. `mapping` is the WITH clause that makes `mapped` of it, with the
    /// columns `mapped`; `judged` gives the query that judges a table of some of these columns.
    pub(in crate::observe) fn of(
        name: &str,
        table: &Table,
        layout: &Layout,
        mapping: &str,
        mapped: &Columns,
        judged: impl FnOnce(&str, &Columns) -> String,
    ) -> Option<Self> {
        if layout.name != "canonical" {
            return None;
        }
        let names = table.names();
        let found = mapped.iter().filter(|(name, _)| names.contains(name)).cloned().collect();
        let fields = Fields::of(&found, table.source)?;
        Some(Self {
            name: name.to_owned(),
            mapping: mapping.to_owned(),
            records_failures: layout.records_failures,
            judged: judged(&format!("{name}_odd"), &fields.selected),
            fields,
        })
    }

    /// Rows, and the time of the newest in microseconds since 1970 that is not later than `future_us`.
    pub(super) fn glance(&self, engine: &Engine, future_us: i64) -> duckdb::Result<(u64, Option<i64>)> {
        let all = format!("{} SELECT count(*), epoch_us(max(ts)) FROM mapped", self.mapping);
        let look = |sql: &str| {
            engine.connection().query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)))
        };
        let (rows, newest) = look(&all)?;
        let newest = match newest {
            Some(newest) if newest > future_us => look(&format!("{all} WHERE epoch_us(ts) <= {future_us}"))?.1,
            newest => newest,
        };
        Ok((rows.unsigned_abs(), newest))
    }

    /// Whether any of the identities is in more than one row, of this source, of others or of those in `unique_rows`.
    pub(super) fn repeat(engine: &Engine, sources: &[Self]) -> duckdb::Result<bool> {
        let mut union = "SELECT hash(source, request_id) AS identity FROM unique_rows".to_owned();
        for source in sources {
            let fields = source.fields.identity();
            union += &format!(" UNION ALL SELECT * FROM ({} SELECT {fields} AS identity FROM mapped)", source.mapping);
        }
        let sql = format!(
            "SELECT count(*) > 0 FROM (SELECT identity FROM ({union}) WHERE identity IN (FROM suspects) GROUP BY identity HAVING count(*) > 1)"
        );
        engine.connection().query_row(&sql, [], |row| row.get(0))
    }
}
