//! Asks an engine again where that may help, and hands nothing over of an attempt that failed.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::{Duration, Instant},
};

use duckdb::arrow::{array::Array as _, record_batch::RecordBatch};

use super::{
    Remote, Writes,
    failure::{LakeError, LakeTrouble},
};
use crate::observe::ObserveError;

/// An answer is held here until it is whole; this much of it, in bytes. A million services and minutes stay far below.
const CEILING: usize = 2_000_000_000;

/// What it took, for the audit log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    /// Those answered in whole.
    pub statements: u32,
    /// With those that failed: at a statement, or at opening a session for it.
    pub attempts: u32,
    pub elapsed: Duration,
    /// Of whole answers.
    pub rows: u64,
}

/// A session that is opened when it is needed, and anew after each failure.
pub(super) struct Call<R, F> {
    /// Host and port, for people.
    engine: String,
    open: F,
    session: Option<R>,
    retries: u32,
    /// Before the second attempt; it doubles, and up to half of it is left out by chance.
    pause: Duration,
    /// Bytes of one answer.
    ceiling: usize,
    effort: Effort,
}

impl<R: Remote, F: FnMut() -> Result<R, ObserveError>> Call<R, F> {
    /// `open` makes a session whose calls end by themselves.
    pub(super) fn new(engine: String, retries: u32, open: F) -> Self {
        let pause = Duration::from_secs(1);
        Self { engine, open, session: None, retries, pause, ceiling: CEILING, effort: Effort::default() }
    }

    pub(super) fn effort(&self) -> Effort {
        self.effort
    }

    /// Does `work` in a session, as often as it may be tried.
    fn attempt<T>(&mut self, mut work: impl FnMut(&mut R) -> Result<T, ObserveError>) -> Result<T, ObserveError> {
        let begun = Instant::now();
        let mut attempt = 0;
        let outcome = loop {
            let session = match self.session.take() {
                Some(session) => Ok(session),
                None => (self.open)(),
            };
            let failed = match session.and_then(|mut session| Ok((work(&mut session)?, session))) {
                Ok((done, session)) => {
                    self.session = Some(session);
                    break Ok(done);
                }
                Err(failed) => failed,
            };
            self.effort.attempts += 1;
            let passes = matches!(&failed, ObserveError::Lake(error) if error.trouble.passes());
            if !passes || attempt == self.retries {
                break Err(failed);
            }
            let pause = self.pause.saturating_mul(2_u32.saturating_pow(attempt)).mul_f64(1.0 - chance() / 2.0);
            attempt += 1;
            tracing::warn!(
                error = failed.to_string(),
                cause = std::error::Error::source(&failed).map(ToString::to_string),
                pause = ?pause,
                "an engine is asked again"
            );
            std::thread::sleep(pause);
        };
        self.effort.elapsed += begun.elapsed();
        outcome
    }
}

impl<R: Remote, F: FnMut() -> Result<R, ObserveError>> Remote for Call<R, F> {
    fn version(&mut self) -> Result<String, ObserveError> {
        self.attempt(R::version)
    }

    /// `take` sees the batches of one attempt only, and only after its end.
    fn query(
        &mut self,
        sql: &str,
        take: &mut dyn FnMut(RecordBatch) -> Result<(), ObserveError>,
    ) -> Result<(), ObserveError> {
        let (ceiling, engine) = (self.ceiling, self.engine.clone());
        let batches = self.attempt(|session| {
            let (mut batches, mut bytes) = (Vec::new(), 0_usize);
            session.query(sql, &mut |batch| {
                bytes += size(&batch);
                if bytes > ceiling {
                    let doing = "its answer was collected";
                    let trouble = LakeTrouble::TooLarge(ceiling);
                    return Err(LakeError { engine: engine.clone(), doing, trouble }.into());
                }
                batches.push(batch);
                Ok(())
            })?;
            Ok(batches)
        })?;
        self.effort.attempts += 1;
        self.effort.statements += 1;
        for batch in batches {
            self.effort.rows += batch.num_rows() as u64;
            take(batch)?;
        }
        Ok(())
    }
}

impl<R: Writes, F: FnMut() -> Result<R, ObserveError>> Call<R, F> {
    /// Writes what a statement finds, each attempt into a folder of its own, which `name` calls by the number of the attempt from 0.
    /// Only the folder that comes back is whole: of a failed one nobody knows how much is there, or still comes.
    pub(super) fn write(&mut self, sql: &str, name: impl Fn(u32) -> String) -> Result<String, ObserveError> {
        let mut attempt = 0;
        let whole = self.attempt(|session| {
            let folder = name(attempt);
            attempt += 1;
            session.write(sql, &folder)?;
            Ok(folder)
        })?;
        self.effort.attempts += 1;
        self.effort.statements += 1;
        Ok(whole)
    }
}

/// Bytes of its rows. The columns of a message share one buffer, which the batch's own sum counts once for each of them.
fn size(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    columns
        .map(|column| column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size()))
        .sum()
}

/// Any number in `0..1`: so that those who failed together do not come back together.
fn chance() -> f64 {
    (RandomState::new().hash_one(0_u8) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::VecDeque, sync::Arc};

    use duckdb::arrow::array::{ArrayRef, Int64Array};

    use super::*;

    /// What one call to a session does: numbers it hands over, a batch each, and how it ends.
    type Turn = (Vec<i64>, Result<(), LakeTrouble>);

    /// A session that takes its turns from a list.
    struct Acting<'a>(&'a RefCell<VecDeque<Turn>>);

    fn failed(trouble: LakeTrouble) -> ObserveError {
        LakeError { engine: "sc://here:1".into(), doing: "it acted", trouble }.into()
    }

    impl Remote for Acting<'_> {
        fn version(&mut self) -> Result<String, ObserveError> {
            Ok("Spark 4.2.1".into())
        }

        fn query(
            &mut self,
            _sql: &str,
            take: &mut dyn FnMut(RecordBatch) -> Result<(), ObserveError>,
        ) -> Result<(), ObserveError> {
            let (numbers, ends) = self.0.borrow_mut().pop_front().unwrap();
            for number in numbers {
                let column: ArrayRef = Arc::new(Int64Array::from(vec![number]));
                take(RecordBatch::try_from_iter([("x", column)]).unwrap())?;
            }
            ends.map_err(failed)
        }
    }

    impl Writes for Acting<'_> {
        fn write(&mut self, _sql: &str, _folder: &str) -> Result<(), ObserveError> {
            self.0.borrow_mut().pop_front().unwrap().1.map_err(failed)
        }
    }

    /// Asks once: what was handed over, the outcome, what it took, and how many sessions were opened.
    fn ask(turns: Vec<Turn>, retries: u32, ceiling: usize) -> (Vec<i64>, Result<(), ObserveError>, Effort, u32) {
        let turns = RefCell::new(VecDeque::from(turns));
        let (mut opened, mut seen) = (0, Vec::new());
        let open = || {
            opened += 1;
            Ok(Acting(&turns))
        };
        let mut call = Call::new("sc://here:1".into(), retries, open);
        (call.pause, call.ceiling) = (Duration::from_millis(1), ceiling);
        let outcome = call.query("SELECT", &mut |batch| {
            seen.push(batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().value(0));
            Ok(())
        });
        let effort = Effort { elapsed: Duration::ZERO, ..call.effort() };
        (seen, outcome, effort, opened)
    }

    fn lost() -> Result<(), LakeTrouble> {
        Err(LakeTrouble::Lost("gone".into()))
    }

    #[test]
    fn nothing_of_a_failed_attempt_is_handed_over() {
        let turns = vec![(vec![1], lost()), (vec![1, 2], lost()), (vec![7, 8], Ok(()))];
        let (seen, outcome, effort, opened) = ask(turns, 2, CEILING);
        outcome.unwrap();
        assert_eq!((seen, opened), (vec![7, 8], 3));
        assert_eq!(effort, Effort { statements: 1, attempts: 3, elapsed: Duration::ZERO, rows: 2 });
    }

    #[test]
    fn patience_ends() {
        let (seen, outcome, effort, _) = ask(vec![(vec![1], lost()), (vec![2], lost())], 1, CEILING);
        assert!(matches!(outcome, Err(ObserveError::Lake(error)) if error.trouble == lost().unwrap_err()));
        assert_eq!((seen, effort.attempts, effort.statements, effort.rows), (vec![], 2, 0, 0));
    }

    #[test]
    fn what_would_fail_again_is_not_asked_again() {
        let said = String::new;
        for trouble in [
            LakeTrouble::OtherProtocol(said()),
            LakeTrouble::Tls(said()),
            LakeTrouble::TokenInClear,
            LakeTrouble::TokenRefused(said()),
            LakeTrouble::OtherVersion(said()),
            LakeTrouble::TimeZone(said()),
            LakeTrouble::Refused(said()),
            LakeTrouble::Failed(said()),
            LakeTrouble::Overdue(Duration::ZERO),
            LakeTrouble::CutShort(said()),
        ] {
            let (seen, outcome, effort, opened) = ask(vec![(vec![1], Err(trouble.clone()))], 9, CEILING);
            assert!(matches!(outcome, Err(ObserveError::Lake(error)) if error.trouble == trouble));
            assert_eq!((seen, effort.attempts, opened), (vec![], 1, 1));
        }
        for trouble in [LakeTrouble::NobodyListens(said()), LakeTrouble::Busy(said()), LakeTrouble::Forgotten] {
            let (seen, outcome, effort, opened) = ask(vec![(vec![1], Err(trouble)), (vec![2], Ok(()))], 9, CEILING);
            outcome.unwrap();
            assert_eq!((seen, effort.attempts, opened), (vec![2], 2, 2));
        }
    }

    #[test]
    fn an_answer_has_an_end_and_a_size() {
        // Eight bytes each, whatever lies beside them in a buffer.
        let (seen, outcome, effort, _) = ask(vec![(vec![1; 1_000], Ok(()))], 2, 7_999);
        let error = outcome.unwrap_err();
        assert!(matches!(&error, ObserveError::Lake(error) if error.trouble == LakeTrouble::TooLarge(7_999)));
        assert_eq!((seen, effort.attempts), (vec![], 1));
        let (seen, outcome, ..) = ask(vec![(vec![1; 1_000], Ok(()))], 2, 8_000);
        outcome.unwrap();
        assert_eq!(seen.len(), 1_000);
    }

    #[test]
    fn every_attempt_writes_into_a_folder_of_its_own() {
        let turns = RefCell::new(VecDeque::from([(vec![], lost()), (vec![], Ok(()))]));
        let mut call = Call::new("sc://here:1".into(), 2, || Ok(Acting(&turns)));
        call.pause = Duration::from_millis(1);
        assert_eq!(call.write("SELECT", |attempt| format!("out/{attempt}")).unwrap(), "out/1");
        assert_eq!((call.effort().attempts, call.effort().statements), (2, 1));
    }
}
