//! What the sink shows, held against what was written there last.

use crate::domain::{
    Configuration,
    rollout::{Rollout, Stage},
};

/// What a sink shows of a service.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// What the sink calls this state.
    pub version: &'a str,
    /// The new configuration, or the only one.
    pub configuration: &'a Configuration,
    /// What the rest of the traffic gets, where it gets something else.
    pub baseline: Option<&'a Configuration>,
    pub percentage: u8,
    pub updated_by: &'a str,
}

/// What that means for a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    AsWritten,
    /// What we wrote, under another name or at another of our steps: somebody touched it, so what was seen may be of something else.
    Touched {
        step: usize,
        version: String,
        because: String,
    },
    /// Something else.
    Theirs {
        because: String,
    },
}

/// Compares; none stands for a service that the sink does not know.
#[must_use]
pub fn compare(rollout: &Rollout, shown: Option<Shown<'_>>) -> Found {
    let theirs = |because: String| Found::Theirs { because };
    let Some(shown) = shown else {
        return match &rollout.stage {
            // It was to be made there, and is not there yet.
            Stage::Proposed if rollout.from.in_sink.is_none() => Found::AsWritten,
            _ => theirs("the sink knows the service no longer".to_owned()),
        };
    };
    let Shown { version, configuration, baseline, percentage, updated_by } = shown;
    match &rollout.stage {
        Stage::Canary { step, .. } => {
            if rollout.deployed.as_deref() == Some(version) && percentage == rollout.written_percent() {
                return Found::AsWritten;
            }
            let ours = configuration.same_as(&rollout.to.configuration)
                && (percentage == 100 || baseline.is_none_or(|baseline| baseline.same_as(&rollout.from.configuration)));
            // A shadow and the first step after it may look alike; the one it is at is the likelier.
            let same = (percentage == rollout.written_percent()).then_some(*step);
            let at = same.or_else(|| rollout.steps.iter().position(|step| step.written_percent() == percentage));
            match at {
                // It went to a step that nothing was known to allow, or back: judged anew from there.
                Some(at) if ours && (percentage < 100 || at == *step) => Found::Touched {
                    step: at,
                    version: version.to_owned(),
                    because: format!("{updated_by} wrote it again, at {percentage} % (version {version})"),
                },
                _ if ours => {
                    theirs(format!("{updated_by} moved it to {percentage} %, which is none of its next steps"))
                }
                _ => theirs(format!("{updated_by} wrote another configuration (version {version})")),
            }
        }
        Stage::Proposed => {
            let alone = percentage == 100 && configuration.same_as(&rollout.from.configuration);
            if alone && rollout.from.in_sink.as_deref() == Some(version) {
                Found::AsWritten
            } else {
                theirs(format!("{updated_by} changed the service before it began (version {version})"))
            }
        }
        Stage::Full { .. } | Stage::RolledBack { .. } | Stage::Overtaken { .. } | Stage::Dropped { .. } => {
            Found::AsWritten
        }
    }
}
