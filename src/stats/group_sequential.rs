//! Bounds for a comparison that is looked at a planned number of times (Lan and `DeMets`, Biometrika 70, 1983,
//! doi:10.1093/biomet/70.3.659), by the recursive integration of Armitage, `McPherson` and Rowe (Journal of the Royal
//! Statistical Society A 132, 1969, doi:10.2307/2343787).

use super::{power::Sides, tails::normal};

/// Bounds are not looked for above it: nothing is spent on such a look.
pub const LARGEST_BOUND: f64 = 8.0;

/// How much of α may be spent up to a share `t` of the information.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spending {
    /// α·tʳ; r = 2 or 3 are usual. The exponent is positive.
    Power(f64),
    /// Close to O'Brien and Fleming's bounds: little early.
    OBrienFleming,
    /// Close to Pocock's bounds: much the same at each look.
    Pocock,
}

impl Spending {
    /// Cumulative α of one side spent at `t` in `0..=1`. Information beyond what was planned adds nothing.
    #[must_use]
    pub fn spent(self, alpha: f64, t: f64) -> f64 {
        let t = t.clamp(0.0, 1.0);
        match self {
            Self::Power(exponent) => alpha * t.powf(exponent),
            Self::OBrienFleming => {
                let z = normal::upper_quantile(alpha / 2.0).unwrap_or(f64::INFINITY);
                2.0 * normal::upper_tail(z / t.sqrt())
            }
            Self::Pocock => alpha * (1.0 + (std::f64::consts::E - 1.0) * t).ln(),
        }
    }
}

/// The density of the statistic among those still going on, at points on the scale of z.
struct Density {
    z: Vec<f64>,
    /// Density times the integration weight of its point.
    mass: Vec<f64>,
    t: f64,
}

/// Bounds on the z statistic, one for each look at the shares `information`; with two sides they hold for |z|. `None` unless
/// `0 < alpha < 1` and information rises strictly within `0..=1`. 200 looks take a tenth of a second.
#[must_use]
pub fn bounds(spending: Spending, alpha: f64, sides: Sides, information: &[f64]) -> Option<Vec<f64>> {
    let rising = information.windows(2).all(|pair| pair[1] > pair[0]);
    let inside = information.iter().all(|t| *t > 0.0 && *t <= 1.0);
    if !(alpha > 0.0 && alpha < 1.0 && rising && inside) {
        return None;
    }
    // Each side spends its own half.
    let alpha = if sides == Sides::Two { alpha / 2.0 } else { alpha };
    let mut result = Vec::with_capacity(information.len());
    let mut density: Option<Density> = None;
    let mut spent = 0.0;
    for (look, t) in information.iter().enumerate() {
        let target = spending.spent(alpha, *t) - spent;
        let bound = bound(density.as_ref(), *t, target);
        // A look that spends nothing leaves its α for later ones.
        if bound < LARGEST_BOUND {
            spent += target;
        }
        result.push(bound);
        if let Some(next) = information.get(look + 1) {
            density = Some(going_on(density.as_ref(), *t, *next, bound, sides));
        }
    }
    Some(result)
}

/// The z that leaves `target` above it at this look, by Newton's method on the logarithm of the tail.
fn bound(before: Option<&Density>, t: f64, target: f64) -> f64 {
    let Some(before) = before else {
        return normal::upper_quantile(target.max(f64::MIN_POSITIVE)).map_or(LARGEST_BOUND, |z| z.min(LARGEST_BOUND));
    };
    let (mut low, mut high) = (-LARGEST_BOUND, LARGEST_BOUND);
    if target <= exit(before, t, high).0 {
        return LARGEST_BOUND;
    }
    let mut z = 3.0;
    for _ in 0..100 {
        let (tail, density) = exit(before, t, z);
        if tail > target {
            low = z;
        } else {
            high = z;
        }
        let newton = z + (tail / target).ln() * tail / density;
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        if (next - z).abs() < 1e-10 {
            break;
        }
        z = next;
    }
    z
}

/// Chance to be above `z` at this look, and its density there.
fn exit(before: &Density, t: f64, z: f64) -> (f64, f64) {
    let step = (t - before.t).sqrt();
    let (now, then) = (t.sqrt() / step, before.t.sqrt() / step);
    before.z.iter().zip(&before.mass).fold((0.0, 0.0), |(tail, density), (from, mass)| {
        let u = z * now - from * then;
        if u > 9.0 {
            return (tail, density); // below 1e-19 of that mass
        }
        (tail + mass * normal::upper_tail(u), density + mass * now * normal::ln_density(u).exp())
    })
}

/// The density at `t` inside the bound, on points close enough for the step to `next`.
fn going_on(before: Option<&Density>, t: f64, next: f64, bound: f64, sides: Sides) -> Density {
    let low = if sides == Sides::Two { -bound } else { -LARGEST_BOUND };
    // Simpson's rule; a fraction of the standard deviation of the next step resolves its kernel.
    let width = (0.35 * ((next - t) / next).sqrt()).clamp(0.002, 0.1);
    let panels = ((bound - low) / width / 2.0).ceil().max(4.0) as usize * 2;
    let width = (bound - low) / panels as f64;
    let z: Vec<f64> = (0..=panels).map(|i| low + width * i as f64).collect();
    let density = |z: f64| match before {
        None => normal::ln_density(z).exp(),
        Some(before) => arrival(before, t, z),
    };
    let weight = |i: usize| match i {
        0 => 1.0,
        _ if i == panels => 1.0,
        _ if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let mass = z.iter().enumerate().map(|(i, z)| width / 3.0 * weight(i) * density(*z)).collect();
    Density { z, mass, t }
}

/// Density of arriving at `z`, from the points within nine standard deviations of the step.
fn arrival(before: &Density, t: f64, z: f64) -> f64 {
    let step = (t - before.t).sqrt();
    let (now, then) = (t.sqrt() / step, before.t.sqrt() / step);
    let from = before.z.partition_point(|v| *v * then < z * now - 9.0);
    let to = before.z.partition_point(|v| *v * then < z * now + 9.0);
    let terms = before.z[from..to].iter().zip(&before.mass[from..to]);
    now * terms.map(|(v, mass)| mass * normal::ln_density(z * now - v * then).exp()).fold(0.0, |sum, term| sum + term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_published_bounds() {
        // Five equal looks, two-sided 0.05: R package gsDesign 3.6, sfLDOF and sfLDPocock.
        let looks = [0.2, 0.4, 0.6, 0.8, 1.0];
        for (spending, want) in [
            (Spending::OBrienFleming, [4.8769, 3.3570, 2.6803, 2.2898, 2.0310]),
            (Spending::Pocock, [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
        ] {
            let got = bounds(spending, 0.05, Sides::Two, &looks).unwrap();
            for (got, want) in got.iter().zip(want) {
                assert!((got - want).abs() < 2e-3, "{spending:?}: {got} for {want}");
            }
        }
    }

    #[test]
    fn edges() {
        let of = |alpha, looks: &[f64]| bounds(Spending::Power(2.0), alpha, Sides::One, looks);
        assert_eq!(of(0.05, &[]), Some(vec![]));
        assert_eq!((of(0.0, &[1.0]), of(0.05, &[0.5, 0.5]), of(0.05, &[0.5, 1.1])), (None, None, None));
        assert_eq!((of(f64::NAN, &[1.0]), of(0.05, &[f64::NAN])), (None, None));
        assert!((of(0.05, &[1.0]).unwrap()[0] - 1.644_853_627).abs() < 1e-8);
        assert!(of(0.05, &[1e-9, 1.0]).unwrap()[0] >= LARGEST_BOUND - 1e-9, "nothing to spend, no bound");
    }
}
