//! Checks that rest on each other, on a thread of their own. Each has its time; one that takes longer is left behind, and those
//! after it are skipped.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};

use super::Ward;
use crate::{
    cli::Failure,
    domain::{
        doctor::{Check, Subject},
        fault::Exit,
    },
};

/// Checks under way, and those that are still to come.
pub(super) struct Area {
    subjects: &'static [(Subject, Exit)],
    limit: Duration,
    done: Receiver<Check>,
}

/// Where an area tells what it found, in the order that was announced.
pub(super) struct Findings {
    sender: Sender<Check>,
    left: VecDeque<Subject>,
}

/// The area cannot go on. What was not told yet is skipped.
pub(super) struct Over;

impl Findings {
    pub(super) fn tell(&mut self, check: Check) {
        debug_assert_eq!(self.left.front(), Some(&check.subject), "told in the order that was announced");
        self.left.pop_front();
        // Nobody listens any more after the time is up.
        let _ = self.sender.send(check);
    }

    /// The next subject failed, and the others rest on it.
    pub(super) fn fail(&mut self, failure: &Failure) -> Over {
        if let Some(subject) = self.left.front().copied() {
            self.tell(failed(subject, failure));
            self.skip(&format!("it rests on `{}`", subject.name()));
        }
        Over
    }

    /// There is nothing to look at.
    pub(super) fn skip(&mut self, because: &str) -> Over {
        while let Some(subject) = self.left.front().copied() {
            self.tell(Check::skipped(subject, because));
        }
        Over
    }
}

/// A check that ended as this error says.
pub(super) fn failed(subject: Subject, failure: &Failure) -> Check {
    let (found, fix) = failure.told();
    Check::failed(subject, failure.exit(), found, fix)
}

impl Area {
    /// Begins. `subjects` are told in this order, each with the code it fails with when its time is up.
    pub(super) fn start(
        ward: &Arc<Ward>,
        limit: Duration,
        subjects: &'static [(Subject, Exit)],
        work: fn(&Ward, &mut Findings) -> Result<(), Over>,
    ) -> Self {
        let (sender, done) = channel();
        let mut findings = Findings { sender, left: subjects.iter().map(|(subject, _)| *subject).collect() };
        let ward = Arc::clone(ward);
        std::thread::spawn(move || {
            // Whatever kept it from going on has been told.
            let _ = work(&ward, &mut findings);
        });
        Self { subjects, limit, done }
    }

    /// What came of each, one after the other.
    pub(super) fn checks(self) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut missing = None;
        for (subject, exit) in self.subjects {
            if let Some(because) = &missing {
                checks.push(Check::skipped(*subject, because));
                continue;
            }
            checks.push(match self.done.recv_timeout(self.limit) {
                Ok(check) => check,
                Err(RecvTimeoutError::Timeout) => {
                    missing = Some(format!("it rests on `{}`", subject.name()));
                    Check::failed(
                        *subject,
                        *exit,
                        format!("no answer within {} s", self.limit.as_secs()),
                        "see what keeps it; where it is only slow, give it more time with `--timeout`",
                    )
                }
                Err(RecvTimeoutError::Disconnected) => {
                    missing = Some(format!("it rests on `{}`", subject.name()));
                    Check::failed(*subject, *exit, "it came to no end", "standard error may say why: please report it")
                }
            });
        }
        checks
    }
}
