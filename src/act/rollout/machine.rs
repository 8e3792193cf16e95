//! Where a rollout goes next. One pure choice: what is known goes in, one step at most comes out.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    format,
    policy::{Mode, Rules},
    rollout::{Pause, Purpose, Rollout, Stage},
    verdict::{Judgement, Reading, Verdict},
};

/// What is known when a rollout is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub rules: &'a Rules,
    /// None where no traffic could be read at all.
    pub judgement: Option<&'a Judgement>,
    /// What an operator said of the service or of all of them.
    pub freeze: Option<&'a Freeze>,
    pub now: Timestamp,
}

/// An operator's word that goes before everything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Freeze {
    #[serde(flatten)]
    pub said: Pause,
    pub reach: Reach,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Nothing goes forward; what does harm is still taken back.
    Forward,
    /// Nothing is written at all: people have the wheel.
    Everything,
}

/// What is to be done with a rollout in this tick.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Transition {
    Hold(Why),
    /// Give the new configuration the share of this step.
    Expose {
        step: usize,
    },
    /// It serves everything and was watched long enough: nothing is written.
    Complete,
    RollBack {
        because: String,
    },
}

/// Why a rollout stays where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Why {
    Finished,
    /// An operator stopped everything.
    Stopped {
        by: String,
        reason: String,
    },
    /// An operator stopped what goes forward.
    Paused {
        by: String,
        reason: String,
    },
    /// The policy switches the service off, or lets it be observed only.
    NotEnforced,
    /// No traffic could be read.
    NothingRead,
    /// What could be read does not do to judge by.
    NoUsableData {
        missing: Vec<String>,
    },
    /// Breached, and the policy wants no automatic rollback.
    BreachedByHand {
        because: String,
    },
    /// The traffic is not split as it was pushed.
    SplitBroken {
        detail: String,
    },
    /// Some harm is shown, and whether it stays within the margin is open.
    HarmShown {
        detail: String,
    },
    /// Harm beyond the margin is neither shown nor excluded.
    Inconclusive {
        detail: String,
    },
    /// The step has not lasted long enough.
    Baking {
        until: Timestamp,
    },
    /// A trial keeps its share until its time is up.
    Trial {
        until: Timestamp,
    },
}

/// Share of requests without a side from which on nobody knows what the sides serve.
const WITHOUT_SIDE: f64 = 0.1;

/// Picks the next step; changes nothing. Safety is looked at before evidence, evidence before progress.
pub fn advance(rollout: &Rollout, look: &Look<'_>) -> Transition {
    let at = match &rollout.stage {
        Stage::Full { .. } | Stage::RolledBack { .. } | Stage::Overtaken { .. } | Stage::Dropped { .. } => {
            return Transition::Hold(Why::Finished);
        }
        Stage::Proposed => None,
        Stage::Canary { step, since } => Some((*step, *since)),
    };
    if let Some(Freeze { said, reach: Reach::Everything }) = look.freeze {
        return Transition::Hold(Why::Stopped { by: said.by.clone(), reason: said.reason.clone() });
    }
    let Some((step, since)) = at else { return begin(rollout, look) };
    if let Some(transition) = harm(look) {
        return transition;
    }
    let last = step + 1 >= rollout.steps.len();
    // At the last step nothing is left to give up: it serves everything, and is only watched.
    let whole = rollout.share_percent() == 100;
    if look.now >= rollout.deadline && !whole && !holdout(rollout, step) {
        let because = match rollout.purpose {
            Purpose::Trial => "the time of the trial is up",
            Purpose::Change | Purpose::Restore => "its deadline passed before the evidence sufficed",
        };
        return Transition::RollBack { because: because.to_owned() };
    }
    if let Some(held) = held(rollout, look) {
        return held;
    }
    let baked = SignedDuration::from_mins(i64::from(rollout.steps[step].bake_minutes));
    let until = since.saturating_add(baked).unwrap_or(Timestamp::MAX);
    let forward = |transition| {
        // Clocks can step back; then the step has lasted no time at all.
        if look.now < until { Transition::Hold(Why::Baking { until }) } else { transition }
    };
    match rollout.purpose {
        Purpose::Trial => return Transition::Hold(Why::Trial { until: rollout.deadline }),
        // What goes back to a configuration that served before, because the present one is in trouble, waits for nothing.
        Purpose::Restore => {
            return if last { forward(Transition::Complete) } else { Transition::Expose { step: step + 1 } };
        }
        Purpose::Change if last => return forward(Transition::Complete),
        Purpose::Change => {}
    }
    // Made ready without traffic: there is nothing to judge yet.
    let unseen =
        rollout.steps[step].share_percent == 0 && rollout.strategy == crate::domain::policy::RolloutStrategy::BlueGreen;
    if unseen {
        return forward(Transition::Expose { step: step + 1 });
    }
    match evidence(look) {
        Ok(()) => forward(Transition::Expose { step: step + 1 }),
        Err(why) => match forward(Transition::Hold(why.clone())) {
            // Whose time is not up is told why it will not go on then, if that is known to be worse than waiting.
            Transition::Hold(Why::Baking { .. }) if matches!(why, Why::HarmShown { .. } | Why::NoUsableData { .. }) => {
                Transition::Hold(why)
            }
            other => other,
        },
    }
}

fn begin(rollout: &Rollout, look: &Look<'_>) -> Transition {
    if look.rules.mode != Mode::Enforce {
        return Transition::Hold(Why::NotEnforced);
    }
    match look.freeze {
        // Going back is always possible.
        Some(Freeze { said, .. }) if rollout.purpose != Purpose::Restore => {
            Transition::Hold(Why::Paused { by: said.by.clone(), reason: said.reason.clone() })
        }
        Some(_) | None => Transition::Expose { step: 0 },
    }
}

/// What is taken back at once.
fn harm(look: &Look<'_>) -> Option<Transition> {
    let judgement = look.judgement?;
    let because = if let Some(first) = judgement.critical.first() {
        first.clone()
    } else {
        let breached: Vec<String> = judgement.of(Verdict::Breached).map(said).collect();
        if breached.is_empty() {
            return None;
        }
        breached.join("; ")
    };
    Some(if look.rules.rollback.automatic && look.rules.mode != Mode::Observe {
        Transition::RollBack { because }
    } else {
        Transition::Hold(Why::BreachedByHand { because })
    })
}

/// What keeps a rollout where it is, whatever its evidence.
fn held(rollout: &Rollout, look: &Look<'_>) -> Option<Transition> {
    if let Some(Freeze { said: pause, .. }) = look.freeze
        && rollout.purpose != Purpose::Restore
    {
        return Some(Transition::Hold(Why::Paused { by: pause.by.clone(), reason: pause.reason.clone() }));
    }
    if look.rules.mode != Mode::Enforce {
        return Some(Transition::Hold(Why::NotEnforced));
    }
    if rollout.purpose == Purpose::Restore {
        return None;
    }
    let Some(judgement) = look.judgement else { return Some(Transition::Hold(Why::NothingRead)) };
    let split = judgement.split.as_ref()?;
    let detail = if split.without_side > WITHOUT_SIDE {
        format!("{:.0} % of the requests name neither side", 100.0 * split.without_side)
    } else if split.mismatch {
        format!(
            "{:.1} % of the requests went to the candidate, {:.0} % was pushed",
            100.0 * split.seen.unwrap_or(0.0),
            100.0 * split.pushed
        )
    } else {
        return None;
    };
    Some(Transition::Hold(Why::SplitBroken { detail }))
}

/// Whether the evidence lets the rollout go on.
fn evidence(look: &Look<'_>) -> Result<(), Why> {
    let Some(judgement) = look.judgement else { return Err(Why::NothingRead) };
    let mut missing: Vec<String> = judgement.of(Verdict::Error).filter_map(|reading| reading.missing.clone()).collect();
    // One reason for all of them is one reason.
    missing.dedup();
    if !missing.is_empty() || judgement.verdict == Verdict::Error {
        return Err(Why::NoUsableData { missing });
    }
    // Harm that is shown and looks small beside the margin is what the policy puts up with. Harm that is shown and is not is waited for,
    // whatever else the evidence says: where it is close to the margin, a verdict may be wrong by chance.
    let enforced = judgement.readings.iter().filter(|reading| reading.mode == Mode::Enforce);
    let shown: Vec<String> = enforced.filter(|reading| reading.harm_shown && !is_small(reading)).map(said).collect();
    if !shown.is_empty() {
        return Err(Why::HarmShown { detail: shown.join("; ") });
    }
    let mut open: Vec<&Reading> = judgement.of(Verdict::Inconclusive).collect();
    // What is waited for longest comes first.
    open.sort_by(|a, b| b.still_needed.unwrap_or(0.0).total_cmp(&a.still_needed.unwrap_or(0.0)));
    let open: Vec<String> = open.into_iter().map(said).collect();
    if open.is_empty() || look.rules.rollout.accept_unproven && enough(judgement, look.rules) {
        return Ok(());
    }
    Err(Why::Inconclusive { detail: open.join("; ") })
}

/// Without proof, at least so many requests have to speak.
fn enough(judgement: &Judgement, rules: &Rules) -> bool {
    let compared = judgement.readings.iter().filter(|reading| reading.mode == Mode::Enforce);
    compared.map(|reading| reading.candidate_requests).fold(f64::INFINITY, f64::min)
        >= rules.evidence.min_requests as f64
}

/// Whether an effect is within half of what is allowed. One that is not known is not.
fn is_small(reading: &Reading) -> bool {
    reading.verdict == Verdict::Sound
        && reading.effect.is_some_and(|effect| effect * reading.margin.signum() <= 0.5 * reading.margin.abs())
}

/// Whether everything was decided at this step already, and the rest only keeps a small control.
fn holdout(rollout: &Rollout, step: usize) -> bool {
    step + 2 == rollout.steps.len() && rollout.steps[step].share_percent > 50 && step > 0
}

fn said(reading: &Reading) -> String {
    let name = reading.measure.name();
    if let Some(missing) = &reading.missing {
        return format!("{name}: {missing}");
    }
    let number = |value: Option<f64>| value.map_or("?".to_owned(), |value| reading.shown(value));
    format!(
        "{name} {} (between {} and {}), limit {}",
        number(reading.effect),
        number(reading.low),
        number(reading.high),
        number(Some(reading.margin))
    )
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Finished => f.write_str("it is over"),
            Self::Stopped { by, reason } => write!(f, "everything was stopped by {by}: {reason}"),
            Self::Paused { by, reason } => write!(f, "paused by {by}: {reason}"),
            Self::NotEnforced => f.write_str("the policy lets this service be observed only"),
            Self::NothingRead => f.write_str("no traffic could be read"),
            Self::NoUsableData { missing } if missing.is_empty() => f.write_str("there is nothing to judge by"),
            Self::NoUsableData { missing } => write!(f, "nothing to judge by: {}", missing.join("; ")),
            Self::BreachedByHand { because } => {
                write!(f, "{because}; the policy leaves going back to people (`optimizer rollback`)")
            }
            Self::SplitBroken { detail } => write!(f, "the traffic is not split as it was pushed: {detail}"),
            Self::HarmShown { detail } => {
                write!(f, "harm is shown, and not yet that it stays within the limit: {detail}")
            }
            Self::Inconclusive { detail } => write!(f, "too little is known: {detail}"),
            Self::Baking { until } => write!(f, "stays at this step until {}", format::instant(*until)),
            Self::Trial { until } => write!(f, "a trial, until {}", format::instant(*until)),
        }
    }
}
