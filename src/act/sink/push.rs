//! Many services at a time: one that fails holds nobody up.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::{Admission, Breaker, BreakerSettings, Halt, Health, Job, Report, Sink, Urgency, carry_out};

/// Whether an earlier run may have done the jobs already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Fresh,
    Settle,
}

#[derive(Debug, Clone, Copy)]
pub struct Push {
    pub purpose: Purpose,
    /// Jobs under way at the same time.
    pub concurrency: usize,
    pub breaker: BreakerSettings,
    pub halt: Halt,
}

impl Default for Push {
    fn default() -> Self {
        Self { purpose: Purpose::Fresh, concurrency: 16, breaker: BreakerSettings::default(), halt: Halt::default() }
    }
}

/// What the jobs of one push share.
struct Common<'a, Clock> {
    sink: &'a dyn Sink,
    settings: BreakerSettings,
    halt: Halt,
    now: Clock,
    state: Mutex<Shared>,
}

struct Shared {
    breaker: Breaker,
    /// Why nothing more begins.
    stopped: Option<String>,
}

/// Carries out every job, rollbacks first, and returns a report for each in the order of `jobs`.
///
/// A job that was not begun, because the sink is being left alone, has refused to talk to us, or this process is to end, is `Failed` with no attempts; one
/// that is only to be settled stays `InDoubt`.
/// `breaker` is brought up to date, to be stored for the next run; `now` is asked whenever it is used.
pub async fn push_all(
    sink: &dyn Sink,
    jobs: &[Job],
    breaker: &mut Breaker,
    push: Push,
    now: impl Fn() -> Timestamp + Send + Sync,
) -> Vec<Report> {
    let state = Mutex::new(Shared { breaker: *breaker, stopped: None });
    let common = Common { sink, settings: push.breaker, halt: push.halt, now, state };
    let numbered = jobs.iter().enumerate();
    // What ends harm comes before what may bring good.
    let (rollbacks, writes): (Vec<_>, Vec<_>) = numbered.partition(|(_, job)| matches!(job, Job::Rollback(_)));
    let mut reports = common.push(rollbacks, push.concurrency).await;
    // While it is not known whether anybody is there, one goes ahead alone.
    let ahead = usize::from(!matches!(common.lock().breaker, Breaker::Closed { .. })).min(writes.len());
    let (first, rest) = writes.split_at(ahead);
    reports.extend(common.push(first.to_vec(), 1).await);
    reports.extend(common.push(rest.to_vec(), push.concurrency).await);
    *breaker = common.lock().breaker;
    reports.sort_unstable_by_key(|(at, _)| *at);
    let told =
        |(_, report): (usize, Report)| if push.purpose == Purpose::Settle { report.of_settling() } else { report };
    reports.into_iter().map(told).collect()
}

impl<Clock: Fn() -> Timestamp + Send + Sync> Common<'_, Clock> {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn push(&self, jobs: Vec<(usize, &Job)>, concurrency: usize) -> Vec<(usize, Report)> {
        let one = |(at, job)| async move { (at, self.one(job).await) };
        stream::iter(jobs).map(one).buffer_unordered(concurrency.max(1)).collect().await
    }

    async fn one(&self, job: &Job) -> Report {
        if let Some(why) = self.held_back(job) {
            return Report::unasked(why);
        }
        let report = tokio::select! {
            biased;
            report = carry_out(self.sink, job) => report,
            () = self.halt.over() => return Report::cut_off(),
        };
        let now = (self.now)();
        let mut shared = self.lock();
        shared.breaker.record(report.health, &self.settings, now);
        if report.health == Health::Refuses {
            shared.stopped.get_or_insert_with(|| format!("not begun, because the sink does not talk to us ({report})"));
        }
        report
    }

    fn held_back(&self, job: &Job) -> Option<String> {
        if let Some(why) = self.halt.why() {
            return Some(why);
        }
        let urgency = if matches!(job, Job::Rollback(_)) { Urgency::Rollback } else { Urgency::Write };
        let now = (self.now)();
        let mut shared = self.lock();
        if shared.stopped.is_some() {
            return shared.stopped.clone();
        }
        match shared.breaker.admit(urgency, &self.settings, now) {
            Admission::Go | Admission::Probe => None,
            Admission::Wait { until: Some(until) } => {
                Some(format!("not begun: the sink does not answer, and is left alone until {until:.0}"))
            }
            Admission::Wait { until: None } => {
                Some("not begun: the sink did not answer before, and another job is finding out".to_owned())
            }
        }
    }
}
