//! The gate itself, with the rules that the product ships.

use jiff::civil::{Date, date};
use optimizer::{
    decide::{
        gate::{Gated, Inputs, gate},
        policy::{Source, parse},
    },
    domain::{
        gate::{GateMetric, GateOutcome, GateUnit, GateVerdict, Slice, UnitKind},
        gate_rules::GateRules,
        metric::Harm,
    },
    stats::gate::Requests,
};

/// Suppressions end on some day; there are none.
const TODAY: Date = date(2026, 1, 1);

/// What it said of a run.
#[derive(Debug, Clone)]
pub struct Said {
    pub failed: bool,
    /// Whether any harm was beyond chance, within its margin or not.
    pub shown: bool,
    /// Figures over all requests that are called worse.
    pub worse: Vec<GateMetric>,
    /// Comparisons with evidence that can fail the run.
    pub guards: usize,
    pub unit: GateUnit,
}

/// The rules where a policy says nothing of a gate.
#[must_use]
pub fn rules() -> GateRules {
    let source = Source::profile("balanced").expect("it ships");
    parse(source, &|_| unreachable!("it extends nothing")).unwrap_or_else(|_| unreachable!("it is tested")).gate
}

#[must_use]
pub fn said(sides: &[Requests; 2], rules: &GateRules) -> Said {
    let [baseline, candidate] = sides;
    let Gated { outcome, comparisons, unit, .. } =
        gate(&Inputs { baseline, candidate, rules, past: &[], today: TODAY });
    let guards = || comparisons.iter().filter(|one| one.guards && one.p_value_corrected.is_some());
    let shown = guards().any(|one| {
        let sign = if one.metric.harm() == Harm::Down { -1.0 } else { 1.0 };
        let harms = one.difference.is_some_and(|difference| sign * difference > 0.0);
        harms && one.p_value_corrected.is_some_and(|p| p <= rules.alpha)
    });
    let worse = guards().filter(|one| one.slice == Slice::Overall && one.verdict == GateVerdict::Regression);
    let (worse, guards) = (worse.map(|one| one.metric).collect(), guards().count());
    Said { failed: outcome == GateOutcome::Failed, shown, worse, guards, unit }
}

/// For people.
#[must_use]
pub fn unit(unit: &GateUnit) -> String {
    match unit.kind {
        UnitKind::Request => "request".to_owned(),
        UnitKind::Session => "session".to_owned(),
        UnitKind::Prompt => "prompt".to_owned(),
        UnitKind::Run => "run".to_owned(),
        UnitKind::Minutes => format!("{} min", unit.minutes.unwrap_or_default()),
    }
}
