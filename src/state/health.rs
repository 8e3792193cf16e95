//! What the database itself can tell of what is wrong with it.

use sqlx::Row as _;

use super::{
    StateError, Store,
    shape::{TABLES, shape},
};

impl Store {
    /// What SQLite finds wrong with its file; none where all is well, and in PostgreSQL, which keeps its own checksums.
    pub fn file_problems(&mut self) -> Result<Vec<String>, StateError> {
        if self.is_postgres() {
            return Ok(Vec::new());
        }
        let mut found = self.texts("PRAGMA integrity_check".to_owned())?;
        found.retain(|line| line != "ok");
        Ok(found)
    }

    /// Tables that are there, with the number of their rows, in the order in which they were made.
    pub fn tables(&mut self) -> Result<Vec<(&'static str, i64)>, StateError> {
        let version = self.version()?;
        let there = TABLES.iter().filter(|shape| shape.since <= version);
        there
            .map(|shape| Ok((shape.name, self.number(format!("SELECT COUNT(*) FROM optimizer_{}", shape.name))?)))
            .collect()
    }

    /// What every row of a table is found by, in order. For tables that have one such column of text.
    pub fn ids(&mut self, table: &str) -> Result<Vec<String>, StateError> {
        let shape = shape(table).expect("one of the tables");
        let order = shape.order(self.is_postgres());
        self.texts(format!("SELECT {} FROM optimizer_{table} {order}", shape.key[0]))
    }

    /// Plans of which decisions speak and that are not there, with the number of those decisions.
    pub fn decisions_without_plan(&mut self) -> Result<Vec<(String, i64)>, StateError> {
        self.pairs(
            "SELECT d.plan_id, COUNT(*) FROM optimizer_decisions d LEFT JOIN optimizer_plans p ON p.id = d.plan_id \
             WHERE p.id IS NULL GROUP BY d.plan_id ORDER BY d.plan_id",
        )
    }

    /// Services with more than one rollout under way, with their number.
    pub fn crowded_services(&mut self) -> Result<Vec<(String, i64)>, StateError> {
        self.pairs(
            "SELECT service, COUNT(*) FROM optimizer_rollouts WHERE state = 'open' \
             GROUP BY service HAVING COUNT(*) > 1 ORDER BY service",
        )
    }

    /// Decisions by plan.
    pub fn decisions_of(&mut self, plan: &str) -> Result<i64, StateError> {
        let query = sqlx::query("SELECT COUNT(*) FROM optimizer_decisions WHERE plan_id = $1").bind(plan);
        let row = self.runtime.block_on(query.fetch_one(&mut self.connection));
        row.and_then(|row| row.try_get(0)).map_err(|cause| self.failed("reading it", cause))
    }

    fn pairs(&mut self, sql: &str) -> Result<Vec<(String, i64)>, StateError> {
        let mut pairs = Vec::new();
        self.each(
            sql.to_owned(),
            |row| Ok((row.try_get(0)?, row.try_get(1)?)),
            |pair| {
                pairs.push(pair);
                Ok::<(), StateError>(())
            },
        )?;
        Ok(pairs)
    }
}
