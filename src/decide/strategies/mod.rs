//! Where candidates come from: one file a strategy. Each only proposes; what becomes of a proposal is decided the same for all.

mod models;
mod parameters;
mod prompts;

pub(super) use parameters::changed;

use super::{case::Case, predict::Prediction};
use crate::domain::{
    Arm, Setting,
    plan::{Step, Strategy},
};

/// Something that might serve a segment better.
#[derive(Debug, Clone)]
pub(super) struct Idea {
    pub arm: Arm,
    pub strategy: Strategy,
    pub settings: Vec<Setting>,
    /// The settings make it something that has never served, whatever its name did.
    pub settings_are_new: Option<New>,
    /// Figures to go by where it has served nothing here.
    pub predicted: Option<Prediction>,
    /// Why it may be worth a trial although little is known.
    pub trial: Option<String>,
}

/// Marks an idea that no log can know yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct New;

impl Idea {
    pub(super) fn of(arm: Arm, strategy: Strategy) -> Self {
        Self { arm, strategy, settings: Vec::new(), settings_are_new: None, predicted: None, trial: None }
    }
}

/// Every idea for the segment in a fixed order, and what those who have none have to say.
pub(super) fn ideas(case: &Case<'_>, current: &Arm) -> (Vec<Idea>, Vec<Step>) {
    let mut steps = Vec::new();
    let mut ideas = models::ideas(case, current);
    ideas.extend(prompts::ideas(case, current));
    ideas.extend(parameters::ideas(case, current, &mut steps));
    ideas.sort_by(|a, b| (&a.arm, a.strategy, &a.settings).cmp(&(&b.arm, b.strategy, &b.settings)));
    ideas.dedup_by(|a, b| a.arm == b.arm && a.settings == b.settings);
    (ideas, steps)
}
