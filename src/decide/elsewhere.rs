//! What a change from one model to another did in the services that know both well, for those that do not.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    domain::{Arm, ModelTable, Rules, policy::ModelProfile},
    stats::{
        ArmEvidence, Observation, Rollup,
        compare::LATENCY_QUANTILE,
        interval::{Uncertain, log_quantile},
        prediction::{Evidence, Scale},
        transfer::{self, Spread},
    },
};

/// A change of models, and its effect on each figure; none where nobody knows both.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub cost: Option<transfer::Elsewhere>,
    pub log_latency_p95: Option<transfer::Elsewhere>,
    pub quality: Option<transfer::Elsewhere>,
    pub errors: Option<transfer::Elsewhere>,
    pub output_tokens: Option<transfer::Elsewhere>,
}

/// From one model to another, and the requests a service needs to know either well.
type Change = (String, String, u64);

/// Arms of one model by service and segment.
type Served<'a> = Vec<(usize, &'a ArmEvidence)>;

/// Evidence of every model in every segment of every service.
#[derive(Debug)]
pub(super) struct Elsewhere<'a> {
    by_model: BTreeMap<String, Served<'a>>,
    models: &'a ModelTable,
    /// Worked out when it is first asked for; many services ask for the same change.
    known: Mutex<BTreeMap<Change, Arc<Effects>>>,
}

/// What somebody declares of a model is off by about this, on the scale of the figure.
const DOUBT_OF_PROFILES: f64 = 0.5;

impl<'a> Elsewhere<'a> {
    pub(super) fn of(observation: &'a Observation, models: &'a ModelTable) -> Self {
        let mut by_model: BTreeMap<String, Served<'a>> = BTreeMap::new();
        let segments = observation.services.values().flat_map(|evidence| evidence.segments.values());
        for (place, arms) in segments.enumerate() {
            for (arm, evidence) in arms {
                by_model.entry(arm.model_id()).or_default().push((place, evidence));
            }
        }
        Self { by_model, models, known: Mutex::default() }
    }

    /// What going from `present` to `candidate` does, by the services that have the evidence a policy asks of a candidate.
    pub(super) fn effects(&self, present: &Arm, candidate: &Arm, rules: &Rules) -> Arc<Effects> {
        // Who counts as knowing a model well is the policy's of the service that asks.
        let key = (present.model_id(), candidate.model_id(), rules.evidence.min_requests);
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(effects) = known().get(&key) {
            return Arc::clone(effects);
        }
        let effects = Arc::new(self.worked_out(present, candidate, &key));
        known().insert(key, Arc::clone(&effects));
        effects
    }

    fn worked_out(&self, present: &Arm, candidate: &Arm, key: &Change) -> Effects {
        let served = |model: &String| self.by_model.get(model).map_or(&[][..], Vec::as_slice);
        // Where both served the same segment; a version each, the first by name.
        let well_known = |evidence: &ArmEvidence| evidence.lookback.requests.rows >= key.2;
        let lenders = |model: &String| -> BTreeMap<usize, &'a Rollup> {
            let known = served(model).iter().filter(|(_, evidence)| well_known(evidence)).rev();
            known.map(|(place, evidence)| (*place, &evidence.lookback)).collect()
        };
        let (before, after) = (lenders(&key.0), lenders(&key.1));
        let pairs: Vec<(&Rollup, &Rollup)> =
            before.iter().filter_map(|(place, before)| Some((*before, *after.get(place)?))).collect();
        let pooled =
            |scale, spread: &Spread, profile: Option<f64>, effect: &dyn Fn(&Rollup, &Rollup) -> Option<Uncertain>| {
                let effects: Vec<Uncertain> =
                    pairs.iter().filter_map(|(before, after)| effect(before, after)).collect();
                let profile = profile.map(|value| Uncertain { value, standard_error: DOUBT_OF_PROFILES });
                transfer::Elsewhere::of(scale, &effects, profile.as_ref(), spread).ok()
            };
        let profile =
            |arm: &Arm| self.models.entry(arm.provider.as_deref(), &arm.model).and_then(|model| model.profile);
        let declared = |figure: fn(&ModelProfile) -> Option<f64>, scale: Scale| {
            let of = |arm: &Arm| scale.of(figure(&profile(arm)?)?);
            Some(of(candidate)? - of(present)?)
        };
        let mean = |of: fn(&Rollup) -> Option<Evidence>, scale| {
            move |before: &Rollup, after: &Rollup| transfer::effect(scale, &of(after)?, &of(before)?)
        };
        Effects {
            cost: pooled(Scale::Log, &Spread::OF_RATIOS, None, &mean(cost, Scale::Log)),
            log_latency_p95: pooled(
                Scale::Log,
                &Spread::OF_RATIOS,
                declared(|profile| profile.latency_p95_ms, Scale::Log),
                &|before, after| Some(latency(after)?.minus(&latency(before)?)),
            ),
            quality: pooled(
                Scale::Logit,
                &Spread::OF_SHARES,
                declared(|profile| profile.quality, Scale::Logit),
                &mean(quality, Scale::Logit),
            ),
            errors: pooled(Scale::Logit, &Spread::OF_SHARES, None, &mean(errors, Scale::Logit)),
            output_tokens: pooled(
                Scale::Log,
                &Spread::OF_RATIOS,
                declared(|profile| profile.output_tokens_ratio, Scale::Log),
                &mean(output_tokens, Scale::Log),
            ),
        }
    }
}

pub(super) fn cost(rollup: &Rollup) -> Option<Evidence> {
    crate::stats::compare::cost(rollup)?;
    Evidence::of(&rollup.cost, rollup.effective_cost())
}

pub(super) fn quality(rollup: &Rollup) -> Option<Evidence> {
    Evidence::of(&rollup.quality, rollup.effective_quality())
}

pub(super) fn errors(rollup: &Rollup) -> Option<Evidence> {
    let requests = &rollup.requests;
    let efficiency = requests.weight_efficiency() * requests.rows as f64 / requests.weight.max(f64::MIN_POSITIVE);
    let known = requests.failures_are_seen();
    known.then(|| Evidence::of_failures(requests.provider_errors * efficiency, requests.served * efficiency)).flatten()
}

pub(super) fn output_tokens(rollup: &Rollup) -> Option<Evidence> {
    Evidence::of(&rollup.output_tokens, rollup.output_tokens.rows() as f64 * rollup.requests.weight_efficiency())
}

/// Logarithm of the 95th percentile of latency.
pub(super) fn latency(rollup: &Rollup) -> Option<Uncertain> {
    log_quantile(&rollup.latency, LATENCY_QUANTILE, rollup.effective_latency())
}
