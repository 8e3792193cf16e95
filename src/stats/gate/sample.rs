//! One side of a comparison, as columns.

use thiserror::Error;

/// Requests of one side, one row each. Every column has one entry a row; a missing column has the meaning stated.
///
/// A request without a value (not scored, not streamed) is no row: how many those are is a share of its own to compare.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The quantity, finite.
    pub values: &'a [f64],
    /// What the values are counted per, not negative: tokens, for cost per token. Missing: per request.
    pub denominators: Option<&'a [f64]>,
    /// What is independent: session, prompt or run. One numbering for both sides, so that a number on both is the same prompt.
    /// Missing: every row.
    pub units: Option<&'a [u32]>,
    /// The kind of request, for mix adjustment; the same numbering on both sides. Missing: one kind.
    pub strata: Option<&'a [u32]>,
    /// Requests a row stands for, not negative. Missing: one.
    pub weights: Option<&'a [f64]>,
}

impl<'a> Sample<'a> {
    /// Independent requests of one kind.
    #[must_use]
    pub fn of(values: &'a [f64]) -> Self {
        Self { values, denominators: None, units: None, strata: None, weights: None }
    }

    #[must_use]
    pub fn units(mut self, units: &'a [u32]) -> Self {
        self.units = Some(units);
        self
    }

    #[must_use]
    pub fn strata(mut self, strata: &'a [u32]) -> Self {
        self.strata = Some(strata);
        self
    }

    #[must_use]
    pub fn weights(mut self, weights: &'a [f64]) -> Self {
        self.weights = Some(weights);
        self
    }

    #[must_use]
    pub fn per(mut self, denominators: &'a [f64]) -> Self {
        self.denominators = Some(denominators);
        self
    }

    pub(super) fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    pub(super) fn denominator(&self, row: usize) -> f64 {
        self.denominators.map_or(1.0, |denominators| denominators[row])
    }

    /// Whether every value is 0 or 1, so that the mean is a share.
    pub(super) fn is_share(&self) -> bool {
        self.denominators.is_none()
            && self.values.iter().all(|value| [0.0_f64, 1.0].iter().any(|end| (*value + 0.0).total_cmp(end).is_eq()))
    }

    pub(super) fn check(&self, side: Side) -> Result<(), Lack> {
        let rows = self.values.len();
        let lengths = [
            self.denominators.map(<[f64]>::len),
            self.weights.map(<[f64]>::len),
            self.units.map(<[u32]>::len),
            self.strata.map(<[u32]>::len),
        ];
        if lengths.into_iter().flatten().any(|length| length != rows) || rows > u32::MAX as usize / 2 {
            return Err(Lack::Columns(side));
        }
        if rows == 0 {
            return Err(Lack::Empty(side));
        }
        if !self.values.iter().all(|value| value.is_finite()) {
            return Err(Lack::NotFinite(side));
        }
        let counts = self.weights.iter().chain(&self.denominators).flat_map(|column| column.iter());
        if counts.into_iter().any(|count| !(*count >= 0.0 && count.is_finite())) {
            return Err(Lack::Weights(side));
        }
        Ok(())
    }
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Baseline,
    Candidate,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Baseline, Self::Candidate];

    /// As it reads in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
        }
    }
}

/// Why nothing can be said of a comparison. None of these is evidence for or against anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Lack {
    #[error("the {} has no such requests", .0.name())]
    Empty(Side),
    #[error("the {} has a value that is not a finite number", .0.name())]
    NotFinite(Side),
    #[error("the {} has a weight or a denominator that is negative or not finite, or nothing but zeros", .0.name())]
    Weights(Side),
    #[error("the columns of the {} differ in length", .0.name())]
    Columns(Side),
    #[error("no kind of request occurs on both sides")]
    NoCommonStratum,
    /// One run says nothing of how runs differ; one session, of how sessions do.
    #[error("the {} has {has} independent unit(s); how they vary takes at least 2", .side.name())]
    TooFewUnits { side: Side, has: u32 },
    #[error("a quantile must lie between 0 and 1")]
    NotAQuantile,
}
