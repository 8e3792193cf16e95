//! From sources to one plan, or to two by different policies.

use std::collections::BTreeMap;

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};

use super::{
    Failure,
    governance::Governance,
    past::Past,
    progress::Progress,
    source::{Named, Sources},
    times::Times,
};
use crate::{
    decide::{self, Inputs, Planned},
    domain::{KnownConfigurations, ModelTable, Policy, Remembered, approval::Asked, phase::Phase},
    observe::{self, Downloads, Engine, Kept, LoadRequest, Place, Request, Stage, history::Fresh},
    orient,
    stats::Observation,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Pushdown {
    /// In the database where that pays: many rows, and no scores to join; docs/pushdown.md has the figures
    Auto,
    /// In the database, or not at all
    Always,
    /// Here: the rows are copied
    Never,
}

impl From<Pushdown> for Place {
    fn from(pushdown: Pushdown) -> Self {
        match pushdown {
            Pushdown::Auto => Self::Auto,
            Pushdown::Always => Self::Database,
            Pushdown::Never => Self::Here,
        }
    }
}

/// What is left in the engine when all is reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Nothing that could be read again.
    Rollups,
    /// Every row of the lookback.
    Rows,
}

/// Everything one plan is made from.
pub(super) struct Work {
    pub named: Named,
    pub policy: Policy,
    /// To be held against the other.
    pub compare: Option<Policy>,
    pub models: ModelTable,
    pub configurations: BTreeMap<String, KnownConfigurations>,
    pub window: SignedDuration,
    pub lookback: SignedDuration,
    pub until: Option<Timestamp>,
    /// The wall clock.
    pub now: Timestamp,
    pub pushdown: Pushdown,
    pub remembered: Remembered,
    pub governance: Option<Governance>,
    pub times: Times,
}

impl Work {
    /// The plan, and the one of the other policy where there is one.
    pub(super) fn planned(
        &self,
        engine: &Engine,
        downloads: &Downloads,
    ) -> Result<(Planned, Option<Planned>), Failure> {
        Ok(self.decided(&self.observed(engine, downloads, Keep::Rollups)?))
    }

    /// The same for what was observed already.
    pub(super) fn decided(&self, observation: &Observation) -> (Planned, Option<Planned>) {
        self.decided_after(observation, None)
    }

    /// The same with what is known of former days.
    pub(super) fn decided_after(&self, observation: &Observation, past: Option<&Past>) -> (Planned, Option<Planned>) {
        // What counts as too slow or too dear is the policy's to say, so each has findings of its own.
        let memory = self.remembered.before(observation.windows.window.end());
        let decide = |policy: &Policy, governance: Option<&Governance>| {
            let findings = self.times.time(Phase::Orient, None, || {
                let mut findings = orient::findings(observation, past.map(|past| &past.history), policy).findings;
                findings.extend(past.iter().flat_map(|past| past.sudden.iter().cloned()));
                orient::sort(&mut findings);
                findings
            });
            let inputs = Inputs {
                observation,
                findings: &findings,
                policy,
                models: &self.models,
                configurations: &self.configurations,
                memory: &memory,
                followed: past.is_some(),
            };
            self.times.time(Phase::Decide, None, || {
                let planned = decide::plan(&inputs);
                match governance {
                    Some(governance) => asked(planned, &inputs, governance),
                    None => planned,
                }
            })
        };
        // Nobody is asked about plans that are only held against each other.
        match &self.compare {
            Some(other) => (decide(&self.policy, None), Some(decide(other, None))),
            None => (decide(&self.policy, self.governance.as_ref()), None),
        }
    }

    /// Reads the sources.
    pub(super) fn observed(&self, engine: &Engine, downloads: &Downloads, keep: Keep) -> Result<Observation, Failure> {
        self.observed_in(&self.found(downloads)?, engine, keep, None)
    }

    /// Finds the sources.
    pub(super) fn found(&self, downloads: &Downloads) -> Result<Sources<'_>, Failure> {
        let progress = Progress::start();
        progress.says("looking at the sources");
        self.named.find(downloads)
    }

    /// Reads the sources, which were found. `kept` tells which rows are looked at again, where not all may be.
    pub(super) fn observed_in(
        &self,
        sources: &Sources<'_>,
        engine: &Engine,
        keep: Keep,
        kept: Option<&[Kept]>,
    ) -> Result<Observation, Failure> {
        let progress = Progress::start();
        // Rejected rows are written from here, so they have to come here.
        let place = if sources.rejects().is_some() && self.pushdown == Pushdown::Auto {
            Pushdown::Never
        } else {
            self.pushdown
        };
        if sources.rejects().is_some() && place == Pushdown::Always {
            return Err(Failure::usage(
                "`--rejects` needs the rows, and `--pushdown always` leaves them in the database",
                "leave one of the two out",
            ));
        }
        // So do these from an engine.
        let kept = kept.filter(|_| sources.rejects().is_none());
        // What is to be looked at again has to be here.
        let pushdown = (keep == Keep::Rollups).then_some((Place::from(place), &self.models));
        let request = Request {
            load: LoadRequest { pushdown, kept, ..sources.load(&self.policy, self.now) },
            window: self.window,
            lookback: self.lookback,
            until: self.until,
            prices: &self.models,
            rejects: sources.rejects(),
        };
        let says = |stage| {
            progress.says(match stage {
                Stage::Reading => "reading",
                Stage::Deduplicating => "looking for duplicates",
                Stage::Reducing => "reducing to rollups",
                Stage::Merging => "merging rollups",
            });
        };
        Ok(match keep {
            Keep::Rollups => observe::observe(engine, &request, &says)?,
            Keep::Rows => observe::observe_rows(engine, &request, &says)?,
        })
    }
}

impl Work {
    /// Reads so much of the sources once more, for the history. None where there are no requests in it.
    pub(super) fn fresh(
        &self,
        sources: &Sources<'_>,
        memory_limit: Option<&str>,
        lookback: SignedDuration,
    ) -> Result<Option<Fresh>, Failure> {
        if sources.come_once() {
            return Err(Failure::usage(
                "the deep scope reads the source twice, and standard input comes once",
                "write it to a file and name that, or use `--scope standard`",
            ));
        }
        let progress = Progress::start();
        progress.says("catching the history up");
        // Of its own: the other holds the rows of another lookback.
        let engine = Engine::open(memory_limit)?;
        let request = Request {
            load: sources.load(&self.policy, self.now),
            // Half the lookback is the longest window that may be compared with one before.
            window: lookback / 2,
            lookback,
            until: self.until,
            prices: &self.models,
            // They are written when the window is read.
            rejects: None,
        };
        Ok(observe::history::fresh(&engine, &request, &|_| ())?)
    }
}

/// The plan as the governance service leaves it.
fn asked(planned: Planned, inputs: &Inputs<'_>, governance: &Governance) -> Planned {
    let questions = decide::questions(&planned.plan, inputs.policy);
    if questions.is_empty() {
        return planned;
    }
    let progress = Progress::start();
    progress.says("asking the governance service");
    let verdicts = governance.service.ask(&questions);
    let asked = Asked { service: governance.service.shown(), fail_open: governance.fail_open, verdicts };
    decide::approve(planned, inputs, &asked)
}
