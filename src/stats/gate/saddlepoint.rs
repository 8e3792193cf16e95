//! The tail of a sum over units that are dealt to two sides at random, or swapped.

use statrs::function::gamma::ln_gamma;

use crate::stats::tails::normal;

/// Contributions this close, in spreads of the sum, are the same.
const SAME: f64 = 1e-9;

/// ln C(n + m, n).
pub(super) fn ln_choose(n: f64, m: f64) -> f64 {
    ln_gamma(n + m + 1.0) - ln_gamma(n + 1.0) - ln_gamma(m + 1.0)
}

/// What is dealt.
#[derive(Debug)]
pub(super) struct Deal {
    /// Contributions of units on both sides: they come with either sign.
    pub swapped: Vec<f64>,
    /// Contributions of other units if they fall to the candidate, by kind, centred; how many do.
    pub groups: Vec<(Vec<f64>, f64)>,
    /// What fell to the candidate.
    pub observed: f64,
}

impl Deal {
    /// P(sum ≥ observed); of the negative sum if not `greater`.
    pub fn upper_tail(mut self, greater: bool) -> f64 {
        if !greater {
            self.observed = -self.observed;
            self.swapped.iter_mut().for_each(|part| *part = -*part);
            self.groups.iter_mut().flat_map(|(all, _)| all).for_each(|part| *part = -*part);
        }
        // In units of its own spread, so that steps and tolerances mean something.
        let scale = self.curve(&self.start()).conditional().sqrt();
        if !(scale > 0.0 && scale.is_finite()) {
            return 1.0;
        }
        self.observed /= scale;
        self.swapped.iter_mut().for_each(|part| *part /= scale);
        self.groups.iter_mut().flat_map(|(all, _)| all).for_each(|part| *part /= scale);
        if self.observed <= 0.0 {
            return 1.0;
        }
        let (most, ln_chance) = self.most();
        if self.observed >= most - SAME {
            return ln_chance.exp();
        }
        if self.observed < 0.1 {
            return 0.5;
        }
        self.saddlepoint().unwrap_or(1.0).max(ln_chance.exp()).min(1.0)
    }

    /// The largest possible sum, and the logarithm of its chance: ties at the border leave several ways to it.
    fn most(&self) -> (f64, f64) {
        let moving = self.swapped.iter().filter(|part| part.abs() > SAME).count() as f64;
        let (mut most, mut ln_chance) =
            (self.swapped.iter().map(|part| part.abs()).sum::<f64>(), -moving * std::f64::consts::LN_2);
        for (all, taken) in &self.groups {
            let mut sorted = all.clone();
            sorted.sort_unstable_by(|a, b| b.total_cmp(a));
            let border = sorted[*taken as usize - 1];
            most += sorted[..*taken as usize].iter().sum::<f64>();
            let above = sorted.partition_point(|part| *part > border + SAME) as f64;
            let tied = sorted.partition_point(|part| *part > border - SAME) as f64 - above;
            let chosen = taken - above;
            ln_chance += ln_choose(chosen, tied - chosen) - ln_choose(*taken, all.len() as f64 - taken);
        }
        (most, ln_chance)
    }

    /// θ, then one ψ a group.
    fn start(&self) -> Vec<f64> {
        vec![0.0; self.groups.len() + 1]
    }

    fn curve(&self, at: &[f64]) -> Curve {
        let theta = at[0];
        let mut curve = Curve {
            value: -theta * self.observed,
            slope: vec![-self.observed],
            bend: 0.0,
            cross: Vec::new(),
            own: Vec::new(),
        };
        for part in &self.swapped {
            let x = (theta * part).abs();
            curve.value += x + (-2.0 * x).exp().ln_1p() - std::f64::consts::LN_2;
            let tanh = (theta * part).tanh();
            curve.slope[0] += part * tanh;
            curve.bend += part * part * (1.0 - tanh * tanh);
        }
        for ((all, taken), psi) in self.groups.iter().zip(&at[1..]) {
            let q = taken / all.len() as f64;
            let logit = (q / (1.0 - q)).ln() + psi;
            let (mut slope, mut cross, mut own) = (-taken, 0.0, 0.0);
            curve.value -= psi * taken;
            for part in all {
                let eta = logit + theta * part;
                // ln(1 − q + q e^(ψ + θ a)), without overflow.
                let tail = (-eta.abs()).exp();
                curve.value += eta.max(0.0) + tail.ln_1p() + (1.0 - q).ln();
                let p = if eta >= 0.0 { 1.0 / (1.0 + tail) } else { tail / (1.0 + tail) };
                let v = tail / ((1.0 + tail) * (1.0 + tail));
                curve.slope[0] += p * part;
                slope += p;
                curve.bend += v * part * part;
                cross += v * part;
                own += v;
            }
            curve.slope.push(slope);
            curve.cross.push(cross);
            curve.own.push(own);
        }
        curve
    }

    fn saddlepoint(&self) -> Option<f64> {
        let zero = self.curve(&self.start());
        let mut at = self.start();
        let mut curve = self.curve(&at);
        for _ in 0..100 {
            let step = curve.newton()?;
            let decrease: f64 = step.iter().zip(&curve.slope).map(|(step, slope)| step * slope).sum();
            if decrease.abs() < 1e-13 {
                break;
            }
            // A convex function: shorten the step until it falls.
            let mut length = 1.0;
            loop {
                let next: Vec<f64> = at.iter().zip(&step).map(|(x, step)| x - length * step).collect();
                let there = self.curve(&next);
                if there.value <= curve.value - 1e-4 * length * decrease || length < 1e-8 {
                    (at, curve) = (next, there);
                    break;
                }
                length /= 2.0;
            }
        }
        let w = (2.0 * (zero.value - curve.value)).max(0.0).sqrt();
        let ln_ratio: f64 = curve.own.iter().zip(&zero.own).map(|(here, start)| (here / start).ln()).sum();
        let u = at[0] * (curve.conditional() * ln_ratio.exp()).sqrt();
        let r = w + (u / w).ln() / w;
        r.is_finite().then(|| normal::upper_tail(r))
    }
}

/// Cumulant generating function less its linear part, with slopes and second derivatives in θ and the ψ.
struct Curve {
    value: f64,
    slope: Vec<f64>,
    bend: f64,
    cross: Vec<f64>,
    own: Vec<f64>,
}

impl Curve {
    /// Second derivative in θ along the numbers dealt.
    fn conditional(&self) -> f64 {
        self.bend
            - self
                .cross
                .iter()
                .zip(&self.own)
                .map(|(cross, own)| if *own > 0.0 { cross * cross / own } else { 0.0 })
                .sum::<f64>()
    }

    fn newton(&self) -> Option<Vec<f64>> {
        let pulled: f64 = (0..self.own.len()).map(|g| self.cross[g] / self.own[g] * self.slope[g + 1]).sum();
        let theta = (self.slope[0] - pulled) / self.conditional();
        let mut step = vec![theta];
        step.extend((0..self.own.len()).map(|g| (self.slope[g + 1] - self.cross[g] * theta) / self.own[g]));
        step.iter().all(|step| step.is_finite()).then_some(step)
    }
}
