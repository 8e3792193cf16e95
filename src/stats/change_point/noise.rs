//! Level, noise and autocorrelation of one series under a segmentation: what [`super`] weighs changes by.

/// Standard deviation of a normal law per median absolute deviation.
const MAD_TO_SD: f64 = 1.482_602_218_505_602;

/// One series, centred and scaled by the noise of its steps, with running sums.
#[derive(Debug)]
pub struct Dimension {
    pub values: Vec<f64>,
    pub sums: Vec<f64>,
    pub squares: Vec<f64>,
    pub centre: f64,
    pub scale: f64,
    /// Noise variance and long-run variance, in units of `scale`².
    pub noise: f64,
    pub long_run: f64,
}

impl Dimension {
    /// `None` when the values, all finite, never change.
    #[must_use]
    pub fn new(mut values: Vec<f64>) -> Option<Self> {
        // Halving first: the difference of two huge values must not overflow.
        let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] / 2.0 - pair[0] / 2.0).collect();
        let biggest = steps.iter().fold(0.0_f64, |big, step| big.max(step.abs()));
        if biggest <= 0.0 {
            return None;
        }
        let robust = half_sided_sd(&mut steps.clone()) * std::f64::consts::SQRT_2;
        // More than half the steps are equal: the mean square step instead.
        let mean_square = steps.iter().map(|step| (step / biggest).powi(2)).sum::<f64>() / steps.len() as f64;
        let scale = if robust > 1e-9 * biggest { robust } else { biggest * (2.0 * mean_square).sqrt() };
        let centre = median(&mut values.clone());
        for value in &mut values {
            *value = (*value / scale - centre / scale).clamp(-1e100, 1e100);
        }
        let mut sums = vec![0.0; values.len() + 1];
        let mut squares = sums.clone();
        for (at, value) in values.iter().enumerate() {
            sums[at + 1] = sums[at] + value;
            squares[at + 1] = squares[at] + value * value;
        }
        Some(Self { values, sums, squares, centre, scale, noise: 1.0, long_run: 1.0 })
    }

    /// Squared deviations from the mean of `from..to`, in long-run variances. At least one value.
    #[must_use]
    pub fn cost(&self, from: usize, to: usize) -> f64 {
        let sum = self.sums[to] - self.sums[from];
        ((self.squares[to] - self.squares[from] - sum * sum / (to - from) as f64) / self.long_run).max(0.0)
    }

    /// Median of `from..to`, in units of `scale`.
    #[must_use]
    pub fn median(&self, from: usize, to: usize) -> f64 {
        median(&mut self.values[from..to].to_vec())
    }

    /// Measures noise and long-run variance on what the segments between `edges` leave over.
    pub fn measure(&mut self, edges: &[usize]) {
        let (mut around_median, mut around_mean) = (Vec::new(), Vec::new());
        for pair in edges.windows(2) {
            let centre = self.median(pair[0], pair[1]);
            let mean = (self.sums[pair[1]] - self.sums[pair[0]]) / (pair[1] - pair[0]) as f64;
            around_median.extend(self.values[pair[0]..pair[1]].iter().map(|value| value - centre));
            around_mean.extend(self.values[pair[0]..pair[1]].iter().map(|value| value - mean));
        }
        let square: f64 = around_mean.iter().map(|x| x * x).sum();
        let product: f64 = around_mean.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let rho = if square > 0.0 { (product / square).clamp(0.0, 0.99) } else { 0.0 };
        let robust = half_sided_sd(&mut around_median).powi(2);
        let count = self.values.len() as f64;
        // Rounding must not pass for noise, nor the lack of noise for infinite certainty.
        let least = 1e-12 * (self.squares[self.values.len()] / count).max(1.0);
        self.noise = if robust > least { robust } else { (square / count).max(least) };
        self.long_run = self.noise * (1.0 + rho) / (1.0 - rho);
    }
}

/// The larger of the median deviations above and below the median, as a standard deviation. Reorders `values`.
fn half_sided_sd(values: &mut [f64]) -> f64 {
    let centre = median(values);
    let side = |sign: f64| {
        let mut apart: Vec<f64> = values.iter().map(|x| sign * (x - centre)).filter(|&x| x >= 0.0).collect();
        median(&mut apart)
    };
    MAD_TO_SD * side(1.0).max(side(-1.0))
}

/// Median, reordering `values`; 0 when empty.
fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = if even { below.iter().copied().fold(f64::NEG_INFINITY, f64::max) } else { *upper };
    f64::midpoint(lower, *upper)
}
