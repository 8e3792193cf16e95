//! Rows that are plainly fine, judged and folded by the threads that decode them: DuckDB calls a function of ours on each chunk of
//! rows, which takes what is plainly fine and lets the rest pass into a table. That table is then typed, judged and folded as
//! every source is, so that the SQL alone says what is wrong with a row. Where too many rows are odd, the SQL takes them all.

mod cells;
mod fields;
mod job;
mod judge;
mod keys;
mod source;
mod vectors;
mod worker;

use std::{collections::HashSet, sync::Arc};

use super::{
    Engine, ObserveError,
    census::Tally,
    duplicates::remember,
    fold::Cell,
    identities::Identities,
    load::{Early, define_union},
};
use job::{Folded, Settings, fold};
pub(super) use source::Source;

/// Sources of which the plainly fine rows are folded, and the others are in the views of [`Plain::relations`].
pub(super) struct Plain {
    sources: Vec<Source>,
    folded: Folded,
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plain").field("sources", &self.sources).field("good", &self.folded.good).finish_non_exhaustive()
    }
}

impl Plain {
    /// Folds what is plainly fine in the sources; none where the SQL has to take all of it. `newest_us` is the time of the newest row
    /// of anything else, `future_us` where the future begins, in microseconds since 1970.
    pub(super) fn fold(
        engine: &Engine,
        mut sources: Vec<Source>,
        early: &Early<'_>,
        newest_us: Option<i64>,
        future_us: i64,
    ) -> Result<Option<Self>, ObserveError> {
        let glances: duckdb::Result<Vec<_>> = sources.iter().map(|source| source.glance(engine, future_us)).collect();
        // Whatever cannot be read, the census has words for.
        let Ok(glances) = glances else { return Ok(None) };
        let rows = glances.iter().map(|(rows, _)| rows).sum();
        let mut newest = glances.iter().filter_map(|(_, newest)| *newest).chain(newest_us).max();
        let prices = Arc::new(early.prices.clone());
        // The newest row may turn out to be bad, and then the window ends earlier; rarely more than once.
        for _ in 0..3 {
            let Some(Ok(windows)) = newest.map(early.windows) else { return Ok(None) };
            let (start, end) = (windows.lookback.start(), windows.lookback.end());
            let settings = Settings {
                prices: prices.clone(),
                slots: (early.slots)(&windows),
                lookback_us: (start.as_microsecond(), end.as_microsecond()),
                future_us,
                rows,
                left_out: HashSet::new(),
            };
            let Some(folded) = fold(engine, &sources, settings)? else { return Ok(None) };
            for source in &sources {
                let sql = format!("CREATE OR REPLACE TEMP VIEW {}_rest AS {}", source.name, source.judged);
                engine.run("judging", &sql)?;
            }
            let plain = Self { sources, folded };
            let good = if plain.folded.some_odd { plain.newest_odd(engine)? } else { None };
            newest = [good, plain.folded.span_us.map(|(_, newest)| newest), newest_us].into_iter().flatten().max();
            if newest.is_some_and(|newest| (early.windows)(newest).is_ok_and(|real| real == windows)) {
                return Ok(Some(plain));
            }
            sources = plain.sources;
        }
        Ok(None)
    }

    /// The views of judged rows that are left.
    pub(super) fn relations(&self) -> Vec<String> {
        self.sources.iter().map(|source| format!("{}_rest", source.name)).collect()
    }

    /// Whether these views hold any.
    pub(super) fn some_left(&self) -> bool {
        self.folded.some_odd
    }

    fn newest_odd(&self, engine: &Engine) -> Result<Option<i64>, ObserveError> {
        let union: Vec<String> = self.relations().iter().map(|relation| format!("FROM {relation}")).collect();
        let sql = format!("SELECT max(ts_us) FROM ({}) WHERE reject IS NULL", union.join(" UNION ALL "));
        let newest = engine.connection().query_row(&sql, [], |row| row.get(0));
        newest.map_err(|cause| ObserveError::engine("judging", cause))
    }

    /// What was folded, as the census counts it.
    pub(super) fn tally(&self) -> Tally {
        Tally { good: self.folded.good, span_us: self.folded.span_us, ..Tally::default() }
    }

    /// The cells, and the identities that are in them.
    pub(super) fn take(&mut self) -> (Vec<Cell>, Identities) {
        let identities = std::mem::replace(&mut self.folded.identities, Identities::new(0));
        (std::mem::take(&mut self.folded.cells), identities)
    }

    /// Cells without the rows whose identities may repeat, which join those that are left. None where no identity repeats. Where too
    /// many do, there are no cells, and all rows are left.
    pub(super) fn without(self, engine: &Engine, suspects: &[u64]) -> Result<Option<Vec<Cell>>, ObserveError> {
        remember(engine, suspects)?;
        let repeat = Source::repeat(engine, &self.sources);
        if !repeat.map_err(|cause| ObserveError::engine("looking for duplicates", cause))? {
            return Ok(None);
        }
        let settings = Settings { left_out: suspects.iter().copied().collect(), ..self.folded.settings };
        if let Some(folded) = fold(engine, &self.sources, settings)? {
            return Ok(Some(folded.cells));
        }
        let all: Vec<String> = self.sources.into_iter().map(|source| source.name).collect();
        define_union(engine, "unscored_rows", &all)?;
        Ok(Some(Vec::new()))
    }
}

#[cfg(test)]
mod tests;
