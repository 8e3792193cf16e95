//! Bayesian optimisation of the numbers a model is called with, from the configurations that have served: a Gaussian process of the
//! weighted improvement, expected improvement times the probability that every constraint holds, and only steps that the policy allows.

use super::{Proposal, Question, Searcher, Silent, What, reward};
use crate::{
    decide::{
        case::Case,
        predict,
        strategies::{Idea, changed},
    },
    domain::{
        Arm, Configuration, Rules, format,
        policy::{Parameter, ParameterRange},
    },
    stats::{
        ArmEvidence,
        bayesian_optimization::{Dimension, MarginEstimate, Observation, Settings, Source, Space, propose},
        compare::{self, Measures},
        interval::Uncertain,
    },
};

pub(super) struct Bayes;

/// Expected improvement below this is not worth a trial: half a point of the weighted objective.
const SMALLEST_GAIN: f64 = 0.005;

impl Searcher for Bayes {
    fn name(&self) -> &'static str {
        "bayesian optimisation"
    }

    fn propose(&self, question: &Question<'_>) -> Result<Proposal, Silent> {
        let abstain = |why: &str| Err(Silent::Abstained(why.to_owned()));
        let case = question.case;
        let current = &question.incumbent.candidate.arm;
        if case.rules.parameters.is_empty() {
            return abstain("the policy lets no parameter be changed");
        }
        let present = case.configurations.and_then(|known| known.of(current.config_version.as_deref(), true));
        let Some(present) = present else { return abstain("the parameters in force are not known") };
        let (names, space, at) = space(case, current, present);
        if names.is_empty() {
            return abstain("the configuration in force has none of the parameters that may be changed");
        }
        let observations = observations(case, current, present, &names);
        let settings = Settings {
            min_feasibility: 1.0 - case.rules.decision.max_risk,
            min_gain: SMALLEST_GAIN,
            ..Settings::default()
        };
        let found = propose(&space, &at, &observations, &settings).map_err(|why| Silent::Abstained(why.to_string()))?;
        if found.source == Source::Measured {
            return abstain("the best within a step is one that has served already, and is weighed as such");
        }
        let to: Vec<(Parameter, f64)> = names.iter().copied().zip(found.x.iter().copied()).collect();
        let to: Vec<(Parameter, f64)> =
            to.into_iter().zip(&at).filter(|((_, value), at)| value.total_cmp(at).is_ne()).map(|(to, _)| to).collect();
        let why = format!(
            "expected to improve by {} (90 %: {} to {}), constraints hold with probability {}; learnt from {}",
            format::change(found.gain.mean),
            format::change(found.gain.low),
            format::change(found.gain.high),
            format::percent(found.feasibility),
            format::counted(observations.len() as u64, "configuration"),
        );
        let idea = Idea {
            predicted: predict::present_but_quality(case, current),
            trial: Some(why.clone()),
            ..changed(current, present, &to)
        };
        let experiments = &case.rules.experiments;
        let share = experiments.points_per_day.min(experiments.max_share_percent).max(experiments.floor_percent);
        Ok(Proposal { what: What::New(Box::new(idea)), share_percent: share, why })
    }
}

/// The parameters that may move, how far, and where they are.
fn space(case: &Case<'_>, current: &Arm, present: &Configuration) -> (Vec<Parameter>, Space, Vec<f64>) {
    let known = case.rules.parameters.iter().filter_map(|(parameter, range)| {
        let now = present.number(parameter.name())?;
        Some((*parameter, dimension(case, current, *parameter, range, now), now))
    });
    let known: Vec<(Parameter, Dimension, f64)> = known.take(Space::MOST_DIMENSIONS).collect();
    let names = known.iter().map(|(parameter, ..)| *parameter).collect();
    let at = known.iter().map(|(.., now)| *now).collect();
    (names, Space { dimensions: known.into_iter().map(|(_, dimension, _)| dimension).collect() }, at)
}

fn dimension(case: &Case<'_>, current: &Arm, parameter: Parameter, range: &ParameterRange, now: f64) -> Dimension {
    let relative = range.max_step_percent.map_or(f64::INFINITY, |percent| now.abs() * percent / 100.0);
    // Answers that are cut off are a cliff that no process foresees: the limit stays above nearly all of them.
    let tail = case.arms.get(current).and_then(|evidence| evidence.lookback.output_tokens.quantile(0.995));
    let floor = if parameter == Parameter::MaxTokens { tail.unwrap_or(now).min(now) } else { range.min };
    Dimension {
        min: range.min.max(floor),
        max: range.max,
        integer: parameter.whole(),
        log: parameter == Parameter::MaxTokens,
        step_limit: range.max_step.min(relative),
    }
}

/// What configurations of the same model that differ in nothing but these parameters came to, the present one among them.
fn observations(case: &Case<'_>, current: &Arm, present: &Configuration, names: &[Parameter]) -> Vec<Observation> {
    let Some(known) = case.configurations else { return Vec::new() };
    let Some(here) = case.arms.get(current) else { return Vec::new() };
    let reference = reward::exact(&Measures::of(&here.lookback, &here.lookback));
    let same_beside = |other: &Configuration| {
        let differ = present.changes_to(other).into_iter().chain(other.changes_to(present));
        differ.into_iter().all(|setting| names.iter().any(|parameter| parameter.name() == setting.key))
    };
    let seen = case.arms.iter().filter(|(arm, _)| arm.same_model(current)).filter_map(|(arm, evidence)| {
        let configuration = known.of(arm.config_version.as_deref(), arm == current)?;
        let x: Option<Vec<f64>> = names.iter().map(|parameter| configuration.number(parameter.name())).collect();
        let enough = evidence.lookback.requests.rows >= case.rules.evidence.min_requests;
        (enough && same_beside(configuration)).then_some(())?;
        observation(x?, evidence, &reference, case.rules)
    });
    seen.collect()
}

fn observation(x: Vec<f64>, evidence: &ArmEvidence, reference: &Measures, rules: &Rules) -> Option<Observation> {
    let own = Measures::of(&evidence.lookback, &evidence.lookback);
    let weights = &rules.objectives;
    let gain = compare::improvement(&own, reference, [weights.cost, weights.latency, weights.quality])?;
    let constraints = &rules.constraints;
    let unknown = MarginEstimate { margin: f64::NAN, se: f64::NAN };
    let margin = |estimate: Option<Uncertain>| {
        estimate.map_or(unknown, |estimate| MarginEstimate { margin: estimate.value, se: estimate.standard_error })
    };
    let loss = 1.0 - constraints.quality_drop_percent / 100.0;
    let quality = own.quality.zip(reference.quality).map(|(own, reference)| reference.scaled(loss).minus(&own));
    let growth = (constraints.latency_increase_percent / 100.0).ln_1p();
    let latency = own.log_latency_p95.zip(reference.log_latency_p95).map(|(own, reference)| {
        let difference = own.minus(&reference);
        Uncertain { value: difference.value - growth, ..difference }
    });
    let errors = own.errors.map(|rate| {
        let estimate = rate.estimate();
        Uncertain {
            value: estimate.value - constraints.error_rate,
            standard_error: (estimate.high - estimate.low) / 3.29,
        }
    });
    Some(Observation {
        x,
        y: gain.value,
        se: gain.standard_error,
        constraints: [quality, latency, errors].map(margin).into(),
    })
}
