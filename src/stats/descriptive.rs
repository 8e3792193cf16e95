//! Moments, R-7 quantiles and a log-normal fit of a few values, exact to the last digits.
//!
//! Values that are not finite have no place here: functions return `None` when they meet one.

/// Arithmetic mean. `None` without values or with one that is not finite.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    mean.is_finite().then_some(mean)
}

/// Σ (x − `location`)² / (n − 1). `None` below two values.
#[must_use]
pub fn variance(values: &[f64], location: f64) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let squares: f64 = values.iter().map(|value| (value - location).powi(2)).sum();
    let variance = squares / (values.len() - 1) as f64;
    variance.is_finite().then_some(variance)
}

/// Square root of [`variance`]. `None` when nothing varies: a spread of zero is no scale to measure anything with.
#[must_use]
pub fn standard_deviation(values: &[f64], location: f64) -> Option<f64> {
    variance(values, location).filter(|variance| *variance > 0.0).map(f64::sqrt)
}

/// First quartile, median and third quartile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quartiles {
    pub q1: f64,
    pub q2: f64,
    pub q3: f64,
}

impl Quartiles {
    /// `None` without values or with one that is not finite.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let sorted = finite_ascending(values)?;
        Some(Self {
            q1: sorted_quantile(&sorted, 0.25)?,
            q2: sorted_quantile(&sorted, 0.5)?,
            q3: sorted_quantile(&sorted, 0.75)?,
        })
    }

    /// Quartiles of `|x[i+1] − x[i]| / |x[i]|` over a series in its order. A step from zero has no relative size and is left
    /// out. `None` without steps.
    #[must_use]
    pub fn of_relative_changes(series: &[f64]) -> Option<Self> {
        let changes: Vec<f64> =
            series.windows(2).filter(|pair| pair[0] != 0.0).map(|pair| ((pair[1] - pair[0]) / pair[0]).abs()).collect();
        Self::of(&changes)
    }

    /// Interquartile range.
    #[must_use]
    pub fn range(&self) -> f64 {
        self.q3 - self.q1
    }
}

/// Quantile by linear interpolation at rank q·(n − 1), type 7 of Hyndman and Fan (The American Statistician 50, 1996,
/// doi:10.1080/00031305.1996.10473566). `None` without values, with one that is not finite, or `q` outside `0..=1`.
#[must_use]
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    sorted_quantile(&finite_ascending(values)?, q)
}

/// As [`quantile`], of values in ascending order.
#[must_use]
pub fn sorted_quantile(sorted: &[f64], q: f64) -> Option<f64> {
    if sorted.is_empty() || !(0.0..=1.0).contains(&q) {
        return None;
    }
    let rank = q * (sorted.len() - 1) as f64;
    let below = rank.floor() as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    Some(low + (high - low) * (rank - below as f64))
}

fn finite_ascending(values: &[f64]) -> Option<Vec<f64>> {
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Some(sorted)
}

/// Mean and standard deviation (n − 1) of ln x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogNormal {
    pub location: f64,
    pub scale: f64,
}

impl LogNormal {
    /// `None` below two values, with one that is not positive and finite, and when all are equal.
    #[must_use]
    pub fn fit(values: &[f64]) -> Option<Self> {
        if values.iter().any(|value| !(*value > 0.0 && value.is_finite())) {
            return None;
        }
        let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
        let location = mean(&logs)?;
        Some(Self { location, scale: standard_deviation(&logs, location)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_one_and_not_finite() {
        assert_eq!((mean(&[]), variance(&[1.0], 1.0), Quartiles::of(&[])), (None, None, None));
        assert_eq!(quantile(&[7.0], 0.3), Some(7.0));
        for bad in [f64::NAN, f64::INFINITY] {
            assert_eq!((mean(&[bad]), Quartiles::of(&[1.0, bad]), LogNormal::fit(&[1.0, bad])), (None, None, None));
        }
        assert_eq!((standard_deviation(&[3.0; 5], 3.0), LogNormal::fit(&[3.0; 5])), (None, None));
        assert_eq!((quantile(&[1.0], 1.1), quantile(&[1.0], f64::NAN)), (None, None));
    }

    #[test]
    fn changes_from_zero_are_left_out() {
        let quartiles = Quartiles::of_relative_changes(&[0.0, 2.0, 3.0]).unwrap();
        assert!((quartiles.q2 - 0.5).abs() < 1e-15 && quartiles.range().abs() < 1e-15);
        assert_eq!(Quartiles::of_relative_changes(&[0.0, 0.0]), None);
    }
}
