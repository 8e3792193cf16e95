//! How far a sum may have strayed by chance, at any time.

/// How a sum may stray to one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// Variance of the sum.
    pub variance: f64,
    /// Variance at which the boundary is closest, a tuning constant that costs power when far off, never validity.
    pub scale: f64,
    /// The most that one request moves the sum, where that matters: rare events come in whole steps, to one side.
    pub step: f64,
}

/// A weighted sum of differences with what is known of its chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sum {
    /// The sum over all blocks of weight × (difference − its bound); positive means harm beyond the bound.
    pub value: f64,
    /// Sum of the weights.
    pub weight: f64,
    /// Of straying upwards, so that harm seems shown: for the lower bound.
    pub up: Chance,
    /// Of straying downwards, so that harm seems ruled out: for the upper bound.
    pub down: Chance,
}

impl Sum {
    /// The mean difference's lower and upper bound, each of which is ever wrong with probability at most `below`, `above`.
    #[must_use]
    pub fn interval(&self, below: f64, above: f64) -> [f64; 2] {
        let known = self.weight > 0.0;
        if !known {
            return [f64::NEG_INFINITY, f64::INFINITY];
        }
        [(self.value - self.up.radius(below)) / self.weight, (self.value + self.down.radius(above)) / self.weight]
    }

    /// Weight at which the boundary of error `alpha` is crossed if the mean difference stays as it is and the variance grows in
    /// step with the weight. `None` when that is out of sight.
    #[must_use]
    pub fn weight_needed(&self, alpha: f64) -> Option<f64> {
        let effect = self.value / self.weight;
        let chance = if effect > 0.0 { self.up } else { self.down };
        weight_needed(effect.abs(), Chance { variance: chance.variance / self.weight, ..chance }, alpha, 0.0)
    }
}

impl Chance {
    /// Distance that the sum ever strays with probability at most `alpha`: [`radius`], and for steps what Bernstein's
    /// inequality adds, a third of a step per unit of the exponent.
    #[must_use]
    pub fn radius(&self, alpha: f64) -> f64 {
        let distance = radius(self.variance, self.scale, alpha);
        distance + self.step / 6.0 * distance * distance / (self.variance + self.scale)
    }
}

/// Distance that a sum of variance `variance` ever exceeds upwards with probability at most `alpha`.
///
/// The normal mixture boundary `√((V + ρ) ln((V + ρ) / (4 α² ρ)))` for one side (Robbins, Ann. Math. Statist. 41, 1970,
/// doi:10.1214/aoms/1177696786; Howard et al., Ann. Statist. 49, 2021, doi:10.1214/20-AOS1991, with the
/// two-sided one at 2α). With an estimated variance it is an asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha,
/// Kennedy, Ramdas, Ann. Statist. 52, 2024, doi:10.1214/24-AOS2408): it holds from a first look with enough blocks on.
#[must_use]
pub fn radius(variance: f64, scale: f64, alpha: f64) -> f64 {
    if !(variance >= 0.0 && scale > 0.0 && alpha > 0.0 && alpha <= 0.5) {
        return f64::INFINITY;
    }
    let total = variance + scale;
    (total * (total / scale / (4.0 * alpha * alpha)).ln()).sqrt()
}

/// Smallest weight W with `effect`·W ≥ boundary + `quantile` standard deviations, for a variance of `single.variance` per unit
/// weight.
#[must_use]
pub fn weight_needed(effect: f64, single: Chance, alpha: f64, quantile: f64) -> Option<f64> {
    let Chance { variance, scale, .. } = single;
    if !(effect > 0.0 && variance > 0.0 && scale > 0.0 && effect.is_finite() && variance.is_finite()) {
        return None;
    }
    let mut weight = scale / variance;
    // What is asked for grows like √weight, so each round halves the distance on the logarithmic scale.
    for _ in 0..100 {
        let total = Chance { variance: variance * weight, ..single };
        let next = (total.radius(alpha) + quantile * total.variance.sqrt()) / effect;
        if (next / weight - 1.0).abs() < 1e-9 {
            break;
        }
        weight = next;
    }
    (weight.is_finite() && weight > 0.0).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_formula_by_hand() {
        // √(110 · ln(110 / 10 / (4 · 0.01²))), by Python.
        assert!((radius(100.0, 10.0, 0.01) - 33.532_276_111_263_506).abs() < 1e-9);
    }

    #[test]
    fn rare_steps_cost_a_third_of_the_exponent_each() {
        // With r the boundary, the exponent is r² / (2 (V + ρ)); Bernstein adds a third of it per step.
        let smooth = Chance { variance: 0.6, scale: 0.125, step: 0.0 };
        let whole = Chance { step: 1.0, ..smooth };
        let exponent = smooth.radius(0.01).powi(2) / 2.0 / 0.725;
        assert!((whole.radius(0.01) - smooth.radius(0.01) - exponent / 3.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_known_is_infinite() {
        for (variance, scale, alpha) in
            [(f64::NAN, 1.0, 0.01), (1.0, 0.0, 0.01), (1.0, f64::NAN, 0.01), (1.0, 1.0, 0.0)]
        {
            assert!(radius(variance, scale, alpha).is_infinite());
        }
        let chance = Chance { variance: 1.0, scale: 1.0, step: 0.0 };
        let sum = Sum { value: 0.0, weight: 0.0, up: chance, down: chance };
        assert!(sum.interval(0.01, 0.01).iter().all(|bound| bound.is_infinite()));
        assert_eq!(sum.weight_needed(0.01), None);
        assert_eq!(weight_needed(f64::INFINITY, chance, 0.01, 0.0), None);
    }

    #[test]
    fn rarely_crossed_by_walks_however_often_looked_at() {
        let mut state = 1_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut crossed = 0;
        for _ in 0..2000 {
            let mut sum = 0.0;
            crossed += u32::from((1..=400).any(|step| {
                // Uniform steps of variance 1.
                sum += (draw() - 0.5) * 12_f64.sqrt();
                sum > radius(f64::from(step), 20.0, 0.05)
            }));
        }
        // At most 5 %; looking once at the end with z > 1.645 would cross 5 % there and some 25 % over all looks.
        assert!((20..=100).contains(&crossed), "{crossed}");
    }

    #[test]
    fn the_weight_needed_is_where_the_boundary_is() {
        let single = Chance { variance: 0.2, scale: 8.0, step: 0.0 };
        let weight = weight_needed(0.05, single, 0.005, 0.84).unwrap();
        let total = 0.2 * weight;
        assert!((0.05 * weight - radius(total, 8.0, 0.005) - 0.84 * total.sqrt()).abs() < 1e-4);
    }
}
