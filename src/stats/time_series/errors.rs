//! Intervals from the errors that a method made before, and the mixing of methods by those errors.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::series::quantile;

/// Share of forecasts that an interval should hold.
pub const LEVEL: f64 = 0.9;

/// Weight of each method, adding up to 1: the inverse eighth power of its past absolute error, which is nearly the choice of
/// the best but does not flip between equals. `None` for a method gives it nothing. `None` when there is no method at all.
pub(crate) fn weights<const N: usize>(past: [Option<f64>; N]) -> Option<[f64; N]> {
    let usable = |error: &f64| error.is_finite();
    let best = past.iter().flatten().copied().filter(usable).min_by(f64::total_cmp)?;
    let weight = |error: f64| if error > 0.0 { (best / error).powi(8) } else { 1.0 };
    let weights = past.map(|error| error.filter(usable).map_or(0.0, weight));
    let total: f64 = weights.iter().sum();
    Some(weights.map(|weight| weight / total))
}

/// Weighted sum; what has no weight is not looked at and may be NaN.
pub(crate) fn mix<const N: usize>(weights: &[f64; N], values: &[f64; N]) -> f64 {
    weights.iter().zip(values).filter(|(weight, _)| **weight > 0.0).map(|(weight, value)| weight * value).sum()
}

/// The central [`LEVEL`] of `scores` (signed errors in units of some scale), drawn apart around their median for there being
/// few of them: by Student's t with `independent` degrees of freedom over the normal, and for the error of the estimate
/// itself. Split conformal prediction (Lei et al. 2018, doi 10.1080/01621459.2017.1307116) would take a higher quantile
/// instead, which is infinite for few errors; this never is. Reorders `scores`, of which there is at least one.
pub(crate) fn central(scores: &mut [f64], independent: f64) -> (f64, f64) {
    let independent = independent.max(1.25);
    let (low, high) = (quantile(scores, 0.5 - LEVEL / 2.0), quantile(scores, 0.5 + LEVEL / 2.0));
    let middle = quantile(scores, 0.5);
    let of_t = StudentsT::new(0.0, 1.0, independent).map_or(1.0, |t| t.inverse_cdf(0.5 + LEVEL / 2.0) / 1.644_853_627);
    let stretch = of_t * (1.0 + 1.0 / independent).sqrt();
    (middle + (low - middle) * stretch, middle + (high - middle) * stretch)
}

/// Interval around a forecast, as differences from it, made of the past errors of the same method.
///
/// `past` are (cell of origin, signed error), in the order of the origins; an error is known `ahead` cells later. Each error is
/// taken in units of the size that the errors known by then had, and the result is in units of the size that they have now
/// (locally weighted conformal prediction, Lei et al. 2018, section 5.2): so it is wide in restless times.
pub(crate) fn interval(past: &[(usize, f64)], ahead: usize, independent: f64) -> (f64, f64) {
    let mean = past.iter().map(|(_, error)| error.abs() / past.len() as f64).sum();
    let mut size = Size { recent: mean, known: 0, floor: 0.3 * mean };
    let mut scores = Vec::with_capacity(past.len());
    for (cell, error) in past {
        while past[size.known].0 + ahead <= *cell {
            size.learn(past[size.known].1);
        }
        scores.push(if *error == 0.0 { 0.0 } else { error / size.now() });
    }
    while let Some((_, error)) = past.get(size.known) {
        size.learn(*error);
    }
    let (low, high) = central(&mut scores, independent);
    ((low * size.now()).min(0.0), (high * size.now()).max(0.0))
}

/// Mean size of the errors lately. A part of their long-run mean is added, so that a quiet stretch does not make an interval of
/// no width.
#[derive(Debug)]
struct Size {
    recent: f64,
    known: usize,
    floor: f64,
}

impl Size {
    fn learn(&mut self, error: f64) {
        self.recent += (error.abs() - self.recent) * f64::max(0.03, 1.0 / (10.0 + self.known as f64));
        self.known += 1;
    }

    fn now(&self) -> f64 {
        self.recent + self.floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_and_leave_out_what_is_not_known() {
        let weights = weights([Some(1.0), Some(2.0), None, Some(f64::INFINITY)]).unwrap();
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12 && weights[0] > 0.99);
        assert!(weights[2..].iter().all(|weight| *weight == 0.0));
        assert!(super::weights([None::<f64>; 2]).is_none());
        assert!((mix(&[1.0, 0.0], &[3.0, f64::NAN]) - 3.0).abs() < 1e-12);
    }

    #[test]
    fn restless_times_widen() {
        let quiet_then_wild: Vec<(usize, f64)> = (0..200)
            .map(|cell| (cell, if cell % 2 == 0 { 1.0 } else { -1.0 } * if cell < 150 { 1.0 } else { 10.0 }))
            .collect();
        let wild_then_quiet: Vec<(usize, f64)> =
            quiet_then_wild.iter().rev().enumerate().map(|(cell, (_, error))| (cell, *error)).collect();
        let (now_wild, now_quiet) = (interval(&quiet_then_wild, 1, 1e6), interval(&wild_then_quiet, 1, 1e6));
        assert!(now_wild.1 > 3.0 * now_quiet.1 && now_quiet.1 > 0.0, "{now_wild:?} {now_quiet:?}");
    }

    #[test]
    fn few_errors_widen_and_many_do_not() {
        let scores: Vec<f64> = (-100..=100).map(f64::from).collect();
        let (low, high) = central(&mut scores.clone(), 1e6);
        assert!((low + 90.0).abs() < 0.1 && (high - 90.0).abs() < 0.1, "{low} {high}");
        // t with 4 degrees: 2.1318; 90 * 2.1318 / 1.6449 * sqrt(1.25) = 130.41
        let (low, high) = central(&mut scores.clone(), 4.0);
        assert!((low + 130.41).abs() < 0.1 && (high - 130.41).abs() < 0.1, "{low} {high}");
    }
}
