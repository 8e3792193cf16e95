//! Whether both sides got the same kinds of request.

use std::collections::BTreeMap;

use super::sample::{Lack, Sample, Side};
use crate::stats::tails::chi_squared;

/// A change in mix that is too small to matter, as a share of requests that would have to be of another kind.
const SMALL: f64 = 0.05;
/// Chance of reporting a change where there is none.
const ALPHA: f64 = 0.001;

/// How the kinds of request differ between the sides.
#[derive(Debug, Clone, PartialEq)]
pub struct MixChange {
    /// Half the sum of |differences of shares|: the share of requests that would have to be of another kind.
    pub moved: f64,
    /// Cohen's w = √(χ² / N), which does not grow with the number of requests.
    pub w: f64,
    /// Of the likelihood-ratio test (Wilks, Annals of Mathematical Statistics 9, 1938, doi:10.1214/aoms/1177732360), corrected for
    /// clusters to first order (Rao and Scott, JASA 76, 1981, doi:10.1080/01621459.1981.10477633).
    pub p_value: f64,
    /// By how much requests of a cluster are of one kind; 1 without clusters.
    pub design_effect: f64,
    /// Whether it is beyond chance and large enough to matter.
    pub changed: bool,
    /// The kinds whose shares moved most: kind, share in the baseline, share in the candidate. At most five.
    pub most: Vec<(u32, f64, f64)>,
}

/// Compares the mixes. `Ok(None)` when a side has no kinds.
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
pub fn mix_change(baseline: &Sample, candidate: &Sample) -> Result<Option<MixChange>, Lack> {
    baseline.check(Side::Baseline)?;
    candidate.check(Side::Candidate)?;
    let (Some(b), Some(c)) = (Tally::of(baseline), Tally::of(candidate)) else { return Ok(None) };
    let mut table: BTreeMap<u32, [f64; 2]> = BTreeMap::new();
    for (side, tally) in [&b, &c].into_iter().enumerate() {
        for (kind, share) in &tally.shares {
            table.entry(*kind).or_default()[side] = *share;
        }
    }
    let n = [b.requests, c.requests];
    let (mut moved, mut chi, mut g) = (0.0, 0.0, 0.0);
    for [p, q] in table.values() {
        moved += (p - q).abs() / 2.0;
        let pooled = (p * n[0] + q * n[1]) / (n[0] + n[1]);
        for (share, n) in [(p, n[0]), (q, n[1])] {
            chi += n * (share - pooled).powi(2) / pooled;
            if *share > 0.0 {
                g += 2.0 * n * share * (share / pooled).ln();
            }
        }
    }
    let effect = (b.effect * n[1] + c.effect * n[0]) / (n[0] + n[1]);
    let freedom = table.len() as f64 - 1.0;
    // With few expected in a cell G is too eager and Pearson's is closer; the stricter of the two counts.
    let p_value = if freedom > 0.0 {
        chi_squared::upper_tail((g.min(chi) / effect).max(0.0), freedom).unwrap_or(1.0)
    } else {
        1.0
    };
    let mut most: Vec<(u32, f64, f64)> = table.iter().map(|(kind, [p, q])| (*kind, *p, *q)).collect();
    most.sort_by(|x, y| (y.1 - y.2).abs().total_cmp(&(x.1 - x.2).abs()).then(x.0.cmp(&y.0)));
    most.truncate(5);
    let w = (chi / (n[0] + n[1])).max(0.0).sqrt();
    Ok(Some(MixChange { moved, w, p_value, design_effect: effect, changed: p_value <= ALPHA && moved >= SMALL, most }))
}

struct Tally {
    shares: BTreeMap<u32, f64>,
    /// Requests after weights.
    requests: f64,
    effect: f64,
}

impl Tally {
    fn of(sample: &Sample) -> Option<Self> {
        let strata = sample.strata?;
        let mut shares: BTreeMap<u32, f64> = BTreeMap::new();
        let (mut sum, mut squares) = (0.0, 0.0);
        for (row, kind) in strata.iter().enumerate() {
            let weight = sample.weight(row);
            *shares.entry(*kind).or_default() += weight;
            sum += weight;
            squares += weight * weight;
        }
        if sum <= 0.0 {
            return None;
        }
        for share in shares.values_mut() {
            *share /= sum;
        }
        let requests = sum * sum / squares;
        let effect = sample.units.map_or(1.0, |units| effect(sample, strata, units, &shares, sum, requests));
        Some(Self { shares, requests, effect })
    }
}

/// Mean over the kinds of the variance between clusters over that of independent requests.
fn effect(sample: &Sample, strata: &[u32], units: &[u32], shares: &BTreeMap<u32, f64>, sum: f64, requests: f64) -> f64 {
    let mut clusters: BTreeMap<u32, (f64, BTreeMap<u32, f64>)> = BTreeMap::new();
    for (row, unit) in units.iter().enumerate() {
        let (size, kinds) = clusters.entry(*unit).or_default();
        *size += sample.weight(row);
        *kinds.entry(strata[row]).or_default() += sample.weight(row);
    }
    // Σ over clusters and kinds of (n_kind − p n)²; kinds a cluster does not have come in through Σ p².
    let all: f64 = shares.values().map(|share| share * share).sum();
    let squares: f64 = clusters
        .values()
        .map(|(size, kinds)| {
            let own = kinds.iter().map(|(kind, n)| (n - shares[kind] * size).powi(2) - (shares[kind] * size).powi(2));
            own.sum::<f64>() + all * size * size
        })
        .sum();
    let independent = (1.0 - all) / requests;
    let count = clusters.len() as f64;
    let between = count / (count - 1.0).max(1.0) * squares / (sum * sum);
    if independent > 0.0 { (between / independent).max(1.0) } else { 1.0 }
}
