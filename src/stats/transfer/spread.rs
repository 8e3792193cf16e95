//! How much services usually differ.

/// The standard deviation of an effect between services that is assumed before any was compared, and how many compared services
/// the assumption is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// On the scale of the effect: 0.3 of a log ratio is a factor of 1.35.
    pub between_services: f64,
    /// Above zero.
    pub worth: f64,
}

impl Spread {
    /// Cost, latency and lengths, as log ratios. Public data hold both ends: question sets of one kind differ by about 0.2
    /// (`RouterArena`), tasks from code to prose by about 0.8, where one of the models thinks aloud (0xnu's benchmark). This is
    /// between them, and worth little, so that a handful of services that differ more soon show it.
    pub const OF_RATIOS: Self = Self { between_services: 0.35, worth: 3.0 };

    /// Quality and error rates, as differences of logits; subjects of MMLU differ by about that.
    pub const OF_SHARES: Self = Self { between_services: 0.5, worth: 4.0 };
}
