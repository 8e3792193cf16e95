//! Simple forecasters run side by side through a history: every one says at every cell what it expects some cells ahead, and
//! is told the truth later. Each is one pass with a constant amount of work per cell.

/// Forecasters in the bank: four without a season, three with a daily one, two with a weekly one.
pub const FORECASTERS: usize = 9;
const DAILY: usize = 4;
const WEEKLY: usize = 7;

/// The last value; two exponentially weighted means (Brown 1959); Holt's damped trend (Gardner and `McKenzie` 1985,
/// doi 10.1287/mnsc.31.10.1237); and a seasonal mean per cell of the day or week, alone and with the present deviation from it.
#[derive(Debug)]
pub(crate) struct Bank {
    seen: f64,
    last: f64,
    slow: f64,
    fast: f64,
    level: f64,
    trend: f64,
    day: Option<Season>,
    week: Option<Season>,
}

/// A mean per cell of the period, and how far the series now is from it.
#[derive(Debug)]
struct Season {
    means: Vec<f64>,
    rounds: Vec<f64>,
    oldest_share: f64,
    deviations: f64,
    slow: f64,
    fast: f64,
}

const SLOW: f64 = 0.06;
const FAST: f64 = 0.4;
const TREND: f64 = 0.03;
const DAMPING: f64 = 0.95;

/// Moves a mean towards a value. The first values weigh alike, so that the start is a plain mean.
fn towards(mean: &mut f64, value: f64, share: f64, seen: f64) {
    *mean += (value - *mean) * share.max(1.0 / (seen + 1.0));
}

impl Season {
    fn new(period: usize, oldest_share: f64) -> Self {
        let rounds = vec![0.0; period];
        Self { means: vec![f64::NAN; period], rounds, oldest_share, deviations: 0.0, slow: 0.0, fast: 0.0 }
    }

    fn learn(&mut self, slot: usize, value: f64) {
        let mean = &mut self.means[slot];
        if mean.is_nan() {
            *mean = value;
        } else {
            let deviation = value - *mean;
            towards(&mut self.slow, deviation, SLOW, self.deviations);
            towards(&mut self.fast, deviation, FAST, self.deviations);
            self.deviations += 1.0;
            towards(mean, value, self.oldest_share, self.rounds[slot]);
        }
        self.rounds[slot] += 1.0;
    }
}

impl Bank {
    /// Periods in cells; `None` where the history is too short for the season.
    pub(crate) fn new(day: Option<usize>, week: Option<usize>) -> Self {
        let (day, week) = (day.map(|period| Season::new(period, 0.25)), week.map(|period| Season::new(period, 0.5)));
        Self { seen: 0.0, last: 0.0, slow: 0.0, fast: 0.0, level: 0.0, trend: 0.0, day, week }
    }

    /// Which forecasters take part.
    pub(crate) fn in_use(&self, forecaster: usize) -> bool {
        match forecaster {
            0..DAILY => true,
            DAILY..WEEKLY => self.day.is_some(),
            _ => self.week.is_some(),
        }
    }

    /// Values learnt.
    pub(crate) fn seen(&self) -> usize {
        self.seen as usize
    }

    /// Takes in the value of a cell; cells come in ascending order.
    pub(crate) fn learn(&mut self, cell: usize, value: f64) {
        if self.seen == 0.0 {
            self.level = value;
        }
        self.last = value;
        towards(&mut self.slow, value, SLOW, self.seen);
        towards(&mut self.fast, value, FAST, self.seen);
        let before = self.level;
        let expected = before + DAMPING * self.trend;
        self.level = expected + FAST * (value - expected);
        self.trend = DAMPING * self.trend + TREND * (value - expected);
        self.seen += 1.0;
        for season in [&mut self.day, &mut self.week].into_iter().flatten() {
            let slot = cell % season.means.len();
            season.learn(slot, value);
        }
    }

    /// What each forecaster expects at `cell`, which is `ahead` cells after the last learnt; `damping` is
    /// [`damped_sum`] of it. NaN for those not in use and for a season's cell never seen.
    pub(crate) fn expect(&self, cell: usize, damping: f64) -> [f64; FORECASTERS] {
        let mut all = [f64::NAN; FORECASTERS];
        all[0] = self.last;
        all[1] = self.slow;
        all[2] = self.fast;
        all[3] = self.level + self.trend * damping;
        if let Some(season) = &self.day {
            let mean = season.means[cell % season.means.len()];
            all[4] = mean;
            all[5] = mean + season.slow;
            all[6] = mean + season.fast;
        }
        if let Some(season) = &self.week {
            let mean = season.means[cell % season.means.len()];
            all[7] = mean;
            all[8] = mean + season.slow;
        }
        all
    }
}

/// Sum of the damped trend over `ahead` cells: what one unit of trend adds.
pub(crate) fn damped_sum(ahead: usize) -> f64 {
    DAMPING * (1.0 - DAMPING.powi(i32::try_from(ahead).unwrap_or(i32::MAX))) / (1.0 - DAMPING)
}
