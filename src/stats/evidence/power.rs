//! Before a rollout starts: how many of the candidate's requests a verdict takes.

use crate::stats::tails::normal::upper_quantile;

use super::{
    block::ENOUGH,
    bound::{Chance, weight_needed},
    cell::{AT_TAU, Counts},
    judge::PROMOTE_ALPHA,
    measure::{Measure, Question},
    reading::Margins,
    variance::MIN_BLOCKS,
};

/// What the variance is taken for too large, on average, because it is estimated from blocks and raised for their dependence.
/// Measured on simulated rollouts of resampled requests (`make scoreboard PARTS=evidence`).
pub const OVERHEAD: f64 = 1.05;

/// A rollout that is being thought of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned<'a> {
    /// Requests of the control in a time before, its slow ones counted against its own 95th percentile.
    pub control: &'a Counts,
    /// What the candidate may lose.
    pub margins: &'a Margins,
    /// Share of the requests that the candidate gets.
    pub share: f64,
    /// How much more sums vary than those of independent requests; 1 when they are.
    pub design_effect: f64,
    /// Probability with which a candidate without any difference is to be called sound by then.
    pub power: f64,
}

impl Planned<'_> {
    /// Requests of the candidate (with a score, for quality; with a price, for cost; timed, for latency) until a candidate like the
    /// control is called sound with the planned power, at the boundary that holds at every look. `None` when that never happens, as
    /// with a margin of zero, or when the control has nothing to plan with.
    #[must_use]
    pub fn requests_needed(&self, measure: Measure) -> Option<f64> {
        let control = self.control;
        let counted = match measure {
            Measure::Errors => control.served,
            Measure::Quality => control.scored,
            Measure::Cost => control.priced,
            Measure::Latency => control.timed,
        };
        let within = |number: f64| number > 0.0 && number < 1.0;
        if !(counted > 0.0 && within(self.share) && within(self.power) && self.design_effect >= 1.0) {
            return None;
        }
        let question = self.margins.question(measure);
        let distance = match question {
            Question::Errors(points) => points,
            Question::Quality(kept) => (1.0 - kept) * control.quality / counted,
            Question::Cost(ratio) => (ratio - 1.0) * control.cost / counted,
            Question::Tail(place) => (control.slow[AT_TAU] - control.slow[place]) / counted,
            Question::Order => return None,
        };
        let (variances, _) = question.single(&[*control, *control]);
        // Per candidate request there are (1 − share) / share of the control, so a weight of 1 − share.
        let single = (1.0 - self.share) * variances[0] + self.share * variances[1];
        let variance = single * self.design_effect * OVERHEAD;
        let scale = 0.5 * (single / distance).powi(2);
        let chance = Chance { variance, scale, step: 0.0 };
        let weight = weight_needed(distance, chance, PROMOTE_ALPHA, upper_quantile(1.0 - self.power)?)?;
        Some((weight / (1.0 - self.share)).max(MIN_BLOCKS * ENOUGH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> Counts {
        let mut slow = [0.0; super::super::cell::GRID.len()];
        slow[..=AT_TAU].fill(500.0);
        Counts {
            served: 10_100.0,
            provider_errors: 100.0,
            succeeded: 10_000.0,
            timed: 10_000.0,
            slow,
            scored: 5_000.0,
            quality: 4_500.0,
            quality_squares: 4_500.0,
            priced: 10_000.0,
            cost: 100.0,
            cost_squares: 2.0,
        }
    }

    fn needed(change: impl Fn(&mut Planned), margins: Margins, measure: Measure) -> Option<f64> {
        let control = history();
        let mut planned = Planned { control: &control, margins: &margins, share: 0.05, design_effect: 1.0, power: 0.8 };
        change(&mut planned);
        planned.requests_needed(measure)
    }

    #[test]
    fn costs_less_than_twice_a_test_that_is_looked_at_once() {
        // One-sided, 0.25 % and power 80 %: (2.807 + 0.842)² · variance / distance², restricted to the bound as here.
        let once = 13.31 * (0.95 * 0.145 * 0.855 + 0.05 * 0.9 * 0.1 * 0.95 * 0.95) / 0.045_f64.powi(2);
        let ours = needed(|_| (), Margins::default(), Measure::Quality).unwrap();
        assert!((1.5..2.0).contains(&(ours / once)), "{}", ours / once);
    }

    #[test]
    fn more_of_everything_takes_more() {
        let margins = Margins::default();
        for measure in Measure::ALL {
            let plain = needed(|_| (), margins, measure).unwrap();
            assert!(plain >= MIN_BLOCKS * ENOUGH);
            assert!(needed(|planned| planned.power = 0.95, margins, measure).unwrap() >= plain);
            assert!(needed(|planned| planned.design_effect = 40.0, margins, measure).unwrap() > 2.0 * plain);
        }
    }

    #[test]
    fn what_cannot_be_planned_is_none() {
        let none = Margins { quality_drop: 0.0, latency_increase: 0.0, error_points: 0.0, cost_ratio: 1.0 };
        for measure in Measure::ALL {
            assert_eq!(needed(|_| (), none, measure), None);
            assert_eq!(needed(|planned| planned.share = 1.0, Margins::default(), measure), None);
            assert_eq!(needed(|planned| planned.power = f64::NAN, Margins::default(), measure), None);
        }
        let empty = Counts::default();
        let planned = Planned { control: &empty, margins: &none, share: 0.05, design_effect: 1.0, power: 0.8 };
        assert_eq!(planned.requests_needed(Measure::Cost), None);
    }
}
