//! One change of one service, from the first look to what is certain in the end.

use std::time::{Duration, Instant};

use super::{
    Options,
    client::{Http, Kind, Trouble},
    goal::{Goal, Standing},
    hearing::Next,
};
use crate::{
    act::sink::{Deployed, Expected, Health, Outcome, Report, Rollback, Write},
    domain::service_id::ServiceId,
    http::chance,
};

#[derive(Debug)]
pub(super) struct Errand<'a> {
    pub(super) goal: Goal<'a>,
    pub(super) expected: Expected,
    /// Writes that were sent.
    attempts: u32,
    /// A write was sent of which nobody said what became of it.
    pub(super) unanswered: bool,
    /// A write failed inside the server: only a look can tell that nothing came of it.
    pub(super) broke: bool,
    /// The last answer could not be used.
    pub(super) sick: bool,
}

impl<'a> Errand<'a> {
    pub(super) fn write(write: &'a Write) -> Self {
        Self::new(Goal::Write(write), write.expected.clone())
    }

    pub(super) fn rollback(rollback: &'a Rollback) -> Self {
        Self::new(Goal::Rollback(rollback), Expected::Version(rollback.expected.clone()))
    }

    fn new(goal: Goal<'a>, expected: Expected) -> Self {
        Self { goal, expected, attempts: 0, unanswered: false, broke: false, sick: false }
    }

    pub(super) fn service(&self) -> &'a ServiceId {
        self.goal.service()
    }

    pub(super) async fn run(mut self, http: &Http, options: &Options, end: Instant) -> Report {
        let outcome = self.outcome(http, options, end).await;
        let health = match outcome {
            Outcome::Refused { stop_all: true, .. } => Health::Refuses,
            Outcome::InDoubt { .. } | Outcome::Failed { .. } | Outcome::Pending { .. } if self.sick => Health::Sick,
            // Whoever could tell us how it ended talks sense, whatever came before.
            _ => Health::Answers,
        };
        Report { outcome, attempts: self.attempts, health }
    }

    async fn outcome(&mut self, http: &Http, options: &Options, end: Instant) -> Outcome {
        let found = match http.look(self.service(), &options.limits, end).await {
            Ok(found) => found,
            Err(trouble) => return self.unseen(trouble),
        };
        match self.standing(found, None) {
            Standing::Over(Outcome::Done { deployed, .. }) => return Outcome::Done { deployed, unchanged: true },
            Standing::Over(Outcome::Conflict { found: None, .. }) if self.may_create(options) => {
                self.expected = Expected::Absent;
            }
            Standing::Over(outcome) => return outcome,
            Standing::Underway => return self.poll(http, options, end).await,
            Standing::Unchanged => {}
        }
        loop {
            self.attempts += 1;
            let next = match http.change(&self.goal.change(http, &self.expected), end).await {
                Ok(answer) => self.heard(http, &answer),
                Err(trouble) => self.unheard(trouble),
            };
            let (why, again) = match next {
                Next::Over(outcome) => return outcome,
                Next::Poll => return self.poll(http, options, end).await,
                Next::Settle { why, busy } => return self.settle(http, options, end, why, busy).await,
                Next::Gone { .. } if self.may_create(options) && self.expected != Expected::Absent => {
                    self.expected = Expected::Absent;
                    continue;
                }
                Next::Gone { why } => {
                    // Where the service is there all the same, it is what it should go back to that is not: nobody is in the way.
                    let no_target = matches!(self.goal, Goal::Rollback(_));
                    return self.settle(http, options, end, why, no_target).await;
                }
                Next::ReadBack { version } => match self.read_back(http, options, end, version).await {
                    Ok(outcome) => return outcome,
                    Err(why) => (why, Some(Duration::ZERO)),
                },
                Next::Look { why, again } => (why, again),
            };
            if again.is_some_and(|asked_for| asked_for > options.limits.patience.longest_wait) {
                self.unanswered |= self.broke;
                return self.unresolved(format!("{why}, and asks for more patience than one run has"));
            }
            let pause = again
                .and_then(|asked_for| options.limits.patience.before_next(self.attempts, asked_for, end, chance()));
            tokio::time::sleep(pause.unwrap_or_default()).await;
            match http.look(self.service(), &options.limits, end).await {
                Err(trouble) => return self.still_unseen(&why, &trouble),
                Ok(found) => match self.standing(found, None) {
                    Standing::Over(outcome) => return outcome,
                    Standing::Underway => return self.poll(http, options, end).await,
                    Standing::Unchanged if pause.is_some() => {}
                    Standing::Unchanged => return self.unresolved(why),
                },
            }
        }
    }

    /// Whether a service that is gone may be made again. Only with all traffic: there is nothing else for the rest of it.
    fn may_create(&self, options: &Options) -> bool {
        options.create_missing && self.goal.is_for_all()
    }

    /// One reading has to show what was said to be done.
    async fn read_back(
        &mut self,
        http: &Http,
        options: &Options,
        end: Instant,
        version: Option<String>,
    ) -> Result<Outcome, String> {
        let found = match http.look(self.service(), &options.limits, end).await {
            Ok(found) => found,
            Err(trouble) => {
                (self.sick, self.unanswered) = (true, true);
                return Ok(Outcome::InDoubt {
                    why: format!("it says it is done, but cannot be read back: {}", trouble.why),
                });
            }
        };
        match self.standing(found, version.as_deref()) {
            Standing::Over(outcome) => Ok(outcome),
            Standing::Underway => Ok(self.poll(http, options, end).await),
            Standing::Unchanged => {
                (self.sick, self.unanswered) = (true, true);
                Err(format!("it says it is done, but still shows {}", self.expected))
            }
        }
    }

    /// Accepted is not done: looks, with growing pauses, for as long as there is time.
    async fn poll(&mut self, http: &Http, options: &Options, end: Instant) -> Outcome {
        let mut pause = options.limits.poll;
        let mut found = None;
        while Instant::now() + pause < end {
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
            // A reading that fails now is followed by another; until then it stays what it is: accepted.
            let seen = http.look(self.service(), &options.limits, end).await;
            self.sick = seen.is_err();
            let Ok(seen) = seen else { continue };
            found.clone_from(&seen);
            if let Standing::Over(outcome) = self.standing(seen, None) {
                return outcome;
            }
        }
        Outcome::Pending { found }
    }

    /// After an answer that says that things are not as expected: one look decides.
    async fn settle(&mut self, http: &Http, options: &Options, end: Instant, why: String, busy: bool) -> Outcome {
        match http.look(self.service(), &options.limits, end).await {
            Err(trouble) if self.unanswered => self.still_unseen(&why, &trouble),
            Err(trouble) => {
                Outcome::Conflict { found: None, why: format!("{why}, and cannot be read again: {}", trouble.why) }
            }
            Ok(found) => match self.standing(found.clone(), None) {
                Standing::Over(outcome) => outcome,
                Standing::Underway => self.poll(http, options, end).await,
                Standing::Unchanged if busy => Outcome::Refused { why, stop_all: false },
                Standing::Unchanged => Outcome::Conflict { found, why },
            },
        }
    }

    fn standing(&self, found: Option<Deployed>, told: Option<&str>) -> Standing {
        self.goal.standing(&self.expected, found, told)
    }

    /// Nothing was sent yet, and nothing can be seen.
    fn unseen(&mut self, trouble: Trouble) -> Outcome {
        self.sick = trouble.is_sickness();
        if trouble.kind == Kind::Closed {
            return Outcome::Refused { why: trouble.why, stop_all: true };
        }
        Outcome::Failed { why: trouble.why }
    }

    /// Something was sent, and nothing can be seen.
    fn still_unseen(&mut self, why: &str, trouble: &Trouble) -> Outcome {
        self.sick = true;
        self.unanswered |= self.broke;
        if why == trouble.why {
            self.unresolved(why.to_owned())
        } else {
            self.unresolved(format!("{why}; then: {}", trouble.why))
        }
    }

    fn unresolved(&self, why: String) -> Outcome {
        if self.unanswered { Outcome::InDoubt { why } } else { Outcome::Failed { why } }
    }
}
