//! How often intervals hold.

/// One kind of prediction on one set of data.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub what: String,
    /// Intervals.
    pub n: u64,
    /// Intervals that held.
    pub covered: u64,
    /// `covered / n`.
    pub share: f64,
    /// Of the intervals: in points of the share for quality, high over low less one for the rest.
    pub median_width: f64,
    /// Cases without a prediction, for want of evidence.
    pub abstained: u64,
    /// Whether the share is meant to lie from 0.85 to 0.95: own requests or five services and more, and at least 200 intervals.
    /// What rests on one service or two is wide on purpose, and eight intervals show nothing.
    pub aimed: bool,
}

/// Where an observed value lies in its prediction.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Probability of less, ties counted half.
    pub below: f64,
    pub width: f64,
}

/// What the predictions rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    Enough,
    /// One to three services.
    Thin,
}

#[derive(Debug, Default)]
pub struct Tally {
    covered: u64,
    abstained: u64,
    widths: Vec<f64>,
}

impl Tally {
    pub fn add(&mut self, outcome: Option<Outcome>) {
        let Some(Outcome { below, width }) = outcome else {
            self.abstained += 1;
            return;
        };
        self.covered += u64::from((0.05..=0.95).contains(&below));
        self.widths.push(width);
    }

    #[must_use]
    pub fn line(mut self, what: &str, evidence: Evidence) -> Line {
        self.widths.sort_unstable_by(f64::total_cmp);
        let n = self.widths.len() as u64;
        Line {
            what: what.to_owned(),
            n,
            covered: self.covered,
            share: self.covered as f64 / n as f64,
            median_width: self.widths.get(self.widths.len() / 2).copied().unwrap_or(f64::NAN),
            abstained: self.abstained,
            aimed: evidence == Evidence::Enough && n >= 200,
        }
    }
}
