//! What one run has to tell.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Finding, FindingKind, Severity,
    notice::{Event, Notice, State},
    run::{Did, RunReport, Scope, StepLine},
    status::{Frozen, StatusReport},
    tally::Ending,
};

/// Everything one run has to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    run: String,
    at: Timestamp,
    notices: Vec<Notice>,
    /// Beginnings of the keys that this run could have found. What it did not look at is not over because nobody says that it stands.
    looked_at: BTreeSet<String>,
}

impl News {
    #[must_use]
    pub fn of(run: &str, at: Timestamp) -> Self {
        Self { run: run.to_owned(), at, notices: Vec::new(), looked_at: BTreeSet::new() }
    }

    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Whether this run would have found what has this key.
    #[must_use]
    pub fn looked_at(&self, key: &str) -> bool {
        self.looked_at.iter().any(|beginning| key.starts_with(beginning))
    }

    /// Runs that were found to have died.
    #[must_use]
    pub fn with_killed(mut self, runs: &[String]) -> Self {
        for run in runs {
            self.tell(Said {
                event: Event::RunFailed,
                state: State::Once,
                key: format!("{}/killed/{run}", Event::RunFailed.name()),
                service: None,
                severity: Severity::High,
                summary: format!("run {run} was killed before it came to its end"),
                detail: "what it left open is settled; look at its memory, its deadline and its machine".to_owned(),
            });
        }
        self
    }

    /// What became of rollouts, in this run or in one before. A dry run did nothing.
    #[must_use]
    pub fn with_run(mut self, report: &RunReport) -> Self {
        if report.dry_run {
            return self;
        }
        for step in &report.steps {
            let StepLine { service, rollout, share_before, share_after, did, why, .. } = step;
            let (event, severity, key, summary) = match did {
                Did::Began | Did::Advanced => (
                    Event::ChangeApplied,
                    Severity::Low,
                    format!("{}/{rollout}/{share_after}", Event::ChangeApplied.name()),
                    format!(
                        "{service}: the new configuration serves {share_after} % of the traffic ({share_before} % before)"
                    ),
                ),
                Did::Completed => (
                    Event::ChangeCompleted,
                    Severity::Low,
                    format!("{}/{rollout}", Event::ChangeCompleted.name()),
                    format!("{service}: the change is completed and proven"),
                ),
                Did::RolledBack => (
                    Event::RolledBack,
                    Severity::High,
                    format!("{}/{rollout}", Event::RolledBack.name()),
                    format!("{service}: the change was taken back, from {share_before} % of the traffic"),
                ),
                Did::Held | Did::Restarted | Did::Overtaken | Did::InDoubt | Did::Pending | Did::Failed => continue,
            };
            let service = Some(service.clone());
            self.tell(Said { event, state: State::Once, key, service, severity, summary, detail: why.clone() });
        }
        self
    }

    /// What operators froze.
    #[must_use]
    pub fn with_status(mut self, status: &StatusReport) -> Self {
        self.looked_at.insert(format!("{}/", Event::Frozen.name()));
        for Frozen { service, by, reason, everything, .. } in &status.frozen {
            let who = service.as_deref().unwrap_or("all services");
            let (reach, what) =
                if *everything { ("everything", "nothing is written") } else { ("forward", "nothing goes forward") };
            self.tell(Said {
                event: Event::Frozen,
                state: State::Stands,
                key: format!("{}/{}/{reach}", Event::Frozen.name(), service.as_deref().unwrap_or("*")),
                service: service.clone(),
                severity: Severity::Medium,
                summary: format!("{who}: {what}, says {by}"),
                detail: reason.clone(),
            });
        }
        self
    }

    /// Budgets that are passed, or certain to be. Only for findings of a whole tick: what was not looked for is not over.
    #[must_use]
    pub fn with_budgets(mut self, findings: &[Finding]) -> Self {
        self.looked_at.insert(format!("{}/", Event::BudgetBreached.name()));
        for finding in findings {
            let which = match finding.kind {
                FindingKind::DailyBudget => "daily",
                FindingKind::MonthlyBudget => "monthly",
                _ => continue,
            };
            // Less than that only says that it may be.
            if finding.severity < Severity::Medium {
                continue;
            }
            let who = finding.service.as_deref().unwrap_or("all services");
            self.tell(Said {
                event: Event::BudgetBreached,
                state: State::Stands,
                key: format!("{}/{}/{which}", Event::BudgetBreached.name(), finding.service.as_deref().unwrap_or("*")),
                service: finding.service.clone(),
                severity: finding.severity,
                summary: format!("{who}: {}", finding.summary),
                detail: String::new(),
            });
        }
        self
    }

    /// How the run ended. A failure is over when a run of the same scope goes well, and no sooner.
    #[must_use]
    pub fn with_end(mut self, scope: Scope, ending: Ending, why: &str) -> Self {
        let of_scope = format!("{}/{}/", Event::RunFailed.name(), scope.name());
        let severity = match ending {
            Ending::Fine => {
                self.looked_at.insert(of_scope);
                return self;
            }
            Ending::State | Ending::InDoubt => Severity::Critical,
            Ending::Usage | Ending::Source | Ending::Sink | Ending::Overdue | Ending::Killed => Severity::High,
            Ending::Interrupted => Severity::Medium,
        };
        self.tell(Said {
            event: Event::RunFailed,
            state: State::Stands,
            key: of_scope + ending.name(),
            service: None,
            severity,
            summary: format!("a run ({}) failed: {}", scope.name(), ending.name().replace('_', " ")),
            detail: why.to_owned(),
        });
        self
    }

    fn tell(&mut self, said: Said) {
        let Said { event, state, key, service, severity, summary, detail } = said;
        let (at, run) = (self.at, self.run.clone());
        self.notices.push(Notice { event, state, key, service, severity, summary, detail, at, run });
    }
}

/// A notice before it has its run and time.
struct Said {
    event: Event,
    state: State,
    key: String,
    service: Option<String>,
    severity: Severity,
    summary: String,
    detail: String,
}
