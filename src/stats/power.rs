//! How many requests a comparison needs, what effect it can find, and with which power; normal approximations.

use super::tails::normal;

/// Whether effects in both directions count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    One,
    Two,
}

/// The chances of error a comparison is planned for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    alpha: f64,
    power: f64,
    sides: Sides,
}

impl Design {
    /// `None` unless `0 < alpha < power < 1`: with less power than α a coin decides better.
    #[must_use]
    pub fn new(alpha: f64, power: f64, sides: Sides) -> Option<Self> {
        (alpha > 0.0 && power > alpha && power < 1.0).then_some(Self { alpha, power, sides })
    }

    /// z(1 − α / sides) + z(power): the effect that is found, in standard errors.
    #[must_use]
    pub fn standard_errors(&self) -> f64 {
        let level = if self.sides == Sides::Two { self.alpha / 2.0 } else { self.alpha };
        let z = |p: f64| normal::upper_quantile(p).unwrap_or(f64::NAN);
        z(level) - z(self.power)
    }

    /// The difference found with the design's power when both sides have this variance.
    #[must_use]
    pub fn effect(&self, variance: f64, n: [f64; 2]) -> Option<f64> {
        let squared = variance * (1.0 / n[0] + 1.0 / n[1]);
        (n[0] > 0.0 && n[1] > 0.0 && squared >= 0.0).then(|| self.standard_errors() * squared.sqrt())
    }

    /// Requests in all that the smallest sufficient comparison of `effect` takes, when control and treatment have these
    /// variances and these shares of all requests. `None` for no effect or a share of nothing: no number suffices.
    #[must_use]
    pub fn requests(&self, effect: f64, variances: [f64; 2], shares: [f64; 2]) -> Option<f64> {
        let per_request = variances[0] / shares[0] + variances[1] / shares[1];
        let requests = (self.standard_errors() / effect).powi(2) * per_request;
        (shares[0] > 0.0 && shares[1] > 0.0 && requests.is_finite()).then_some(requests)
    }
}

/// Chance to find `effect` (two-sided: in its own direction), given the standard error of its estimate. `None` unless the
/// standard error is positive and `0 < alpha < 1`.
#[must_use]
pub fn power(effect: f64, standard_error: f64, alpha: f64, sides: Sides) -> Option<f64> {
    let z = normal::upper_quantile(if sides == Sides::Two { alpha / 2.0 } else { alpha })?;
    (standard_error > 0.0 && effect.is_finite()).then(|| normal::cdf(effect.abs() / standard_error - z))
}

/// Which arms are compared with which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparisons {
    ControlWithAll,
    AllWithAll,
}

impl Comparisons {
    /// How many comparisons `arms` arms make.
    #[must_use]
    pub fn count(self, arms: u32) -> u32 {
        match self {
            Self::ControlWithAll => arms.saturating_sub(1),
            Self::AllWithAll => arms * arms.saturating_sub(1) / 2,
        }
    }

    /// Shares of requests per arm, control first, from what a request of each arm costs. Among all, shares fall with the root
    /// of the cost; against the control, the treatments share what one would get. `None` with fewer than two arms or a cost
    /// that is not positive.
    #[must_use]
    pub fn shares(self, costs: &[f64]) -> Option<Vec<f64>> {
        if costs.len() < 2 || costs.iter().any(|cost| !(*cost > 0.0 && cost.is_finite())) {
            return None;
        }
        let treatments = (costs.len() - 1) as f64;
        let weight = |(arm, cost): (usize, &f64)| {
            let divisor = if self == Self::ControlWithAll && arm > 0 { treatments } else { 1.0 };
            1.0 / (divisor * cost.sqrt())
        };
        let weights: Vec<f64> = costs.iter().enumerate().map(weight).collect();
        let all: f64 = weights.iter().sum();
        Some(weights.iter().map(|weight| weight / all).collect())
    }
}

/// Whether these are shares of all requests of `arms` arms: as many, positive, sum one.
#[must_use]
pub fn valid_shares(shares: &[f64], arms: usize) -> bool {
    shares.len() == arms && shares.iter().all(|share| *share > 0.0) && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-9
}

/// Whether an effect can be planned for: not zero, and not beyond what a proportion can rise or fall to.
#[must_use]
pub fn valid_effect(effect: f64, proportion: Option<f64>) -> bool {
    effect != 0.0 && effect.is_finite() && proportion.is_none_or(|p| (0.0..=1.0).contains(&(p + effect)))
}

/// One quantity of a comparison: its effect and the variances of control and treatment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    pub design: Design,
    pub effect: f64,
    pub variances: [f64; 2],
}

/// Requests in all for one metric, control's share first: enough for the smallest of the treatments.
#[must_use]
pub fn requests_of_all(metric: &Metric, shares: &[f64]) -> Option<f64> {
    let (control, treatments) = shares.split_first()?;
    let least = treatments.iter().copied().reduce(f64::min)?;
    metric.design.requests(metric.effect, metric.variances, [*control, least])
}

/// The fewest requests that suffice for all metrics, when the control's share is free and the treatments share the rest
/// alike. The maximum of convex functions of that share is convex, so golden-section search finds it.
#[must_use]
pub fn fewest_requests(metrics: &[Metric], treatments: u32) -> Option<f64> {
    if metrics.is_empty() || treatments == 0 {
        return None;
    }
    let needed = |control: f64| {
        let share = (1.0 - control) / f64::from(treatments);
        let each = |metric: &Metric| metric.design.requests(metric.effect, metric.variances, [control, share]);
        metrics.iter().map(|metric| each(metric).unwrap_or(f64::INFINITY)).fold(0.0, f64::max)
    };
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if needed(left) <= needed(right) { high = right } else { low = left }
    }
    Some(needed(f64::midpoint(low, high))).filter(|requests| requests.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_effect_and_requests_are_one_relation() {
        for sides in [Sides::One, Sides::Two] {
            let design = Design::new(0.05, 0.8, sides).unwrap();
            let total = design.requests(0.3, [4.0, 4.0], [0.25, 0.75]).unwrap();
            let n = [total / 4.0, total * 0.75];
            assert!((design.effect(4.0, n).unwrap() - 0.3).abs() < 1e-9);
            let error = (4.0 / n[0] + 4.0 / n[1]).sqrt();
            assert!((power(0.3, error, 0.05, sides).unwrap() - 0.8).abs() < 1e-9);
        }
    }

    #[test]
    fn edges() {
        for (alpha, power) in [(0.0, 0.8), (1.2, 0.8), (0.05, 1.0), (0.2, 0.1), (f64::NAN, 0.8)] {
            assert_eq!(Design::new(alpha, power, Sides::Two), None);
        }
        let design = Design::new(0.05, 0.8, Sides::Two).unwrap();
        assert_eq!(design.requests(0.0, [1.0; 2], [0.5; 2]), None);
        assert_eq!(design.effect(1.0, [0.0, 5.0]), None);
        assert_eq!((power(0.1, 0.0, 0.05, Sides::Two), power(0.1, 1.0, 1.5, Sides::One)), (None, None));
        assert_eq!((Comparisons::AllWithAll.count(0), Comparisons::ControlWithAll.shares(&[1.0])), (0, None));
    }
}
