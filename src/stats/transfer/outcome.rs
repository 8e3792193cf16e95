//! A predicted figure, and what it rests on.

use crate::{
    domain::plan::Estimate,
    stats::{
        interval::{LEVEL, Rate, Uncertain, normal_quantile},
        prediction::{Scale, Student, as_rate},
    },
};

/// Standard errors of [`Basis::disagreement`] that chance explains.
pub(super) fn limit() -> f64 {
    normal_quantile(0.5 + LEVEL / 2.0)
}

/// What a prediction rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Basis {
    /// Effective requests of the candidate here; 0 where they were too few to tell anything.
    pub own_requests: f64,
    /// Their share of the weight, `0..=1`.
    pub own_weight: f64,
    /// Services borrowed from, the profile not counted.
    pub services: usize,
    /// τ: standard deviation of the effect between services, on the scale; none where nothing was borrowed but a profile.
    pub between_services: Option<f64>,
    /// Whether a declared profile went in.
    pub profile: bool,
    /// Distance of the own requests from what was borrowed, in standard errors. Beyond 1.64 the interval is widened by it.
    pub disagreement: Option<f64>,
}

impl Basis {
    /// In words, for the explanation of a candidate.
    #[must_use]
    pub fn words(&self, scale: Scale) -> String {
        let counted = |number: f64, noun: &str| {
            let plural = if (number - 1.0).abs() < 0.5 { "" } else { "s" };
            format!("{number:.0} {noun}{plural}")
        };
        let mut parts = Vec::new();
        if self.own_requests > 0.0 {
            let share = format!("{:.0} % of the weight", 100.0 * self.own_weight);
            parts.push(format!("{} of its own here ({share})", counted(self.own_requests, "request")));
        }
        if self.services > 0 {
            let differ = match (self.between_services, scale) {
                (Some(tau), Scale::Log) => format!(", which differ by a factor of {:.2}", tau.exp()),
                (Some(tau), Scale::Logit) => format!(", which differ by {tau:.2} in log-odds"),
                (Some(tau), Scale::Linear) => format!(", which differ by {tau:.3}"),
                (None, _) => String::new(),
            };
            parts.push(format!("its effect in {}{differ}", counted(self.services as f64, "other service")));
        }
        if self.profile {
            parts.push("its declared profile".to_owned());
        }
        let mut words = parts.join(", and ");
        if let Some(distance) = self.disagreement.filter(|distance| distance.abs() > limit()) {
            words += &format!("; the two disagree by {:.1} standard errors", distance.abs());
        }
        words
    }
}

/// A figure of the candidate here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    pub scale: Scale,
    pub on_scale: Student,
    pub basis: Basis,
}

impl Prediction {
    /// In the natural unit.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        self.scale.estimate(&self.on_scale)
    }

    /// Mean and standard error in the natural unit, as `Measures::cost` and `Measures::quality` are.
    #[must_use]
    pub fn natural(&self) -> Option<Uncertain> {
        self.scale.natural(&self.on_scale)
    }

    /// On the scale, as `Measures::log_latency_p95` is.
    #[must_use]
    pub fn uncertain(&self) -> Uncertain {
        self.on_scale.uncertain()
    }

    /// As `Measures::errors` is. `None` on other scales than logit.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        if self.scale == Scale::Logit { as_rate(&self.on_scale) } else { None }
    }

    /// Probability that the true figure is at most `limit`, in the natural unit. A limit outside the range of the figure is 0
    /// or 1.
    #[must_use]
    pub fn probability_at_most(&self, limit: f64) -> f64 {
        match self.scale.of(limit) {
            Some(there) => self.on_scale.probability_at_most(there),
            None => f64::from(u8::from(self.scale == Scale::Logit && limit >= 1.0)),
        }
    }
}
