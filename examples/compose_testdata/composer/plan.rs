//! What can be said about a service: who answers, how fast, how well, and how that changes during the day.

/// Which Azure trace gives arrivals and token counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trace {
    Conversation,
    Code,
}

/// Whose measured speed is resampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Speed {
    Together,
    Fireworks,
    Replicate,
    AzureGpt35,
    OpenAiGpt35June,
    OpenAiGpt35January,
}

/// Whose measured correctness is taken as the quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Judged {
    Gpt4,
    Mixtral,
}

/// What a failed request leaves in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureLog {
    /// Nothing is known, nothing is written.
    Blank,
    /// Zeros, as several real systems write them; averaged in, they make a failing provider look fast.
    Zeros,
}

/// The few damaged rows that a real export has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wart {
    None,
    /// Three rows delivered twice, byte for byte.
    Duplicates,
    /// Four rows with an impossible value each.
    Broken,
}

/// List price in thousandths of a US dollar per million tokens, which is nano-dollars per token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Price {
    pub(crate) input: u64,
    pub(crate) output: u64,
}

/// How an arm behaves from one moment of the day on, until its next stretch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    /// Minutes after the first moment of the log.
    pub(crate) from_minute: i64,
    pub(crate) config_version: &'static str,
    pub(crate) speed: Speed,
    pub(crate) judged: Judged,
}

/// One configuration that takes a share of every segment's requests.
#[derive(Debug, Clone)]
pub(crate) struct Arm {
    pub(crate) provider: &'static str,
    pub(crate) model: &'static str,
    pub(crate) variant: &'static str,
    pub(crate) share: f64,
    /// `None` leaves `cost_usd` empty: most logs do not know the price.
    pub(crate) price: Option<Price>,
    /// In order of time; the first starts at minute 0.
    pub(crate) stretches: Vec<Stretch>,
}

/// A share of the requests, and the benchmark subjects that stand in for what they ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) complexity: &'static str,
    pub(crate) share: f64,
    pub(crate) subjects: &'static [&'static str],
}

#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) id_prefix: &'static str,
    pub(crate) endpoint: &'static str,
    /// How many requests to expect; thinning is by chance, so the count differs a little.
    pub(crate) requests: f64,
    pub(crate) trace: Trace,
    /// Trace rows with a shorter prompt are not this service's traffic.
    pub(crate) min_input_tokens: u64,
    /// Trace rows with a longer answer are not this service's traffic.
    pub(crate) max_output_tokens: u64,
    /// Relative traffic of each UTC hour, midnight first.
    pub(crate) curve: [f64; 24],
    pub(crate) segments: Vec<Segment>,
    pub(crate) arms: Vec<Arm>,
    /// Share of the successful requests that were evaluated.
    pub(crate) scored_share: f64,
    pub(crate) failures: FailureLog,
    pub(crate) wart: Wart,
}
