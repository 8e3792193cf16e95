//! Where simulated values come from.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A distribution without any change in it; the kinds of data that tests stumble over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// Mean 100, standard deviation 10.
    Normal,
    /// e to a standard normal: skewed, as latencies are.
    LogNormal,
    /// Tail exponent 1.5: a mean, no variance.
    Pareto,
    /// Student's t with 2 degrees of freedom: symmetric, no variance. Half its values are negative, so no sketch holds them.
    StudentT2,
    /// Counts of mean 3: discrete, many ties.
    Poisson,
    /// The normal one in steps of 10: some seven different values.
    Rounded,
    /// Nine of ten values are zero, the rest log-normal.
    ZeroInflated,
}

/// All of them.
pub const ALL: [Distribution; 7] = [
    Distribution::Normal,
    Distribution::LogNormal,
    Distribution::Pareto,
    Distribution::StudentT2,
    Distribution::Poisson,
    Distribution::Rounded,
    Distribution::ZeroInflated,
];

impl Distribution {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::LogNormal => "log-normal",
            Self::Pareto => "Pareto 1.5",
            Self::StudentT2 => "Student t, 2 df",
            Self::Poisson => "Poisson 3",
            Self::Rounded => "rounded normal",
            Self::ZeroInflated => "90 % zeros",
        }
    }

    /// Whether a sketch can hold it.
    #[must_use]
    pub fn positive(self) -> bool {
        self != Self::StudentT2
    }

    /// `n` independent values.
    #[must_use]
    pub fn sample(self, n: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
        (0..n).map(|_| self.draw(random)).collect()
    }

    fn draw(self, random: &mut ChaCha8Rng) -> f64 {
        match self {
            Self::Normal => 100.0 + 10.0 * standard_normal(random),
            Self::Pareto => open_unit(random).powf(-1.0 / 1.5),
            // χ² with 2 degrees of freedom over 2 is exponential.
            Self::StudentT2 => standard_normal(random) / (-open_unit(random).ln()).sqrt(),
            Self::Poisson => poisson(3.0, random),
            Self::Rounded => (10.0 + standard_normal(random)).round() * 10.0,
            Self::ZeroInflated if open_unit(random) < 0.9 => 0.0,
            Self::LogNormal | Self::ZeroInflated => standard_normal(random).exp(),
        }
    }
}

/// A count of this mean: Knuth's product of uniform draws. Means of a few hundred at most.
pub fn poisson(mean: f64, random: &mut ChaCha8Rng) -> f64 {
    let (mut product, mut count) = (open_unit(random), 0.0);
    while product > (-mean).exp() {
        product *= open_unit(random);
        count += 1.0;
    }
    count
}

/// `0 < u < 1`.
pub fn open_unit(random: &mut ChaCha8Rng) -> f64 {
    random.random_range(f64::MIN_POSITIVE..1.0)
}

/// Box and Muller's transform.
pub fn standard_normal(random: &mut ChaCha8Rng) -> f64 {
    (-2.0 * open_unit(random).ln()).sqrt() * (std::f64::consts::TAU * open_unit(random)).cos()
}
