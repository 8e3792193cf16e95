//! A series of values as one line of text.

/// Characters of the course of a figure.
pub(super) const COURSE: usize = 20;

/// Lowest first; a gap is a space.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The values as at most `width` characters, scaled so that the smallest drawn is lowest and the largest highest. When there
/// are more values than characters, each character is the mean of its share of them; fewer are not stretched. `None` and what
/// is not finite is a gap. Values that do not differ are drawn flat, in the middle. Empty for no values or no width.
pub(super) fn sparkline(values: &[Option<f64>], width: usize) -> String {
    let characters = width.min(values.len());
    let means: Vec<Option<f64>> = (0..characters)
        .map(|i| mean(&values[i * values.len() / characters..(i + 1) * values.len() / characters]))
        .collect();
    let drawn = || means.iter().flatten().copied();
    let (low, high) = (drawn().fold(f64::INFINITY, f64::min), drawn().fold(f64::NEG_INFINITY, f64::max));
    // Halved, so that the range of two huge values of different sign is finite. Differences in the last digits are rounding.
    let half_range = high / 2.0 - low / 2.0;
    let flat = half_range <= 1e-12 * low.abs().max(high.abs());
    let glyph = |value: f64| {
        let height = if flat { 3 } else { (((value / 2.0 - low / 2.0) / half_range * 8.0) as usize).min(7) };
        LEVELS[height]
    };
    means.iter().map(|mean| mean.map_or(' ', glyph)).collect()
}

/// Mean of the finite values; divides first, so that huge values do not overflow.
fn mean(values: &[Option<f64>]) -> Option<f64> {
    let finite = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let count = finite().count() as f64;
    (count > 0.0).then(|| finite().map(|value| value / count).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn draw(values: &[f64], width: usize) -> String {
        sparkline(&values.iter().map(|v| Some(*v)).collect::<Vec<_>>(), width)
    }

    #[test]
    fn ramps_gaps_constants_and_nothing() {
        assert_eq!(draw(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 8), "▁▂▃▄▅▆▇█");
        assert_eq!(draw(&[0.0, 0.0, 1.0, 1.0, f64::NAN, f64::INFINITY, 0.5, 0.5], 4), "▁█ ▅");
        assert_eq!(draw(&[4.2; 5], 20), "▄▄▄▄▄");
        assert_eq!(sparkline(&[Some(1.0), None, Some(2.0)], 9), "▁ █");
        assert_eq!(draw(&[], 10), "");
        assert_eq!(draw(&[1.0], 0), "");
        assert_eq!(draw(&[f64::NAN; 3], 3), "   ");
        assert_eq!(draw(&[f64::MAX, f64::MIN], 2), "█▁");
    }

    proptest! {
        #[test]
        fn never_longer_than_asked(values in prop::collection::vec(prop::option::of(prop::num::f64::ANY), 0..80), width in 0_usize..90) {
            let line = sparkline(&values, width);
            prop_assert_eq!(line.chars().count(), width.min(values.len()));
        }

        #[test]
        fn shift_and_scale_leave_the_picture(values in prop::collection::vec(-64_i32..64, 1..40), shift in -512_i32..512, power in 0_i32..8) {
            // Powers of two and whole numbers: exact arithmetic, so equality is exact.
            let plain: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
            let moved: Vec<f64> = plain.iter().map(|v| (v + f64::from(shift)) * 2_f64.powi(power)).collect();
            prop_assert_eq!(draw(&plain, plain.len()), draw(&moved, moved.len()));
        }
    }
}
