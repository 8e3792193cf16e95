//! The requests of one side, as columns.

/// One side. All columns have the same length; NaN stands for unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Requests {
    /// Service, endpoint, complexity and domain by number of a slice.
    pub slices: Vec<[Option<String>; 4]>,
    /// Classes of failures by number, the most frequent first.
    pub classes: Vec<String>,
    pub slice: Vec<u32>,
    /// Hash of what makes requests alike.
    pub stratum: Vec<u64>,
    /// Hash of the request's id.
    pub request: Vec<u64>,
    /// Hash of its session's id; 0 for none.
    pub session: Vec<u64>,
    /// Minutes since 1970.
    pub minute: Vec<i64>,
    /// Number of the source it came from.
    pub run: Vec<u32>,
    pub kind: Vec<RequestKind>,
    /// Number of the class of a failure; `u32::MAX` for none.
    pub class: Vec<u32>,
    pub weight: Vec<f64>,
    /// Milliseconds; only of successes.
    pub latency_ms: Vec<f64>,
    pub ttft_ms: Vec<f64>,
    pub input_tokens: Vec<f64>,
    pub output_tokens: Vec<f64>,
    /// US dollars, stated or priced; of failures only what is stated.
    pub cost_usd: Vec<f64>,
    /// `0..=1`; only of successes.
    pub quality: Vec<f64>,
    /// Whether they stand for what is kept of hours: hours are all that is independent then.
    pub hourly: bool,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    Succeeded,
    /// The provider's fault.
    Failed,
    /// Refused or cancelled, by the caller's doing.
    Refused,
    /// A success in a source that does not tell of failures.
    FailuresUnseen,
}

impl Requests {
    #[must_use]
    pub fn len(&self) -> usize {
        self.slice.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slice.is_empty()
    }
}
