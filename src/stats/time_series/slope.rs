//! Is a metric rising or falling, and how fast: a straight line with an error that knows that neighbouring buckets are alike.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::series::{DAY, Point, Unanswered, tidy};

/// A straight line through a series. All figures are finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// Units of the metric per day.
    pub per_day: f64,
    /// 90 % interval of it.
    pub low: f64,
    pub high: f64,
    /// Two-sided probability of so steep a line without any trend.
    pub p_value: f64,
    /// `per_day` as a share of the mean level; `None` when that is zero or changes sign within the data.
    pub relative_per_day: Option<f64>,
    /// Share of the variance that the line explains, 0 to 1. High without a trend too, when neighbours are alike.
    pub r_squared: f64,
    /// Correlation of neighbouring residuals, corrected for the bias of short series.
    pub autocorrelation: f64,
    /// Independent points that tell as much as these.
    pub effective_points: f64,
}

impl Slope {
    /// Whether there is a trend, at the level `alpha` (share of false alarms that is put up with, such as 0.05).
    #[must_use]
    pub fn significant(&self, alpha: f64) -> bool {
        self.p_value < alpha
    }
}

/// Points that an answer needs: fewer do not tell a trend from slow noise.
pub const FEWEST_POINTS: usize = 40;
/// Residuals more alike than this are indistinguishable from a random walk, which has no trend and looks like one.
const MOST_ALIKE: f64 = 0.97;
const LEVEL: f64 = 0.9;

/// Ordinary least squares with a Newey–West error (1987, doi 10.2307/1913610), prewhitened by a first-order autoregression
/// (Andrews and Monahan 1992, doi 10.2307/2951574), whose coefficient is first corrected for its bias downwards, about
/// (2 + 4 r) / n beside a fitted line (as Kendall 1954 beside a mean); judged by Student's t with the degrees of freedom of the
/// effective number of points.
///
/// Points are taken as evenly spaced for the autocorrelation and at their true times for the line. `NotEnoughData` also when
/// all points are of one time.
pub fn slope(series: &[Point]) -> Result<Slope, Unanswered> {
    let points = tidy(series);
    let count = points.len();
    if count < FEWEST_POINTS {
        return Err(Unanswered::NotEnoughData { missing: FEWEST_POINTS - count });
    }
    let n = count as f64;
    // Days since the first point, and values over their largest: no overflow and no loss with huge offsets.
    let origin = points[0].at;
    let mut times: Vec<f64> = points.iter().map(|p| p.at.saturating_sub(origin) as f64 / DAY as f64).collect();
    centre(&mut times);
    let unit = points.iter().map(|point| point.value.abs()).fold(0.0, f64::max);
    let unit = if unit > 0.0 { unit } else { 1.0 };
    let mut values: Vec<f64> = points.iter().map(|point| point.value / unit).collect();
    let level = centre(&mut values);
    let spread_of_times = dot(&times, &times);
    if spread_of_times <= 0.0 {
        return Err(Unanswered::NotEnoughData { missing: 1 });
    }
    let slope = dot(&times, &values) / spread_of_times;
    let residuals: Vec<f64> = times.iter().zip(&values).map(|(t, v)| v - slope * t).collect();
    let (total, unexplained) = (dot(&values, &values), dot(&residuals, &residuals));
    // What rounding leaves of a constant or of an exact line is not noise.
    let rounding = n * (4.0 * f64::EPSILON).powi(2);
    let (total, exact) = (if total <= rounding { 0.0 } else { total }, unexplained <= rounding);
    let slope = if total == 0.0 { 0.0 } else { slope };
    let autocorrelation = if exact { 0.0 } else { autocorrelation(&residuals, unexplained) };
    let effective = (n * (1.0 - autocorrelation) / (1.0 + autocorrelation)).clamp(3.0, n);
    // The error that the autoregression alone would give is the least: Newey–West's is too small in short series.
    let of_model = unexplained / n * spread_of_times * (1.0 + autocorrelation) / (1.0 - autocorrelation);
    let moments = if exact { 0.0 } else { newey_west(&times, &residuals, autocorrelation).max(of_model) };
    let error = moments.sqrt() / spread_of_times;
    // Small-sample factor as for the variance of residuals.
    let error = error * (n / (n - 2.0)).sqrt();
    let t = StudentsT::new(0.0, 1.0, (effective - 2.0).max(1.0)).map_err(|_| Unanswered::Overflow)?;
    let p_value = match (slope == 0.0, error > 0.0) {
        (true, _) => 1.0,
        (false, true) => 2.0 * t.cdf(-(slope / error).abs()),
        (false, false) => 0.0,
    };
    let half = t.inverse_cdf(0.5 + LEVEL / 2.0) * error;
    let one_sign = points.iter().all(|point| point.value >= 0.0) || points.iter().all(|point| point.value <= 0.0);
    let answer = Slope {
        per_day: slope * unit,
        low: (slope - half) * unit,
        high: (slope + half) * unit,
        p_value,
        relative_per_day: (one_sign && level != 0.0).then(|| slope / level.abs()),
        r_squared: if total > 0.0 { (1.0 - unexplained / total).clamp(0.0, 1.0) } else { 0.0 },
        autocorrelation,
        effective_points: effective,
    };
    let finite = [answer.per_day, answer.low, answer.high, answer.p_value, answer.relative_per_day.unwrap_or(0.0)];
    finite.iter().all(|figure| figure.is_finite()).then_some(answer).ok_or(Unanswered::Overflow)
}

/// Takes the mean away and returns it.
fn centre(values: &mut [f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    for value in values {
        *value -= mean;
    }
    mean
}

fn autocorrelation(residuals: &[f64], squares: f64) -> f64 {
    let n = residuals.len() as f64;
    let raw = dot(residuals, &residuals[1..]) / squares;
    (raw + (2.0 + 4.0 * raw) / n).clamp(0.0, MOST_ALIKE)
}

/// Sum of products, as far as the shorter one reaches. In eight sums, which do not wait for each other: most of the work is here.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let length = a.len().min(b.len());
    let ((a, a_rest), (b, b_rest)) = (a[..length].as_chunks::<LANES>(), b[..length].as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// Long-run sum of squares of the moments `time * residual`, by Bartlett's kernel on what the autoregression leaves.
fn newey_west(times: &[f64], residuals: &[f64], autocorrelation: f64) -> f64 {
    let moments: Vec<f64> = times.iter().zip(residuals).map(|(time, residual)| time * residual).collect();
    let left: Vec<f64> = moments.windows(2).map(|pair| pair[1] - autocorrelation * pair[0]).collect();
    let n = left.len();
    let product = |lag: usize| dot(&left[lag..], &left);
    let lags = (4.0 * (n as f64 / 100.0).powf(2.0 / 9.0)) as usize;
    let own = product(0);
    let sum = own + (1..=lags).map(|lag| 2.0 * (1.0 - lag as f64 / (lags as f64 + 1.0)) * product(lag)).sum::<f64>();
    // Never below the independent case by much: negative correlation by chance is no precision.
    sum.max(0.5 * own) / (1.0 - autocorrelation).powi(2)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Noise, points};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_least_squares_of_numpy() {
        // numpy: y = 5 + 0.02 i + sin(i), i = 0..59; polyfit(i, y, 1)[0] and corrcoef(i, y)[0, 1]**2
        let values: Vec<f64> = (0..60).map(|i| 5.0 + 0.02 * f64::from(i) + f64::from(i).sin()).collect();
        let found = slope(&points(&values, 3600)).unwrap();
        assert!((found.per_day / 24.0 - 0.020_216_931_557_148).abs() < 1e-10, "{found:?}");
        assert!((found.r_squared - 0.197_971_370_521_448).abs() < 1e-10, "{found:?}");
    }

    #[test]
    fn alike_neighbours_do_not_pass_for_a_trend() {
        for autocorrelation in [0.0, 0.5, 0.8] {
            let found = |seed| slope(&points(&Noise::new(seed).autoregressive(288, autocorrelation), 900)).unwrap();
            let alarms = (0..400).filter(|seed| found(*seed).significant(0.05)).count();
            assert!((6..=34).contains(&alarms), "{alarms} of 400 with {autocorrelation}");
        }
    }

    #[test]
    fn a_real_trend_is_found_and_bracketed() {
        let mut values = Noise::new(1).autoregressive(672, 0.5);
        values.iter_mut().enumerate().for_each(|(i, value)| *value += 100.0 + 3.0 * i as f64 / 96.0);
        let found = slope(&points(&values, 900)).unwrap();
        assert!(found.significant(0.001) && found.low < 3.0 && 3.0 < found.high, "{found:?}");
        assert!((found.relative_per_day.unwrap() - 3.0 / 110.5).abs() < 0.002, "{found:?}");
        assert!((found.autocorrelation - 0.5).abs() < 0.1, "{found:?}");
    }

    #[test]
    fn scale_and_offset_move_the_answer_along() {
        let plain = points(&Noise::new(2).autoregressive(200, 0.4), 900);
        let moved: Vec<Point> =
            plain.iter().rev().map(|p| Point { at: p.at - 9_000, value: 1e7 - 4.0 * p.value }).collect();
        let (a, b) = (slope(&plain).unwrap(), slope(&moved).unwrap());
        assert!((a.per_day * -4.0 - b.per_day).abs() < 1e-5 * a.per_day.abs() && (a.p_value - b.p_value).abs() < 1e-5);
        assert!((a.low * -4.0 - b.high).abs() < 1e-5 * a.low.abs(), "{a:?} {b:?}");
    }

    #[test]
    fn constants_lines_and_too_little() {
        assert_eq!(slope(&points(&[1.0; 39], 900)), Err(Unanswered::NotEnoughData { missing: 1 }));
        let flat = slope(&points(&[0.1; 100], 900)).unwrap();
        assert_eq!((flat.per_day, flat.p_value, flat.r_squared), (0.0, 1.0, 0.0));
        assert!(slope(&points(&[0.0; 100], 900)).unwrap().relative_per_day.is_none());
        let line: Vec<f64> = (0..100).map(f64::from).collect();
        let line = slope(&points(&line, 86_400)).unwrap();
        assert!((line.per_day - 1.0).abs() < 1e-9 && line.p_value < 1e-6 && line.r_squared > 0.999_999, "{line:?}");
        let one_time = [Point { at: 5, value: 1.0 }; 50];
        assert_eq!(slope(&one_time), Err(Unanswered::NotEnoughData { missing: 1 }));
        let huge: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { f64::MAX } else { f64::MIN }).collect();
        assert!(slope(&points(&huge, 900)).is_ok_and(|found| found.p_value.is_finite()));
    }

    proptest! {
        #[test]
        fn never_panics_and_stays_finite(values in prop::collection::vec(prop_oneof![4 => 0.0..5.0, 1 => Just(1e15), 1 => prop::num::f64::ANY], 0..400)) {
            if let Ok(found) = slope(&points(&values, 60)) {
                prop_assert!(found.low <= found.per_day && found.per_day <= found.high && (0.0..=1.0).contains(&found.p_value), "{found:?}");
            }
        }
    }
}
