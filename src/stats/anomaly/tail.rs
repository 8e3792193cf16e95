//! How far a value may go: a level for daily extremes that is crossed about once in a stated time.
//!
//! The largest value of a day is, for nearly every metric, close to a Gumbel law (Gumbel 1958). Its scale comes from
//! L-moments, which stay calm with a dozen values (Hosking 1990, doi 10.1111/j.2517-6161.1990.tb01775.x). Few days mean an
//! unsure scale, so the level is a prediction limit, not a plug-in quantile.

/// The lightest tail that is believed, as scale over the mean distance of the daily extremes from the centre: that of a normal
/// law with a point every five minutes, 1 / (2 ln 288). Two days that happen to peak alike do not mean a hard ceiling.
const LIGHTEST: f64 = 0.09;
/// Euler's constant: the mean of a Gumbel law lies this many scales above its mode.
const EULER: f64 = 0.577_215_664_901_532_9;

/// A Gumbel law fitted to daily extremes, all measured in the direction that counts as worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tail {
    mode: f64,
    scale: f64,
    /// Days minus one: the mode costs one.
    freedom: f64,
    /// The largest day. What was seen within the memory is not news.
    record: f64,
}

impl Tail {
    /// Fits distances from the centre (any unit, zero or more, finite; sorted in place). `None` below two days.
    #[must_use]
    pub fn fit(extremes: &mut [f64]) -> Option<Self> {
        let days = extremes.len();
        if days < 2 {
            return None;
        }
        extremes.sort_unstable_by(f64::total_cmp);
        let count = days as f64;
        let mean = extremes.iter().sum::<f64>() / count;
        let weighted: f64 = extremes.iter().enumerate().map(|(rank, x)| rank as f64 * x).sum();
        let second = 2.0 * weighted / (count * (count - 1.0)) - mean;
        let scale = (second / std::f64::consts::LN_2).max(LIGHTEST * mean);
        let record = extremes[days - 1];
        Some(Self { mode: mean - EULER * scale, scale, freedom: count - 1.0, record })
    }

    /// The distance that a day crosses with probability `chance`, and never below the record.
    ///
    /// Above its mode a Gumbel tail is exponential. The next exceedance over a scale estimated from k exponential values
    /// goes past t scales with probability (1 + t/k)^-k exactly; solved for t.
    #[must_use]
    pub fn level(&self, chance: f64) -> f64 {
        self.plain_level(chance).max(self.record)
    }

    /// The same without the record: what the law alone predicts.
    #[must_use]
    pub fn plain_level(&self, chance: f64) -> f64 {
        let k = self.freedom;
        self.mode + self.scale * k * (chance.powf(-1.0 / k) - 1.0)
    }

    /// Probability that a day goes beyond `distance`, 0..=1.
    #[must_use]
    pub fn chance(&self, distance: f64) -> f64 {
        if self.scale <= 0.0 {
            return if distance > self.record { 0.0 } else { 1.0 };
        }
        let steps = (distance - self.mode) / self.scale;
        if steps <= 0.0 { 1.0 } else { (1.0 + steps / self.freedom).powf(-self.freedom) }
    }

    /// True when no day left the centre.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.record <= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l_moments_match_a_hand_calculation() {
        // 1, 2, 4: mean 7/3, b1 = (0*1 + 1*2 + 2*4)/6 = 5/3, l2 = 10/3 - 7/3 = 1.
        let tail = Tail::fit(&mut [4.0, 1.0, 2.0]).unwrap();
        assert!((tail.scale - 1.0 / std::f64::consts::LN_2).abs() < 1e-12);
        assert!((tail.mode - (7.0 / 3.0 - EULER * tail.scale)).abs() < 1e-12);
    }

    #[test]
    fn level_and_chance_undo_each_other() {
        let tail = Tail::fit(&mut [1.0, 2.0, 2.5, 3.0, 3.2, 4.0]).unwrap();
        for chance in [0.2, 0.01, 0.001] {
            assert!((tail.chance(tail.plain_level(chance)) - chance).abs() < 1e-9);
        }
        assert!(tail.level(0.9) >= 4.0, "a value seen before is no news");
    }

    #[test]
    fn few_days_ask_for_more() {
        let few = Tail::fit(&mut [1.0, 2.0]).unwrap();
        let many = Tail::fit(&mut (0..14).map(|day| 1.0 + f64::from(day % 2)).collect::<Vec<_>>()).unwrap();
        assert!(few.level(0.01) > 4.0 * many.level(0.01));
    }

    #[test]
    fn flat_and_short_inputs_stay_finite() {
        assert_eq!(Tail::fit(&mut []), None);
        assert_eq!(Tail::fit(&mut [3.0]), None);
        let flat = Tail::fit(&mut [0.0; 5]).unwrap();
        assert!(flat.is_flat());
        assert!(flat.level(0.01).abs() < 1e-12);
        assert_eq!((flat.chance(0.0), flat.chance(0.1)), (1.0, 0.0));
    }

    #[test]
    fn days_that_peak_alike_are_no_ceiling() {
        let tail = Tail::fit(&mut [10.0, 10.0, 10.0]).unwrap();
        assert!(tail.level(0.01) > 12.0);
    }
}
