//! The exact law of a rank sum given the ties: over all ways to split the values into samples of these sizes.

use super::{Alternative, Undefined, ascending, check, tie_groups};

/// Probability of a rank sum of the first sample at least as far out. Two-sided: at least as far from its mean. O(n² N²)
/// for N values: 0.2 ms for twice 20.
pub fn p_value(x: &[f64], y: &[f64], alternative: Alternative) -> Result<f64, Undefined> {
    check(x, 1).and(check(y, 1))?;
    let groups = tie_groups(&ascending(x), &ascending(y));
    let (n, all) = (x.len(), x.len() + y.len());
    // Midranks doubled are whole numbers, so that equal sums are equal.
    let mut doubled = Vec::with_capacity(all);
    let (mut observed, mut before) = (0, 0);
    for [a, b] in &groups {
        let rank = 2 * before + a + b + 1;
        observed += a * rank;
        doubled.extend(std::iter::repeat_n(rank, a + b));
        before += a + b;
    }
    let most: usize = doubled.iter().rev().take(n).sum(); // at least any single rank, as n is at least 1
    // ways[k][s]: of the ways to choose k of the values seen so far, the share of all C(N, n) ways with doubled rank sum s.
    // Scaled as probabilities of a random choice, so that nothing overflows.
    let mut ways = vec![vec![0.0; most + 1]; n + 1];
    ways[0][0] = 1.0;
    let sums: Vec<usize> = std::iter::once(0).chain(running_sums(&doubled)).collect();
    for (seen, rank) in doubled.iter().enumerate() {
        let left = (all - seen) as f64;
        for k in (0..=n.min(seen)).rev() {
            let take = (n - k) as f64 / left;
            let (lower, upper) = ways.split_at_mut(k + 1);
            // The ranks ascend, so k of those seen sum up to no less than the first and no more than the last k of them.
            let (least, largest) = (sums[k], sums[seen] - sums[seen - k]);
            let from = &mut lower[k][least..=largest];
            if let Some(to) = upper.first_mut() {
                for (to, share) in to[least + rank..].iter_mut().zip(from.iter()) {
                    *to += share * take;
                }
            }
            for share in from {
                *share *= 1.0 - take;
            }
        }
    }
    let mean = n * (all + 1); // of doubled sums, exact
    let counts = |s: usize| match alternative {
        Alternative::Greater => s >= observed,
        Alternative::Less => s <= observed,
        Alternative::TwoSided => s.abs_diff(mean) >= observed.abs_diff(mean),
    };
    Ok(ways[n].iter().enumerate().filter(|(s, _)| counts(*s)).fold(0.0, |sum, (_, share)| sum + share).min(1.0))
}

fn running_sums(values: &[usize]) -> impl Iterator<Item = usize> {
    values.iter().scan(0, |sum, value| {
        *sum += value;
        Some(*sum)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_enumeration() {
        // Values 1, 2, 2, 3 split two and two: doubled sums of the first are 7 (twice), 10 (twice: 1+3 and 2+2), 13 (twice).
        let p = |alternative| p_value(&[2.0, 3.0], &[1.0, 2.0], alternative).unwrap();
        assert!((p(Alternative::Greater) - 2.0 / 6.0).abs() < 1e-15);
        assert!((p(Alternative::Less) - 1.0).abs() < 1e-15);
        assert!((p(Alternative::TwoSided) - 4.0 / 6.0).abs() < 1e-15);
    }
}
