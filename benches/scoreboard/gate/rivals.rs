//! What pipelines use instead: a t-test for each figure, or fixed thresholds.

use optimizer::stats::{
    descriptive::sorted_quantile,
    gate::{RequestKind, Requests},
    hypothesis::{Alternative, welch::welch_of_values},
};

/// Level of the t-test, two-sided; only worse counts.
const LEVEL: f64 = 0.05;

/// What they look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Latency,
    Errors,
    Cost,
    Quality,
}

impl Measure {
    pub const ALL: [Self; 4] = [Self::Latency, Self::Errors, Self::Cost, Self::Quality];

    fn of(self, requests: &Requests, row: usize) -> f64 {
        match self {
            Self::Latency => requests.latency_ms[row],
            Self::Errors => f64::from(u8::from(requests.kind[row] == RequestKind::Failed)),
            Self::Cost => requests.cost_usd[row],
            Self::Quality => requests.quality[row],
        }
    }
}

/// Who raised an alarm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Alarms {
    /// Welch's t-test of the means.
    pub t_test: bool,
    /// p95 +10 %, errors +1 point, mean cost +10 %, mean quality −5 %.
    pub thresholds: bool,
}

/// Over all requests, and over each slice where there are several.
#[must_use]
pub fn of_run(sides: &[Requests; 2], measures: &[Measure]) -> Alarms {
    let slices = sides[0].slices.len();
    let mut alarms = Alarms::default();
    for measure in measures.iter().copied() {
        let mut all = [Vec::new(), Vec::new()];
        let mut by_slice = vec![[Vec::new(), Vec::new()]; if slices > 1 { slices } else { 0 }];
        for (side, requests) in sides.iter().enumerate() {
            for row in 0..requests.len() {
                let value = measure.of(requests, row);
                if value.is_nan() {
                    continue;
                }
                all[side].push(value);
                if let Some(slice) = by_slice.get_mut(requests.slice[row] as usize) {
                    slice[side].push(value);
                }
            }
        }
        for values in [&mut all].into_iter().chain(&mut by_slice) {
            let more = of_values(measure, values);
            alarms.t_test |= more.t_test;
            alarms.thresholds |= more.thresholds;
            if alarms.t_test && alarms.thresholds {
                return alarms;
            }
        }
    }
    alarms
}

fn of_values(measure: Measure, sides: &mut [Vec<f64>; 2]) -> Alarms {
    let worse = if measure == Measure::Quality { Alternative::Less } else { Alternative::Greater };
    let t_test = welch_of_values(&sides[1], &sides[0]).is_ok_and(|found| 2.0 * found.p_value(worse, 0.0) < LEVEL);
    if sides.iter().any(Vec::is_empty) {
        return Alarms::default();
    }
    let mean = |values: &Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let thresholds = match measure {
        Measure::Latency => {
            let [before, after] = [0, 1].map(|side| {
                sides[side].sort_unstable_by(f64::total_cmp);
                sorted_quantile(&sides[side], 0.95).expect("there are some")
            });
            after > 1.1 * before
        }
        Measure::Errors => mean(&sides[1]) > mean(&sides[0]) + 0.01,
        Measure::Cost => mean(&sides[1]) > 1.1 * mean(&sides[0]),
        Measure::Quality => mean(&sides[1]) < 0.95 * mean(&sides[0]),
    };
    Alarms { t_test, thresholds }
}
