//! The Theil–Sen slope: the median of the slopes between all pairs of points (Sen, Journal of the American Statistical
//! Association 63, 1968, doi:10.1080/01621459.1968.10480934).

use super::hypothesis::{Undefined, check};

/// Up to this many points all slopes are listed, exactly; beyond, they are counted.
pub const LISTED_POINTS: usize = 1_500;

/// Slope per step of the index and the value at index 0: the median less the slope's share up to the middle of the index
/// (Conover, "Practical Nonparametric Statistics", 1980).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    pub slope: f64,
    pub intercept: f64,
}

/// The line through values at the indices 0, 1, 2, … Undefined below two values or with one that is not finite. Beyond
/// [`LISTED_POINTS`] the slope is found by counting inversions, in O(n log n) a step, to 1e-14 of the largest slope.
pub fn fit(values: &[f64]) -> Result<Line, Undefined> {
    check(values, 2)?;
    let slope = if values.len() <= LISTED_POINTS { listed(values) } else { counted(values) };
    let middle = super::descriptive::quantile(values, 0.5).ok_or(Undefined::NotFinite)?;
    let intercept = middle - (values.len() - 1) as f64 / 2.0 * slope;
    if slope.is_finite() && intercept.is_finite() { Ok(Line { slope, intercept }) } else { Err(Undefined::NotFinite) }
}

fn listed(values: &[f64]) -> f64 {
    let n = values.len();
    let mut slopes = Vec::with_capacity(n * (n - 1) / 2);
    for (i, from) in values.iter().enumerate() {
        slopes.extend(values[i + 1..].iter().zip(1_u32..).map(|(to, steps)| (to - from) / f64::from(steps)));
    }
    let middle = slopes.len() / 2;
    let even = slopes.len().is_multiple_of(2);
    let (below, upper, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if even { f64::midpoint(below.iter().copied().fold(f64::NEG_INFINITY, f64::max), upper) } else { upper }
}

/// Bisection: as many slopes are below s as pairs of x(i) − s·i are in falling order.
fn counted(values: &[f64]) -> f64 {
    let n = values.len() as u64;
    let pairs = n * (n - 1) / 2;
    let most = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
    let mut scratch = (vec![0.0; values.len()], vec![0.0; values.len()]);
    let mut at = |rank: u64| {
        let (mut low, mut high) = (-most, most);
        while high - low > 1e-14 * most {
            let middle = f64::midpoint(low, high);
            for (i, (key, value)) in scratch.0.iter_mut().zip(values).enumerate() {
                *key = value - middle * i as f64;
            }
            if inversions(&mut scratch.0, &mut scratch.1) > rank { high = middle } else { low = middle }
        }
        f64::midpoint(low, high)
    };
    let upper = at(pairs / 2);
    if pairs.is_multiple_of(2) { f64::midpoint(at(pairs / 2 - 1), upper) } else { upper }
}

/// Number of pairs in strictly falling order, by merge sort; sorts `values`. `scratch` is as long.
pub(super) fn inversions(values: &mut [f64], scratch: &mut [f64]) -> u64 {
    let n = values.len();
    if n <= 16 {
        let mut count = 0;
        for i in 1..n {
            let (value, mut j) = (values[i], i);
            while j > 0 && values[j - 1] > value {
                values[j] = values[j - 1];
                j -= 1;
            }
            values[j] = value;
            count += (i - j) as u64;
        }
        return count;
    }
    let (left, right) = values.split_at_mut(n / 2);
    let (left_scratch, right_scratch) = scratch.split_at_mut(n / 2);
    let mut count = inversions(left, left_scratch) + inversions(right, right_scratch);
    let (mut i, mut j) = (0, 0);
    for slot in &mut scratch[..n] {
        if j == right.len() || (i < left.len() && left[i] <= right[j]) {
            *slot = left[i];
            i += 1;
        } else {
            *slot = right[j];
            j += 1;
            count += (left.len() - i) as u64;
        }
    }
    values.copy_from_slice(&scratch[..n]);
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: u32) -> Vec<f64> {
        (0..n).map(|i| 0.3 * f64::from(i) + 100.0 * (f64::from(i) * 0.7).sin() + f64::from(i * 7919 % 13)).collect()
    }

    #[test]
    fn counting_agrees_with_listing() {
        for n in [2, 3, 50, 333] {
            let values = wave(n);
            let (exact, near) = (listed(&values), counted(&values));
            assert!((exact - near).abs() < 1e-11, "{n}: {exact} {near}");
        }
        let long = fit(&wave(4000)).unwrap();
        assert!((long.slope - 0.3).abs() < 1e-3, "{long:?}");
    }

    #[test]
    fn edges() {
        assert_eq!(fit(&[1.0]), Err(Undefined::TooFew { needs: 2, has: 1 }));
        assert_eq!(fit(&[1.0, f64::NAN]), Err(Undefined::NotFinite));
        assert_eq!(fit(&[f64::MAX, -f64::MAX]), Err(Undefined::NotFinite));
        let flat = fit(&[4.0; 2000]).unwrap();
        assert!(flat.slope.abs() < 1e-15 && (flat.intercept - 4.0).abs() < 1e-12);
    }
}
