//! Has the level of a metric shifted since a reference stretch: when, which way, how far?

use statrs::distribution::{ContinuousCDF, Normal};

use super::{
    in_control::{Reference, limit, mean},
    series::{Point, Unanswered, tidy},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// A shift that raised the alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    pub direction: Direction,
    /// First bucket that counts towards it, seconds since the epoch: the best guess of when it began.
    pub onset: i64,
    /// Bucket at which the limit was passed.
    pub alarm: i64,
    /// Bucket at which the sum was back at zero; `None` while the shift lasts.
    pub until: Option<i64>,
    /// Mean from onset on (to `until`, or to the newest point), less the mean of the reference; in the unit of the metric.
    pub size: f64,
    /// The same over the standard deviation of the reference; `None` when that is zero.
    pub size_in_deviations: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Points at the start that are in control; 50 or more. A whole number of days lets the time of day cancel out only in
    /// part: take a season away first.
    pub reference: usize,
    /// Mean number of points to a false alarm, at least. 10,000 buckets of 15 min are 104 days.
    pub run_length: f64,
    /// Smallest shift worth finding, in standard deviations of what is not explained by the point before.
    pub smallest_shift: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { reference: 192, run_length: 10_000.0, smallest_shift: 1.0 }
    }
}

/// Points that a reference needs.
pub const FEWEST_REFERENCE: usize = 50;

/// First shift after the reference, by Page's two-sided cumulative sum (1954, doi 10.1093/biomet/41.1-2.100); `Ok(None)`: none.
///
/// A value is judged by what the one before does not explain (first-order autoregression of the reference; Alwan and Roberts
/// 1988, Journal of Business & Economic Statistics 6, p. 87), and that by its rank among the same of the reference, as a normal score. So the
/// false alarms hardly depend on the distribution, and a single wild value counts for little. The limit comes from Siegmund's
/// formula for the run length; the allowance is raised by 1.28 standard errors of the reference mean, because an estimated
/// reference shortens the run length a lot (Jones, Champ and Rigdon 2004, Journal of Quality Technology 36, p. 95).
///
/// Give logarithms of what is skewed and wanders (latency, cost): the autoregression explains those better, and without it
/// such a series raises about twice the false alarms promised. A size is then the logarithm of a ratio.
pub fn cusum(series: &[Point], settings: Settings) -> Result<Option<Shift>, Unanswered> {
    let points = tidy(series);
    let reference = settings.reference.max(FEWEST_REFERENCE);
    if points.len() <= reference {
        return Err(Unanswered::NotEnoughData { missing: reference + 1 - points.len() });
    }
    let normal = Normal::standard();
    let base = Reference::new(&points[..reference]).ok_or(Unanswered::Overflow)?;
    let allowance = settings.smallest_shift.max(0.1) / 2.0;
    let limit = limit(allowance, settings.run_length);
    let allowance = allowance + 1.28 / (reference as f64).sqrt();
    let (mut up, mut down) = (Arm::default(), Arm::default());
    for index in reference..points.len() {
        let score = normal.inverse_cdf(base.rank(base.surprise(points[index - 1].value, points[index].value)));
        for (arm, score, direction) in [(&mut up, score, Direction::Up), (&mut down, -score, Direction::Down)] {
            arm.add(index, score - allowance);
            if arm.sum > limit {
                let until = arm.recovery(&points, index, |before, now| {
                    let score = normal.inverse_cdf(base.rank(base.surprise(before, now)));
                    if direction == Direction::Up { score - allowance } else { -score - allowance }
                });
                return shift(&points, &base, arm.onset, index, until, direction).map(Some);
            }
        }
    }
    Ok(None)
}

/// One of the two sums.
#[derive(Debug, Default)]
struct Arm {
    sum: f64,
    onset: usize,
}

impl Arm {
    fn add(&mut self, index: usize, step: f64) {
        if self.sum <= 0.0 {
            self.onset = index;
        }
        self.sum = (self.sum + step).max(0.0);
    }

    /// Where the sum is back at zero after the alarm. It is held down to the size that it had there, so that a long shift
    /// does not take as long to be forgotten.
    fn recovery(&self, points: &[Point], alarm: usize, step: impl Fn(f64, f64) -> f64) -> Option<usize> {
        let mut sum = self.sum;
        (alarm + 1..points.len()).find(|index| {
            sum = (sum + step(points[index - 1].value, points[*index].value)).min(self.sum);
            sum <= 0.0
        })
    }
}

fn shift(
    points: &[Point],
    base: &Reference,
    onset: usize,
    alarm: usize,
    until: Option<usize>,
    direction: Direction,
) -> Result<Shift, Unanswered> {
    let shifted = &points[onset..until.unwrap_or(points.len())];
    let size = mean(shifted.iter().map(|point| point.value)) - base.mean;
    let in_deviations = (base.deviation > 0.0).then(|| size / base.deviation);
    if !size.is_finite() || in_deviations.is_some_and(|size| !size.is_finite()) {
        return Err(Unanswered::Overflow);
    }
    let (onset, alarm, until) = (points[onset].at, points[alarm].at, until.map(|index| points[index].at));
    Ok(Shift { direction, onset, alarm, until, size, size_in_deviations: in_deviations })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Noise, points};
    use super::*;
    use proptest::prelude::*;

    fn shifted(seed: u64, autocorrelation: f64, size: f64) -> Vec<Point> {
        let mut values = Noise::new(seed).autoregressive(672, autocorrelation);
        values[400..].iter_mut().for_each(|value| *value += size);
        points(&values, 900)
    }

    #[test]
    fn finds_when_and_how_far_and_which_way() {
        for (size, direction) in [(2.0, Direction::Up), (-2.0, Direction::Down)] {
            let found = cusum(&shifted(5, 0.0, size), Settings::default()).unwrap().unwrap();
            assert_eq!((found.direction, found.until), (direction, None));
            assert!((found.onset / 900 - 400).abs() <= 5 && found.alarm / 900 < 420, "{found:?}");
            assert!((found.size - size).abs() < 0.3, "{found:?}");
        }
    }

    #[test]
    fn a_shift_that_ends_says_so() {
        let mut values = Noise::new(8).autoregressive(672, 0.0);
        values[300..350].iter_mut().for_each(|value| *value += 3.0);
        let found = cusum(&points(&values, 900), Settings::default()).unwrap().unwrap();
        assert!((350..375).contains(&(found.until.unwrap() / 900)), "{found:?}");
    }

    #[test]
    fn false_alarms_are_as_rare_as_asked() {
        // Asked: one in 2,000 points, so about 21 % of the stretches of 480; alike neighbours must not make it more.
        for autocorrelation in [0.0, 0.5, 0.8] {
            let settings = Settings { run_length: 2000.0, ..Settings::default() };
            let alarms = (0..150)
                .filter(|seed| cusum(&shifted(*seed, autocorrelation, 0.0), settings).unwrap().is_some())
                .count();
            assert!(alarms <= 45, "{alarms} of 150 with {autocorrelation}");
        }
    }

    #[test]
    fn scale_and_offset_move_the_answer_along() {
        let plain = shifted(5, 0.3, 2.0);
        let moved: Vec<Point> = plain.iter().map(|p| Point { at: p.at + 7200, value: 1e6 - 3.0 * p.value }).collect();
        let (a, b) = [plain, moved].map(|series| cusum(&series, Settings::default()).unwrap().unwrap()).into();
        assert_eq!((a.onset + 7200, a.alarm + 7200), (b.onset, b.alarm));
        assert!(a.direction == Direction::Up && b.direction == Direction::Down);
        assert!((a.size * -3.0 - b.size).abs() < 1e-6);
    }

    #[test]
    fn too_little_constant_and_wild() {
        assert_eq!(
            cusum(&points(&[1.0; 100], 900), Settings::default()),
            Err(Unanswered::NotEnoughData { missing: 93 })
        );
        assert_eq!(cusum(&points(&[1e9; 300], 900), Settings::default()), Ok(None));
        let mut step = vec![0.1; 300];
        step[250..].fill(0.2);
        let found = cusum(&points(&step, 900), Settings::default()).unwrap().unwrap();
        assert!(found.size_in_deviations.is_none() && found.onset == 250 * 900, "{found:?}");
        let wild: Vec<f64> = (0..300).map(|i| if i % 2 == 0 { f64::MAX } else { f64::MIN }).collect();
        assert_eq!(cusum(&points(&wild, 900), Settings::default()), Err(Unanswered::Overflow));
    }

    proptest! {
        #[test]
        fn never_panics_and_stays_finite(values in prop::collection::vec(prop_oneof![4 => 0.0..5.0, 1 => Just(1e15), 1 => prop::num::f64::ANY], 0..400)) {
            if let Some(found) = cusum(&points(&values, 60), Settings::default()).ok().flatten() {
                prop_assert!(found.size.is_finite() && found.onset <= found.alarm, "{found:?}");
            }
        }
    }
}
