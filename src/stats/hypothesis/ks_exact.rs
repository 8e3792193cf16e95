//! The exact law of the two-sample distance, by counting lattice paths (Hodges, Arkiv för Matematik 3, 1958,
//! doi:10.1007/BF02589501), given where ties allow the distance to be read (Schröer and Trenkler, Computational Statistics
//! and Data Analysis 20, 1995, doi:10.1016/0167-9473(94)00040-P).

use super::{Alternative, ks::Distance};

/// Share of all orders of the values whose distance, read after `ends` values, is at least the observed one.
///
/// h(i, j) is that share among paths to (i, j): one where the path is outside there, else the mean of both ways into it,
/// (i h(i − 1, j) + j h(i, j − 1)) / (i + j). All terms are positive, so that small shares keep their digits.
pub(super) fn p_value(distance: &Distance, ends: &[usize]) -> f64 {
    let (n, m) = (distance.n, distance.m);
    let mut is_end = vec![false; n + m + 1];
    is_end[0] = true;
    for end in ends {
        is_end[*end] = true;
    }
    let outside = |i: usize, j: usize| {
        let (above, below) = ((i as u64) * (m as u64), (j as u64) * (n as u64));
        let here = match distance.alternative {
            Alternative::TwoSided => above.abs_diff(below),
            Alternative::Greater => below.saturating_sub(above),
            Alternative::Less => above.saturating_sub(below),
        };
        is_end[i + j] && here >= distance.numerator
    };
    let mut row = vec![0.0; m + 1];
    for i in 0..=n {
        for j in 0..=m {
            row[j] = if outside(i, j) {
                1.0
            } else if i + j == 0 {
                0.0
            } else {
                let left = if j > 0 { j as f64 * row[j - 1] } else { 0.0 };
                (i as f64 * row[j] + left) / (i + j) as f64
            };
        }
    }
    row[m].min(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::{Alternative, ks::distance};

    #[test]
    fn small_samples_by_hand() {
        // Of the 6 orders of two and two, 2 separate them; with one tied pair across, 1,1|2,2 stays the only extreme split.
        let apart = distance(&[1.0, 2.0], &[3.0, 4.0], Alternative::TwoSided).unwrap();
        assert!((apart.p_exact() - 2.0 / 6.0).abs() < 1e-15);
        let tied = distance(&[1.0, 1.0], &[2.0, 2.0], Alternative::Less).unwrap();
        assert!((tied.p_exact() - 1.0 / 6.0).abs() < 1e-15);
    }

    #[test]
    fn tiny_probabilities_keep_their_digits() {
        let (x, y): (Vec<f64>, Vec<f64>) = ((0..100).map(f64::from).collect(), (200..300).map(f64::from).collect());
        let p = distance(&x, &y, Alternative::TwoSided).unwrap().p_exact();
        // 2 / C(200, 100) = 2.2087606931995028e-59.
        assert!((p / 2.208_760_693_199_502_8e-59 - 1.0).abs() < 1e-9, "{p:e}");
    }
}
