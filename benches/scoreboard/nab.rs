//! The scoring rules of the Numenta Anomaly Benchmark (NAB), version 1.1.
//!
//! Lavin, Ahmad, "Evaluating Real-time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark" (ICMLA 2015),
//! doi 10.1109/ICMLA.2015.141. Where the paper is silent, this follows what the benchmark's own sweep scorer computes.

/// Rows of a file that only train the detector: the first 15 %, at most 750.
#[must_use]
pub fn probation(rows: usize) -> usize {
    (rows * 15 / 100).min(750)
}

/// What a hit, a false alarm and a missed window are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    pub name: &'static str,
    pub hit: f64,
    pub false_alarm: f64,
    pub miss: f64,
}

/// The three published application profiles.
pub const PROFILES: [Profile; 3] = [
    Profile { name: "standard", hit: 1.0, false_alarm: 0.11, miss: 1.0 },
    Profile { name: "reward low FP rate", hit: 1.0, false_alarm: 0.22, miss: 1.0 },
    Profile { name: "reward low FN rate", hit: 1.0, false_alarm: 0.11, miss: 2.0 },
];

/// One file after detection. Windows are inclusive row ranges, ascending and disjoint; detections are rows, any order.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub rows: usize,
    pub windows: Vec<(usize, usize)>,
    pub detections: Vec<usize>,
}

/// Counts and raw score of one file, or the sum over several.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// Windows that could be found: those that reach past the probation rows.
    pub windows: usize,
    pub hits: usize,
    pub false_alarms: usize,
    /// Weighted sum of hits, misses and false alarms, before normalising.
    pub raw: f64,
}

impl Outcome {
    /// Scores one file. Only the earliest detection in a window counts; further ones in the same window are free.
    #[must_use]
    pub fn score(&self, profile: &Profile) -> Tally {
        let first = probation(self.rows);
        let mut rows: Vec<usize> = self.detections.iter().copied().filter(|&row| row >= first).collect();
        rows.sort_unstable();
        rows.dedup();
        let mut tally = Tally::default();
        for &(left, right) in self.windows.iter().filter(|w| w.1 >= first) {
            tally.windows += 1;
            match rows.iter().find(|&&row| (left..=right).contains(&row)) {
                Some(&row) => {
                    tally.hits += 1;
                    // The benchmark counts the row itself, so that even the last row of a window is worth a little.
                    let position = -((right - row + 1) as f64) / (right - left + 1) as f64;
                    tally.raw += profile.hit * sigmoid(position) / sigmoid(-1.0);
                }
                None => tally.raw -= profile.miss,
            }
        }
        for &row in &rows {
            if self.windows.iter().any(|&(left, right)| (left..=right).contains(&row)) {
                continue;
            }
            tally.false_alarms += 1;
            let before = self.windows.iter().rfind(|w| w.1 < row);
            let cost = before.map_or(-1.0, |&(left, right)| past(row - right, right - left));
            tally.raw += profile.false_alarm * cost;
        }
        tally
    }
}

/// Worth of a false alarm `rows` after a window that spans `width` rows from first to last.
fn past(rows: usize, width: usize) -> f64 {
    let distance = rows as f64 / width.max(1) as f64;
    if distance >= 3.0 { -1.0 } else { sigmoid(distance) }
}

fn sigmoid(position: f64) -> f64 {
    2.0 / (1.0 + (5.0 * position).exp()) - 1.0
}

/// Sums the files of a corpus.
#[must_use]
pub fn total(files: &[Tally]) -> Tally {
    files.iter().fold(Tally::default(), |sum, file| Tally {
        windows: sum.windows + file.windows,
        hits: sum.hits + file.hits,
        false_alarms: sum.false_alarms + file.false_alarms,
        raw: sum.raw + file.raw,
    })
}

/// 0 = a detector that never speaks, 100 = every window found at its left edge without a false alarm. `None` without windows.
#[must_use]
pub fn normalised(sum: &Tally, profile: &Profile) -> Option<f64> {
    let windows = sum.windows as f64;
    let null = -profile.miss * windows;
    let perfect = profile.hit * windows;
    (sum.windows > 0).then(|| 100.0 * (sum.raw - null) / (perfect - null))
}
