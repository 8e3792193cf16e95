//! Statements that are asked of one engine, and what the audit log keeps of them.

use std::{collections::BTreeMap, time::Duration};

use duckdb::arrow::record_batch::RecordBatch;
use sha2::{Digest as _, Sha256};

use super::{Remote as _, call::Call, connect::Connect, out::Out, source::LakeEngine, text::SETTINGS};
use crate::{
    domain::format::hexadecimal,
    observe::{Engine, ObserveError},
};

type Opening<'a> = Box<dyn FnMut() -> Result<Connect, ObserveError> + 'a>;

/// An engine that is asked.
pub(super) struct Calls<'a> {
    call: Call<Connect, Opening<'a>>,
    version: String,
    statements: BTreeMap<String, String>,
    out: Option<Out>,
}

impl<'a> Calls<'a> {
    /// Connects.
    pub(super) fn open(engine: &'a LakeEngine) -> Result<Self, ObserveError> {
        let open = || Ok(Connect::open(&engine.address, engine.token.as_ref(), SETTINGS, engine.timeout)?);
        let mut call = Call::new(engine.address.to_string(), engine.retries, Box::new(open) as Opening<'a>);
        let version = call.version()?;
        Ok(Self { call, version, statements: BTreeMap::new(), out: engine.out.as_deref().map(Out::below) })
    }

    /// What answers.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The whole answer to a statement.
    pub(super) fn ask(&mut self, what: &str, sql: &str) -> Result<Vec<RecordBatch>, ObserveError> {
        self.asked(what, sql);
        let (before, mut batches) = (self.call.effort(), Vec::new());
        self.call.query(sql, &mut |batch| {
            batches.push(batch);
            Ok(())
        })?;
        let after = self.call.effort();
        answered(what, after.rows - before.rows, after.elapsed.saturating_sub(before.elapsed));
        Ok(batches)
    }

    /// The same for an answer that may be large: where there is a place for it, the engine writes it there. `engine` reads it then.
    pub(super) fn ask_much<E: From<ObserveError>>(
        &mut self,
        engine: &Engine,
        what: &str,
        sql: &str,
        take: &mut dyn FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(out) = &self.out else {
            return self.ask(what, sql)?.into_iter().try_for_each(take);
        };
        let before = self.call.effort();
        let written = self.call.write(sql, |attempt| out.attempt(what, attempt))?;
        let rows = out.read(engine, &written, take)?;
        answered(what, rows, self.call.effort().elapsed.saturating_sub(before.elapsed));
        self.asked(what, sql);
        Ok(())
    }

    fn asked(&mut self, what: &str, sql: &str) {
        tracing::debug!(what, sql, "asking the engine");
        self.statements.insert(what.to_owned(), hexadecimal(&Sha256::digest(sql)));
    }

    /// Attempts that failed before others succeeded.
    pub(super) fn failed_attempts(&self) -> u32 {
        let effort = self.call.effort();
        effort.attempts.saturating_sub(effort.statements)
    }

    /// SHA-256 of each statement, by what it is for.
    pub(super) fn statements(&self) -> &BTreeMap<String, String> {
        &self.statements
    }
}

fn answered(what: &str, rows: u64, elapsed: Duration) {
    tracing::info!(what, rows, seconds = elapsed.as_secs_f64(), "the engine has answered");
}
