//! Which values are allowed, and which of them are near enough to the present ones.

use super::abstained::{Abstained, SpaceFault};

/// One numeric setting of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimension {
    /// Smallest and largest value that policy allows, in the setting's own unit.
    pub min: f64,
    pub max: f64,
    /// Only whole numbers (`max_tokens`, `top_k`).
    pub integer: bool,
    /// Equal ratios are equally far apart (`max_tokens` from 64 to 8192). Needs min above 0.
    pub log: bool,
    /// Largest change from the present value in one step, in the setting's own unit.
    pub step_limit: f64,
}

/// One to [`Space::MOST_DIMENSIONS`] settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    pub dimensions: Vec<Dimension>,
}

/// Values from low to high, both allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Policies are written in decimals: 0.7 + 0.1 may be 0.8, though in binary the difference is a rounding error above 0.1.
const ROUNDING: f64 = 1e-9;

impl Dimension {
    /// The safe interval around the present value. None if nothing is both allowed and near enough, which happens where the
    /// present value lies outside of the policy's range by more than a step.
    #[must_use]
    pub fn within_step(&self, present: f64) -> Option<Interval> {
        let slack = ROUNDING * self.step_limit;
        let mut low = (present - self.step_limit).max(self.min);
        let mut high = (present + self.step_limit).min(self.max);
        if self.integer {
            (low, high) = ((low - slack).ceil().max(self.min.ceil()), (high + slack).floor().min(self.max.floor()));
        }
        (low <= high).then_some(Interval { low, high })
    }

    /// Whether policy allows to go from the present value to this one in one step.
    #[must_use]
    pub fn allows(&self, present: f64, value: f64) -> bool {
        let near = (value - present).abs() <= self.step_limit * (1.0 + ROUNDING);
        self.min <= value && value <= self.max && near && (!self.integer || value.fract() == 0.0)
    }

    /// Position on the model's scale, where the policy's range is 0 to 1. None where a logarithm needs a value above 0.
    #[must_use]
    pub fn scaled(&self, value: f64) -> Option<f64> {
        let position = if self.log {
            (value / self.min).ln() / (self.max / self.min).ln()
        } else {
            (value - self.min) / (self.max - self.min)
        };
        position.is_finite().then_some(position)
    }

    /// The value a share of the way through a safe interval: whole where it must be, otherwise as round as a hundredth of the
    /// policy's range allows, as an engineer would write it.
    #[must_use]
    pub fn value_in(&self, safe: Interval, share: f64) -> f64 {
        let share = share.clamp(0.0, 1.0);
        let exact = if self.log {
            safe.low * (safe.high / safe.low).powf(share)
        } else {
            safe.low + (safe.high - safe.low) * share
        };
        self.rounded(exact, safe)
    }

    fn rounded(&self, exact: f64, safe: Interval) -> f64 {
        if self.integer {
            return exact.round().max(safe.low).min(safe.high);
        }
        let digits = -((self.max - self.min) / 100.0).log10().floor();
        if self.log || !(0.0..=15.0).contains(&digits) {
            return exact.max(safe.low).min(safe.high);
        }
        let parts = 10_f64.powi(digits as i32);
        let near = |value: f64| (value * parts).round() / parts;
        // An edge such as 0.7999999999999999 is meant to be 0.8.
        let edge = |edge: f64| if (near(edge) - edge).abs() <= ROUNDING * self.step_limit { near(edge) } else { edge };
        // Not `clamp`, which panics where rounding has crossed the edges.
        near(exact).max(edge(safe.low)).max(self.min).min(edge(safe.high)).min(self.max)
    }

    fn fault(&self) -> Option<SpaceFault> {
        let finite =
            [self.min, self.max, self.step_limit].iter().all(|value| value.is_finite() && value.abs() <= 1e100);
        if !finite {
            Some(SpaceFault::NotFinite)
        } else if self.min >= self.max || (self.integer && self.min.ceil() > self.max.floor()) {
            Some(SpaceFault::Empty)
        } else if self.log && self.min <= 0.0 {
            Some(SpaceFault::LogOfNothing)
        } else if self.step_limit < 0.0 {
            Some(SpaceFault::NegativeStep)
        } else if self.scaled(self.max).is_none() {
            Some(SpaceFault::NotFinite)
        } else {
            None
        }
    }
}

impl Space {
    /// More settings than this cannot be learnt from tens of configurations.
    pub const MOST_DIMENSIONS: usize = 4;

    /// The safe interval of every dimension around the present values, or why there is none.
    pub fn around(&self, present: &[f64]) -> Result<Vec<Interval>, Abstained> {
        if self.dimensions.is_empty() || self.dimensions.len() > Self::MOST_DIMENSIONS {
            return Err(Abstained::Space { dimension: 0, fault: SpaceFault::Dimensions });
        }
        if present.len() != self.dimensions.len() {
            return Err(Abstained::Space { dimension: present.len(), fault: SpaceFault::Dimensions });
        }
        let safe = self.dimensions.iter().zip(present).enumerate().map(|(place, (dimension, &present))| {
            if let Some(fault) = dimension.fault() {
                return Err(Abstained::Space { dimension: place, fault });
            }
            if dimension.scaled(present).is_none() {
                return Err(Abstained::Space { dimension: place, fault: SpaceFault::NotFinite });
            }
            dimension.within_step(present).ok_or(Abstained::NothingWithinStep { dimension: place })
        });
        safe.collect()
    }

    /// A configuration on the model's scale. None where a value is missing, not finite or has no logarithm.
    #[must_use]
    pub fn scaled(&self, values: &[f64]) -> Option<Vec<f64>> {
        let same = values.len() == self.dimensions.len();
        same.then(|| self.dimensions.iter().zip(values).map(|(dimension, value)| dimension.scaled(*value)).collect())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temperature() -> Dimension {
        Dimension { min: 0.0, max: 1.0, integer: false, log: false, step_limit: 0.1 }
    }

    #[test]
    fn a_step_is_counted_in_decimals() {
        let safe = temperature().within_step(0.7).unwrap();
        assert!(temperature().value_in(safe, 1.0).to_bits() == 0.8_f64.to_bits());
        assert!(temperature().allows(0.7, 0.8));
        assert!(!temperature().allows(0.7, 0.81));
    }

    #[test]
    fn whole_numbers_stay_whole_and_inside() {
        let tokens = Dimension { min: 64.0, max: 4096.0, integer: true, log: true, step_limit: 100.5 };
        let safe = tokens.within_step(512.0).unwrap();
        assert_eq!(safe, Interval { low: 412.0, high: 612.0 });
        for share in [0.0, 0.1, 0.33, 0.9, 1.0] {
            let value = tokens.value_in(safe, share);
            assert!(tokens.allows(512.0, value), "{value}");
        }
    }

    #[test]
    fn a_present_value_outside_of_policy_may_only_come_back_in_one_step() {
        assert_eq!(temperature().within_step(1.05), Some(Interval { low: 1.05 - 0.1, high: 1.0 }));
        assert_eq!(temperature().within_step(1.2), None);
    }

    #[test]
    fn faults_are_named() {
        let around =
            |dimension: Dimension, present| Space { dimensions: vec![dimension] }.around(&[present]).unwrap_err();
        let fault = |fault| Abstained::Space { dimension: 0, fault };
        assert_eq!(around(Dimension { max: f64::NAN, ..temperature() }, 0.5), fault(SpaceFault::NotFinite));
        assert_eq!(around(Dimension { max: 0.0, ..temperature() }, 0.5), fault(SpaceFault::Empty));
        assert_eq!(around(Dimension { log: true, ..temperature() }, 0.5), fault(SpaceFault::LogOfNothing));
        assert_eq!(around(Dimension { step_limit: -1.0, ..temperature() }, 0.5), fault(SpaceFault::NegativeStep));
        assert_eq!(around(temperature(), f64::INFINITY), fault(SpaceFault::NotFinite));
        assert_eq!(around(temperature(), 1.5), Abstained::NothingWithinStep { dimension: 0 });
        assert_eq!(Space { dimensions: vec![] }.around(&[]), Err(fault(SpaceFault::Dimensions)));
    }
}
