//! From the effect elsewhere to the figure here, together with what little was seen here.

use super::{
    Pooled, Spread,
    outcome::{Basis, Prediction, limit},
};
use crate::stats::{
    interval::Uncertain,
    prediction::{Evidence, Scale, Student},
};

/// Why there is no prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    #[error("no service was served by both models, and no profile is declared")]
    NothingToBorrow,
    #[error("the present model's own figure is unknown here, so there is nothing to carry a ratio over to")]
    NoPresent,
    #[error("a figure is not finite or has no error")]
    NotFinite,
}

/// The effect of one service on the scale: candidate less present model, both in that service. `None` where one is unknown.
#[must_use]
pub fn effect(scale: Scale, candidate: &Evidence, present: &Evidence) -> Option<Uncertain> {
    Some(candidate.on(scale)?.minus(&present.on(scale)?).uncertain())
}

/// What changing from the present model to the candidate does elsewhere. One serves every service that is not among the effects.
#[derive(Debug, Clone, PartialEq)]
pub struct Elsewhere {
    scale: Scale,
    effect: Student,
    services: usize,
    between_services: Option<f64>,
    profile: bool,
}

impl Elsewhere {
    /// From the effects of single services and the declared effect of the operator's model profile, with the standard deviation
    /// he declares it to have.
    ///
    /// The profile counts as one more service. Alone, it is taken at its word. Without any of them: [`Unknown::NothingToBorrow`].
    /// With one service or two, the interval rests on `usual`, which is wide on purpose.
    pub fn of(
        scale: Scale,
        effects: &[Uncertain],
        profile: Option<&Uncertain>,
        usual: &Spread,
    ) -> Result<Self, Unknown> {
        if let (Some(profile), []) = (profile, effects) {
            let effect = Student::normal(profile).ok_or(Unknown::NotFinite)?;
            return Ok(Self { scale, effect, services: 0, between_services: None, profile: true });
        }
        if effects.is_empty() {
            return Err(Unknown::NothingToBorrow);
        }
        let all: Vec<Uncertain> = effects.iter().chain(profile).copied().collect();
        let pooled = Pooled::drawn_towards(&all, usual).ok_or(Unknown::NotFinite)?;
        Ok(Self {
            scale,
            effect: pooled.new_service_with(usual).ok_or(Unknown::NotFinite)?,
            services: effects.len(),
            between_services: Some(pooled.between_services),
            profile: profile.is_some(),
        })
    }

    /// The effect in a new service.
    #[must_use]
    pub fn effect(&self) -> &Student {
        &self.effect
    }
}

/// What the candidate did in the service itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Own {
    /// The mean of a figure.
    Mean(Evidence),
    /// The logarithm of a quantile, for [`Scale::Log`].
    LogQuantile { log: Uncertain, requests: f64 },
}

impl Own {
    fn on(&self, scale: Scale) -> Option<Student> {
        match self {
            Self::Mean(evidence) => evidence.on(scale),
            Self::LogQuantile { log, .. } => Student::normal(log).filter(|_| scale == Scale::Log),
        }
    }

    fn requests(&self) -> f64 {
        match self {
            Self::Mean(evidence) => evidence.requests,
            Self::LogQuantile { requests, .. } => *requests,
        }
    }
}

/// Predicts the candidate's figure: `present`, the present model's figure here on the scale, moved by the effect elsewhere, and
/// combined with the candidate's own requests by precision. Own requests that are far from it widen the interval instead of
/// narrowing it, by the ratio of Birge (Physical Review 40, 1932, doi:10.1103/PhysRev.40.207).
pub fn predict(elsewhere: &Elsewhere, present: Option<&Student>, own: Option<&Own>) -> Result<Prediction, Unknown> {
    let scale = elsewhere.scale;
    let borrowed = present.ok_or(Unknown::NoPresent)?.plus(&elsewhere.effect);
    let mut basis = Basis {
        own_requests: 0.0,
        own_weight: 0.0,
        services: elsewhere.services,
        between_services: elsewhere.between_services,
        profile: elsewhere.profile,
        disagreement: None,
    };
    let found = own.and_then(|own| Some((own, own.on(scale)?)));
    let Some((own, own_on_scale)) = found else {
        let on_scale = Student::new(borrowed.value, borrowed.scale, borrowed.freedom).ok_or(Unknown::NotFinite)?;
        return Ok(Prediction { scale, on_scale, basis });
    };
    let (combined, own_weight) = match (own, scale) {
        (Own::Mean(evidence), Scale::Logit) => of_shares(&borrowed, evidence).ok_or(Unknown::NotFinite)?,
        _ => by_precision(&borrowed, &own_on_scale),
    };
    let distance = own_on_scale.minus(&borrowed).uncertain().z();
    let widening = (distance.abs() / limit()).max(1.0);
    basis.own_requests = own.requests();
    basis.own_weight = own_weight;
    basis.disagreement = Some(distance);
    let on_scale =
        Student::new(combined.value, combined.scale * widening, combined.freedom).ok_or(Unknown::NotFinite)?;
    Ok(Prediction { scale, on_scale, basis })
}

/// Predicts from the candidate's own requests alone: where they are many, or nothing can be borrowed. `None` where they are too
/// few for an error of their own.
#[must_use]
pub fn from_own(scale: Scale, own: &Own) -> Option<Prediction> {
    let basis = Basis {
        own_requests: own.requests(),
        own_weight: 1.0,
        services: 0,
        between_services: None,
        profile: false,
        disagreement: None,
    };
    Some(Prediction { scale, on_scale: own.on(scale)?, basis })
}

/// Both by the inverse of their variance, and the share of the second.
fn by_precision(borrowed: &Student, own: &Student) -> (Student, f64) {
    // Small samples are less certain than their scale says: weigh by what the intervals say.
    let [first, second] = [borrowed, own].map(|student| student.uncertain().standard_error.powi(2));
    let share = if first + second > 0.0 { first / (first + second) } else { 0.5 };
    let part = |student: &Student, share: f64| Student {
        value: share * student.value,
        scale: share * student.scale,
        freedom: student.freedom,
    };
    (part(borrowed, 1.0 - share).plus(&part(own, share)), share)
}

/// Newton steps at most; the posterior is concave, so that few are needed.
const MAX_STEPS: usize = 50;

/// Mode and curvature of the posterior of a logit: a normal prior, and the successes and failures that the own scores are
/// worth. Weights of the two are taken at the mode, so none of 5 is not the infinite logit it would be alone.
fn of_shares(borrowed: &Student, own: &Evidence) -> Option<(Student, f64)> {
    let prior = borrowed.uncertain();
    let precision = 1.0 / prior.standard_error.powi(2).max(f64::MIN_POSITIVE);
    let (yes, no) = own.yes_and_no()?;
    let mut logit = prior.value;
    let mut weight = 0.0;
    for _ in 0..MAX_STEPS {
        let share = Scale::Logit.back(logit);
        weight = (yes + no) * share * (1.0 - share);
        let slope = yes - (yes + no) * share - precision * (logit - prior.value);
        // A step of Newton's from far out may jump across; two units of a logit are a long way already.
        let step = (slope / (weight + precision)).clamp(-2.0, 2.0);
        logit += step;
        if step.abs() < 1e-12 {
            break;
        }
    }
    let posterior = Student::new(logit, (weight + precision).sqrt().recip(), f64::INFINITY)?;
    Some((posterior, weight / (weight + precision)))
}

#[cfg(test)]
mod tests;
