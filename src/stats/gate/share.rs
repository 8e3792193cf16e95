//! Shares: error rates, right answers, coverage.

use super::{
    evidence::{Bounds, Evidence, Interval, Method, with_freedom, without_freedom},
    influence::{Moments, moments},
    layout::Layout,
    mean::raw,
    permutation::{at_least, floor},
    sample::{Lack, Sample},
};
use crate::stats::{
    hypothesis::{
        Alternative, fisher,
        proportions::{Proportion, newcombe},
    },
    tails::beta,
};

/// No pairing is trusted to make requests worth more than so many times themselves.
const MOST: f64 = 50.0;

/// Two shares at the numbers of independent requests they are worth.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Share {
    shares: [f64; 2],
    requests: [f64; 2],
    freedom: f64,
}

/// Compares shares: Fisher's exact test at effective numbers, so that 0 of n needs no special care and a few failures among many
/// requests are not taken for normal (effective numbers: Rao and Scott, Biometrics 48, 1992, doi:10.2307/2532311). Where every unit is one request on each
/// side, `McNemar`'s exact test (Psychometrika 12, 1947, doi:10.1007/BF02295996).
pub(super) fn share(samples: [&Sample; 2], layout: &Layout) -> Result<Evidence, Lack> {
    let clustered = samples.iter().any(|sample| sample.units.is_some());
    let value = |side: usize, row: usize| samples[side].values[row];
    let few = layout.sides.iter().any(|side| side.units < 2);
    let moments = match moments(samples, layout, value) {
        // One request is no cluster: its variance follows from the share.
        Err(Lack::TooFewUnits { .. }) if !clustered && few => {
            Moments { estimates: [0, 1].map(|side| raw(samples[side])), design_effects: [1.0; 2], ..Moments::default() }
        }
        outcome => outcome?,
    };
    let requests = effective(samples, layout, &moments);
    let freedom = if clustered { freedom(&moments) } else { f64::INFINITY };
    let share = Share { shares: moments.estimates.map(|share| share.clamp(0.0, 1.0)), requests, freedom };
    let pairs = discordant(samples, layout, &moments);
    let estimated = match pairs {
        Some([up, down]) => [binomial(up, down), binomial(down, up)],
        None => [Alternative::Greater, Alternative::Less].map(|side| share.p_value(side)),
    };
    // Of pairs, and of independent requests of one kind, the exact tests are those of dealing.
    let plain = !clustered && layout.mix.len() == 1 && samples.iter().all(|sample| sample.weights.is_none());
    let exact = pairs.is_some() || plain;
    let p_values = if exact { estimated } else { at_least(estimated, samples, layout, value) };
    Ok(Evidence {
        adjusted: share.shares,
        raw: samples.map(raw),
        rows: [0, 1].map(|side| layout.sides[side].rows),
        units: [0, 1].map(|side| layout.sides[side].units),
        paired: moments.paired,
        design_effects: moments.design_effects,
        method: if pairs.is_some() { Method::PairedShare } else { Method::Share },
        p_values,
        estimated,
        least: if pairs.is_some() { 0.0 } else { floor(layout, moments.paired) },
        bounds: Bounds::Share(share),
    })
}

pub(super) fn freedom(moments: &Moments) -> f64 {
    if moments.variance(1.0) > 0.0 {
        return moments.freedom(1.0);
    }
    // No failure anywhere: the units bound what is known of how they vary.
    moments.parts.iter().map(|part| part.freedom).sum::<f64>().max(1.0)
}

/// Independent requests that each side's share is worth: s (1 − s) over its variance, at most what its weights allow; more if
/// pairs go together, because the variance of the difference is what counts.
pub(super) fn effective(samples: [&Sample; 2], layout: &Layout, moments: &Moments) -> [f64; 2] {
    let (variances, covariance) = moments.variances();
    let known = |side: usize| {
        let s = moments.estimates[side];
        let units = layout.sides[side].units as f64;
        // s (1 − s) is the variance with the divisor n, the linearised one has n − 1.
        let n = s * (1.0 - s) / variances[side] * units / (units - 1.0);
        (n.is_finite() && n > 0.0).then_some(n)
    };
    let most = [0, 1].map(|side| {
        let rows = &layout.sides[side];
        let mut squares = 0.0;
        rows.each(samples[side].values.len(), |row| {
            let cell = rows.cell(row);
            squares += (layout.mix[cell] * samples[side].weight(row) / rows.weights[cell]).powi(2);
        });
        1.0 / squares
    });
    // A side without failures has no variance to measure; the other's stands in.
    let worst = [0, 1].map(|side| known(side).map(|n| (most[side] / n).max(1.0)));
    let worst = worst.into_iter().flatten().fold(1.0, f64::max);
    let alone = variances[0] + variances[1];
    let pairing = if covariance.abs() > 0.0 { (alone / (alone - covariance)).clamp(0.5, MOST) } else { 1.0 };
    let pairing = if pairing.is_finite() { pairing } else { 1.0 };
    [0, 1].map(|side| (known(side).unwrap_or(most[side] / worst).min(most[side]) * pairing).max(1.0))
}

/// Pairs that only the candidate has, and only the baseline, if every unit is one unweighted request of one kind on each side.
fn discordant(samples: [&Sample; 2], layout: &Layout, moments: &Moments) -> Option<[u64; 2]> {
    let [b, c] = &layout.sides;
    let pure =
        |side: usize| samples[side].weights.is_none() && layout.sides[side].rows == samples[side].values.len() as u64;
    if moments.paired == 0 || [b.rows, b.units, c.rows, c.units] != [moments.paired; 4] || !pure(0) || !pure(1) {
        return None;
    }
    // With kinds the mix weights would be lost; with the same units on both sides they are all the same.
    let pairs = b.order()?.iter().zip(c.order()?);
    let mut counts = [0; 2];
    for (b, c) in pairs {
        match (samples[0].values[*b as usize] > 0.0, samples[1].values[*c as usize] > 0.0) {
            (false, true) => counts[0] += 1,
            (true, false) => counts[1] += 1,
            _ => {}
        }
    }
    Some(counts)
}

/// P(X ≥ `up`) for `up + down` fair coins.
fn binomial(up: u64, down: u64) -> f64 {
    if up == 0 { 1.0 } else { beta::cdf(up as f64, down as f64 + 1.0, 0.5).unwrap_or(1.0) }
}

impl Share {
    fn p_value(&self, alternative: Alternative) -> f64 {
        let n = self.requests.map(|n| n.round().max(1.0));
        let x = [0, 1].map(|side| (self.shares[side] * n[side]).round().clamp(0.0, n[side]));
        let p = fisher::p_value([x[1] as u64, x[0] as u64], [n[1] as u64, n[0] as u64], alternative).unwrap_or(1.0);
        with_freedom(p, self.freedom)
    }

    pub fn interval(&self, tail: f64) -> Interval {
        let [b, c] = [0, 1].map(|side| Proportion::new(self.shares[side] * self.requests[side], self.requests[side]));
        let level = 1.0 - 2.0 * without_freedom(tail, self.freedom);
        let Some(bounds) = c.ok().zip(b.ok()).and_then(|(c, b)| newcombe(&c, &b, level)) else {
            return Interval { difference: [Some(-1.0), Some(1.0)], change: [None; 2] };
        };
        let difference = [bounds.low, bounds.high];
        let base = self.shares[0];
        Interval { difference, change: difference.map(|bound| bound.filter(|_| base > 0.0).map(|bound| bound / base)) }
    }

    /// By iteration: the variance depends on the share that the harm leads to.
    pub fn detectable(&self, z: f64, beta: f64, upwards: bool) -> Option<f64> {
        let factor = if self.freedom > 1e7 { 1.0 } else { self.t_factor(z) };
        let [n, m] = self.requests;
        let base = self.shares[0];
        let room = if upwards { 1.0 - base } else { base };
        let mut harm: f64 = 0.0;
        for _ in 0..100 {
            let other = if upwards { base + harm.min(room) } else { base - harm.min(room) };
            let pooled = (base * n + other * m) / (n + m);
            let null = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
            let own = (base * (1.0 - base) / n + other * (1.0 - other) / m).sqrt();
            // Half a request of each side: the exact test counts whole ones.
            harm = (factor * z * null + beta * own + 0.5 * (1.0 / n + 1.0 / m)).max(1.0 / m);
        }
        (harm <= room).then_some(harm)
    }

    fn t_factor(&self, z: f64) -> f64 {
        let tail = crate::stats::tails::normal::upper_tail(z);
        crate::stats::tails::student::upper_quantile(tail, self.freedom).map_or(f64::INFINITY, |t| t / z)
    }
}
