//! Fisher's exact test of a 2 × 2 table.

use super::{Alternative, Undefined};
use crate::stats::tails::ln_binomial;

/// Tables as likely as the observed one count as such in spite of rounding.
const AS_LIKELY: f64 = 1.0 + 1e-7;

/// Probability, given the margins, of a table at least as far out: `successes` of `n` on both sides. Two-sided: of all tables
/// no likelier than the observed one. Greater: the first side's proportion is larger. Undefined without trials or with more
/// successes than trials. O(√N) where the numbers are large.
pub fn p_value(successes: [u64; 2], n: [u64; 2], alternative: Alternative) -> Result<f64, Undefined> {
    if n.contains(&0) {
        return Err(Undefined::TooFew { needs: 1, has: 0 });
    }
    if successes[0] > n[0] || successes[1] > n[1] {
        return Err(Undefined::Impossible);
    }
    let hits = successes[0] + successes[1];
    let (lowest, highest) = (hits.saturating_sub(n[1]), hits.min(n[0]));
    if lowest == highest {
        return Ok(1.0);
    }
    let rate = hits as f64 / (n[0] + n[1]) as f64;
    // Hypergeometric as a quotient of binomials with the same rate, each without cancellation.
    let all = ln_binomial(hits as f64, (n[0] + n[1]) as f64, rate);
    let density = |k: u64| {
        (ln_binomial(k as f64, n[0] as f64, rate) + ln_binomial((hits - k) as f64, n[1] as f64, rate) - all).exp()
    };
    let observed = successes[0];
    let mode = ((hits + 1) as f64 * (n[0] + 1) as f64 / (n[0] + n[1] + 2) as f64) as u64;
    let upper = || tail(observed..=highest, |k| k > mode, density);
    let lower = || tail((lowest..=observed).rev(), |k| k < mode, density);
    let p = match alternative {
        Alternative::Greater => upper(),
        Alternative::Less => lower(),
        Alternative::TwoSided => {
            // The density rises to the mode and falls after it, so the other tail begins where it gets as low again.
            let limit = density(observed) * AS_LIKELY;
            if observed >= mode {
                let end = first(lowest, mode.max(lowest), |k| density(k) > limit);
                upper() + tail((lowest..end).rev(), |k| k < mode, density)
            } else {
                let start = first(mode, highest + 1, |k| density(k) <= limit);
                lower() + tail(start..=highest, |k| k > mode, density)
            }
        }
    };
    Ok(p.min(1.0))
}

/// Sum of densities until, past the mode, they no longer count.
fn tail(range: impl Iterator<Item = u64>, past: impl Fn(u64) -> bool, density: impl Fn(u64) -> f64) -> f64 {
    let mut sum = 0.0;
    for k in range {
        let p = density(k);
        sum += p;
        if past(k) && p < 1e-18 * sum {
            break;
        }
    }
    sum
}

/// The first of `low..high` for which `holds`, which then holds for the rest; `high` if none.
fn first(mut low: u64, mut high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tea_tasting() {
        // Fisher's own table, 3 of 4 against 1 of 4: 17/70 and 34/70.
        let p = |alternative| p_value([3, 1], [4, 4], alternative).unwrap();
        assert!((p(Alternative::Greater) - 17.0 / 70.0).abs() < 1e-12);
        assert!((p(Alternative::TwoSided) - 34.0 / 70.0).abs() < 1e-12);
        assert!((p(Alternative::Less) - 69.0 / 70.0).abs() < 1e-12);
    }

    #[test]
    fn both_tails_are_what_enumeration_gives() {
        for (a, b, n, m) in
            [(3, 7, 10, 12), (0, 5, 9, 9), (9, 1, 9, 30), (6, 6, 12, 12), (1, 0, 40, 3), (25, 11, 60, 50)]
        {
            let hits = a + b;
            let all: Vec<f64> = (0..=hits).map(|k| choose(n, k) * choose(m, hits - k)).collect();
            let (total, here) = (all.iter().sum::<f64>(), all[a as usize]);
            let two: f64 = all.iter().filter(|p| **p <= here * AS_LIKELY).sum();
            let got = p_value([a, b], [n, m], Alternative::TwoSided).unwrap();
            assert!((got - two / total).abs() < 1e-12, "{a} {b} {n} {m}: {got} for {}", two / total);
            let less: f64 = all[..=a as usize].iter().sum();
            assert!((p_value([a, b], [n, m], Alternative::Less).unwrap() - less / total).abs() < 1e-12);
        }
    }

    fn choose(n: u64, k: u64) -> f64 {
        if k > n { 0.0 } else { (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product() }
    }

    #[test]
    fn edges() {
        assert_eq!(p_value([0, 0], [5, 9], Alternative::TwoSided), Ok(1.0));
        assert_eq!(p_value([5, 9], [5, 9], Alternative::TwoSided), Ok(1.0));
        assert_eq!(p_value([0, 0], [0, 9], Alternative::TwoSided), Err(Undefined::TooFew { needs: 1, has: 0 }));
        assert_eq!(p_value([6, 0], [5, 9], Alternative::TwoSided), Err(Undefined::Impossible));
    }
}
