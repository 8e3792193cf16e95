//! The routing that a plan proposes against the present one, over all segments.

use super::{Evaluated, MEASURES};
use crate::{
    domain::{Metric, evaluation::TotalEvaluation},
    stats::{interval::Uncertain, off_policy::MeasuredValue},
};

/// One measure of a segment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Means {
    measure: Metric,
    /// As logged.
    present: Option<Uncertain>,
    /// Share of the segment's requests that carry the measure.
    coverage: f64,
    /// All of it on the proposed arm, and how that differs from the present.
    proposed: Option<(Uncertain, Uncertain)>,
}

impl Means {
    pub(super) fn new(measure: Metric, present: Option<&MeasuredValue>) -> Self {
        Self {
            measure,
            present: present.map(|present| present.estimate),
            coverage: present.map_or(0.0, |present| present.coverage),
            proposed: None,
        }
    }

    pub(super) fn to(&mut self, proposed: &MeasuredValue, difference: Option<Uncertain>) {
        self.proposed = difference.map(|difference| (proposed.estimate, difference));
    }
}

pub(super) fn totals(segments: &[Evaluated]) -> Vec<TotalEvaluation> {
    MEASURES.into_iter().map(|measure| total(segments, measure)).collect()
}

/// A weighted mean of independent estimates.
#[derive(Default)]
struct Mean {
    weight: f64,
    sum: f64,
    variance: f64,
}

impl Mean {
    fn add(&mut self, weight: f64, value: f64, error: f64) {
        self.weight += weight;
        self.sum += weight * value;
        self.variance += (weight * error).powi(2);
    }

    fn uncertain(&self) -> Option<Uncertain> {
        (self.weight > 0.0)
            .then(|| Uncertain { value: self.sum / self.weight, standard_error: self.variance.sqrt() / self.weight })
    }
}

fn total(segments: &[Evaluated], measure: Metric) -> TotalEvaluation {
    let (mut now, mut then, mut change) = (Mean::default(), Mean::default(), Mean::default());
    let mut abstained = None;
    let mut any_change = false;
    for segment in segments {
        let shown = &segment.shown;
        let moved = shown.proposed.as_ref().map(|_| shown.share.unwrap_or(1.0));
        any_change |= moved.is_some();
        let name = format!("{}, {}", shown.service, shown.segment.name());
        let means = segment.means.iter().find(|means| means.measure == measure);
        let Some((means, present)) = means.and_then(|means| Some((means, means.present?))) else {
            if moved.is_some() {
                let logged = || shown.as_logged.iter().find(|mean| mean.measure == measure)?.abstained.clone();
                let why = shown.abstained.clone().or_else(logged).unwrap_or_default();
                abstained = abstained.or(Some(format!("{name}: {why}")));
            }
            continue;
        };
        let weight = shown.propensities.usable() as f64 * means.coverage;
        now.add(weight, present.value, present.standard_error);
        match (moved, means.proposed) {
            (None, _) => {
                then.add(weight, present.value, present.standard_error);
                change.add(weight, 0.0, 0.0);
            }
            (Some(share), Some((proposed, difference))) => {
                // Both are of the same requests, so at worst their errors add up.
                let error = (1.0 - share) * present.standard_error + share * proposed.standard_error;
                then.add(weight, present.value + share * difference.value, error);
                change.add(weight, share * difference.value, share * difference.standard_error);
            }
            (Some(_), None) => {
                let arm = shown.arms.iter().find(|arm| Some(&arm.arm) == shown.proposed.as_ref());
                let line = arm.and_then(|arm| arm.measures.iter().find(|line| line.measure == measure));
                let why = line.and_then(|line| line.abstained.clone()).unwrap_or_default();
                abstained = abstained.or(Some(format!("{name}: {why}")));
            }
        }
    }
    if !any_change {
        abstained = Some("the plan proposes no change".to_owned());
    }
    let told = |mean: &Mean| mean.uncertain().filter(|_| abstained.is_none()).map(|mean| mean.estimate());
    TotalEvaluation {
        measure,
        unit: measure.unit().into(),
        present: now.uncertain().map(|mean| mean.estimate()),
        planned: told(&then),
        difference: told(&change),
        abstained,
    }
}
