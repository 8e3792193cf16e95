//! What is known of one measure, in the words of the policy.

use serde::{Deserialize, Serialize};

use super::{
    cell::{AT_TAU, GRID},
    ledger::{LOWEST, Ledger},
    measure::{Measure, Question},
};

/// How far a candidate may fall behind before it is undone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Margins {
    /// Loss of mean quality as a part of the control's: 0.05 is five percent.
    pub quality_drop: f64,
    /// Growth of the 95th percentile of latency as a part of the control's: 0.2 is twenty percent. Read as the next smaller
    /// place of [`GRID`].
    pub latency_increase: f64,
    /// Growth of the error rate, as a difference of shares: 0.05 is five points.
    pub error_points: f64,
    /// Mean cost over the control's.
    pub cost_ratio: f64,
}

impl Default for Margins {
    /// Those of the balanced profile.
    fn default() -> Self {
        Self { quality_drop: 0.05, latency_increase: 0.2, error_points: 0.05, cost_ratio: 2.0 }
    }
}

impl Margins {
    pub(super) fn question(&self, measure: Measure) -> Question {
        match measure {
            Measure::Errors => Question::Errors(self.error_points),
            Measure::Quality => Question::Quality(1.0 - self.quality_drop),
            Measure::Cost => Question::Cost(self.cost_ratio),
            Measure::Latency => Question::Tail(super::measure::place_of(self.latency_increase)),
        }
    }

    /// The margin in the unit of [`Effect`].
    pub(super) fn of(&self, measure: Measure) -> f64 {
        match measure {
            Measure::Errors => self.error_points,
            Measure::Quality => self.quality_drop,
            Measure::Cost => self.cost_ratio - 1.0,
            Measure::Latency => GRID[super::measure::place_of(self.latency_increase)] - 1.0,
        }
    }
}

/// Harm with its anytime-valid interval; positive is worse. Errors: difference of shares. Quality: loss as a part of the
/// control's mean. Cost and latency (95th percentile): growth as a part of the control's.
///
/// A part that is `None` is not known yet, or lies outside what is looked at: latency from a quarter less to three times as much,
/// cost up to a hundred times as much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Best guess.
    pub point: Option<f64>,
    /// Lower bound, never wrong during the whole rollout but with the probability that rolls back.
    pub low: Option<f64>,
    /// Upper bound, never wrong during the whole rollout but with the probability that promotes.
    pub high: Option<f64>,
}

/// Searched for ratios: up to 99 times more.
const LARGEST: f64 = 99.0;

impl Effect {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { point: None, low: None, high: None };

    /// Reads the measure's effect off the ledger: `below` and `above` are the error probabilities of its two bounds.
    #[must_use]
    pub fn of(ledger: &Ledger, measure: Measure, margins: &Margins, below: f64, above: f64) -> Self {
        let track = measure.track(ledger);
        let interval = |question: Question| question.sum(ledger).map(|sum| sum.interval(below, above));
        match measure {
            Measure::Errors => {
                let bounds = interval(margins.question(measure));
                let shifted = |bound: f64| finite((bound + margins.error_points).clamp(-1.0, 1.0));
                Self {
                    point: track.mean(0),
                    low: bounds.and_then(|[low, _]| shifted(low)),
                    high: bounds.and_then(|[_, high]| shifted(high)),
                }
            }
            Measure::Quality => {
                let point = track.mean(0).zip(track.mean(1)).and_then(|(new, old)| finite(1.0 - new / old));
                let bound = |side: usize| {
                    falling(-LARGEST, 1.0, |loss| interval(Question::Quality(1.0 - loss)).map(|bounds| bounds[side]))
                };
                Self { point, low: bound(0), high: bound(1) }
            }
            Measure::Cost => {
                let point = track.mean(0).zip(track.mean(1)).and_then(|(new, old)| finite(new / old - 1.0));
                let bound = |side: usize| {
                    falling(-1.0, LARGEST, |more| interval(Question::Cost(1.0 + more)).map(|bounds| bounds[side]))
                };
                Self { point, low: bound(0), high: bound(1) }
            }
            Measure::Latency => {
                let point = along_grid(|place| track.mean(1 + place - LOWEST));
                let bounds: [Option<[f64; 2]>; GRID.len()] =
                    std::array::from_fn(|place| (place >= LOWEST).then(|| interval(Question::Tail(place)))?);
                let bound = |side: usize| along_grid(|place| bounds[place].map(|bounds| bounds[side]));
                Self { point, low: bound(0), high: bound(1) }
            }
        }
    }
}

fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

/// Where a falling function crosses zero between `from` and `to`, by false position with Illinois' halving; `None` when it does
/// not. The functions asked for are almost straight lines.
fn falling(from: f64, to: f64, value: impl Fn(f64) -> Option<f64>) -> Option<f64> {
    let (mut low, mut high) = ((from, value(from)?), (to, value(to)?));
    if !(low.1 > 0.0 && high.1 < 0.0 && low.1.is_finite() && high.1.is_finite()) {
        return None;
    }
    let mut middle = f64::midpoint(from, to);
    for _ in 0..60 {
        middle = (low.0 * high.1 - high.0 * low.1) / (high.1 - low.1);
        let here = value(middle)?;
        if here > 0.0 {
            low = (middle, here);
            high.1 /= 2.0;
        } else {
            high = (middle, here);
            low.1 /= 2.0;
        }
        if here == 0.0 || high.0 - low.0 < 1e-9 || here.abs() < 1e-12 * (high.1 - low.1).abs().max(1e-3) {
            break;
        }
    }
    finite(middle)
}

/// Growth of the percentile at which a function that falls along the grid crosses zero, between two places by the logarithm.
fn along_grid(value: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let mut before: Option<(f64, f64)> = None;
    for (place, factor) in GRID.into_iter().enumerate().skip(LOWEST) {
        let here = value(place)?;
        if here <= 0.0 {
            let (at, above) = before?;
            let part = above / (above - here);
            return finite(at * (factor / at).powf(part) - 1.0);
        }
        before = Some((factor, here));
    }
    None
}

/// Whether any harm at all is shown: `alpha` is shared by the questions that can show it.
pub(super) fn harm_is_shown(ledger: &Ledger, measure: Measure, alpha: f64) -> bool {
    let questions: &[Question] = match measure {
        Measure::Errors => &[Question::Errors(0.0)],
        Measure::Quality => &[Question::Quality(1.0)],
        Measure::Cost => &[Question::Cost(1.0)],
        Measure::Latency => &[Question::Tail(AT_TAU), Question::Order],
    };
    let shown = |question: &Question| question.sum(ledger).is_some_and(|sum| sum.interval(alpha, 0.5)[0] > 0.0);
    questions.iter().any(shown)
}
