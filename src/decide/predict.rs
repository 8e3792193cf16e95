//! What something would do that has not served this segment: from what it did elsewhere, from prices, from what somebody declared.
//! Every figure says where it comes from; what cannot be told stays unknown.

use super::{case::Case, elsewhere as knows};
use crate::{
    domain::{
        Arm, format,
        plan::{Borrowed, Measure},
    },
    stats::{
        Rollup,
        compare::Measures,
        interval::Uncertain,
        prediction::{Evidence, Scale, Student},
        price_arithmetic::{self, Workload},
        transfer::{self, Own},
    },
};

/// Figures that were not measured here.
#[derive(Debug, Clone)]
pub(super) struct Prediction {
    pub measures: Measures,
    pub borrowed: Vec<Borrowed>,
}

/// What other parameters or another prompt may do to cost and latency, in shares of them: one standard error.
const USUAL_EFFECT: f64 = 0.05;

/// As the present configuration does, but of its quality nothing is known.
pub(super) fn present_but_quality(case: &Case<'_>, current: &Arm) -> Option<Prediction> {
    let present = Measures::of(&case.arms.get(current)?.lookback, &case.arms.get(current)?.lookback);
    let wider = |value: Uncertain, scale: f64| Uncertain {
        standard_error: libm::hypot(value.standard_error, USUAL_EFFECT * scale),
        ..value
    };
    let measures = Measures {
        cost: present.cost.map(|cost| wider(cost, cost.value)),
        log_latency_p95: present.log_latency_p95.map(|log| wider(log, 1.0)),
        quality: None,
        errors: present.errors,
    };
    let from = |measure| Borrowed { measure, from: "the present configuration, give or take 5 %".to_owned() };
    let borrowed = [Measure::CostPerRequestUsd, Measure::LatencyP95Ms, Measure::ErrorRate].map(from).into();
    Some(Prediction { measures, borrowed })
}

/// The present configuration with answers of at most `limit` tokens. What is cut off counts as worthless, which it hardly ever is:
/// the quality here is the worst that may come of it. Needs the price of a token of output.
pub(super) fn shorter(case: &Case<'_>, current: &Arm, limit: f64) -> Option<Prediction> {
    let evidence = &case.arms.get(current)?.lookback;
    let present = Measures::of(evidence, evidence);
    let rates = case.models.price_of(current.provider.as_deref(), &current.model)?.flat()?;
    let saved = (evidence.output_tokens.mean()? - evidence.output_tokens.mean_capped(limit)?) * rates.output?;
    let cut = evidence.output_tokens.share_above(limit);
    let measures = Measures {
        cost: present.cost.map(|cost| Uncertain { value: (cost.value - saved).max(0.0), ..cost }),
        quality: present.quality.map(|quality| quality.scaled(1.0 - cut)),
        ..present
    };
    let prices = format!("what a token of output costs, and {} of the answers being cut off", format::percent(cut));
    let worst = "every answer that is cut off counting as worthless".to_owned();
    let borrowed = vec![
        Borrowed { measure: Measure::CostPerRequestUsd, from: prices },
        Borrowed { measure: Measure::Quality, from: worst },
    ];
    Some(Prediction { measures, borrowed })
}

/// Without a word on how long a model's answers are, they are as long as those of the present one, give or take this, as a logarithm.
const DOUBT_OF_LENGTH: f64 = 0.35;

/// What an arm would do here, from what changing to its model did in other services, from its prices, and from the little it did here
/// itself. Where it has served here and none of it was scored, its quality stays unknown: a score that is missing is no good one.
pub(super) fn elsewhere(case: &Case<'_>, current: &Arm, arm: &Arm) -> Option<Prediction> {
    let present = &case.arms.get(current)?.lookback;
    let own = case.arms.get(arm).map(|evidence| &evidence.lookback);
    let effects = case.elsewhere.effects(current, arm, case.rules);
    let mut borrowed = Vec::new();
    let mut told = |measure, from: String| borrowed.push(Borrowed { measure, from });
    let mean = |effect: Option<&transfer::Elsewhere>, of: fn(&Rollup) -> Option<Evidence>, scale: Scale| {
        let here = of(present)?.on(scale)?;
        let own = own.and_then(of).map(Own::Mean);
        transfer::predict(effect?, Some(&here), own.as_ref()).ok()
    };
    let own_scores = own.is_none_or(|own| own.requests.rows == 0 || own.quality.rows() > 0);
    let quality = own_scores.then(|| mean(effects.quality.as_ref(), knows::quality, Scale::Logit)).flatten();
    let errors = mean(effects.errors.as_ref(), knows::errors, Scale::Logit);
    let latency = effects.log_latency_p95.as_ref().and_then(|effect| {
        let here = Student::normal(&knows::latency(present)?);
        let own = own.and_then(|own| Some((knows::latency(own)?, own.effective_latency())));
        let own = own.map(|(log, requests)| Own::LogQuantile { log, requests });
        transfer::predict(effect, here.as_ref(), own.as_ref()).ok()
    });
    let by_price = priced(case, present, arm, effects.output_tokens.as_ref());
    let cost = match by_price {
        Some((cost, from)) => {
            told(Measure::CostPerRequestUsd, from);
            Some(cost)
        }
        None => mean(effects.cost.as_ref(), knows::cost, Scale::Log).and_then(|cost| {
            told(Measure::CostPerRequestUsd, cost.basis.words(Scale::Log));
            cost.natural()
        }),
    };
    for (measure, prediction) in
        [(Measure::LatencyP95Ms, &latency), (Measure::Quality, &quality), (Measure::ErrorRate, &errors)]
    {
        if let Some(prediction) = prediction {
            told(measure, prediction.basis.words(prediction.scale));
        }
    }
    let measures = Measures {
        cost,
        log_latency_p95: latency.map(|latency| latency.uncertain()),
        quality: quality.and_then(|quality| quality.natural()),
        errors: errors.and_then(|errors| errors.rate()),
    };
    (!borrowed.is_empty()).then_some(Prediction { measures, borrowed })
}

/// What the requests of the segment would cost at the model's price, and what that rests on. Its answers may be longer or shorter than
/// those of the present model.
fn priced(
    case: &Case<'_>,
    present: &Rollup,
    arm: &Arm,
    length: Option<&transfer::Elsewhere>,
) -> Option<(Uncertain, String)> {
    let price = case.models.price_of(arm.provider.as_deref(), &arm.model)?;
    let here = knows::output_tokens(present)?.on(Scale::Log)?;
    let known = length.and_then(|length| transfer::predict(length, Some(&here), None).ok());
    let (log_length, from) = if let Some(known) = &known {
        (known.uncertain(), known.basis.words(Scale::Log))
    } else {
        let here = here.uncertain();
        let doubt = libm::hypot(here.standard_error, DOUBT_OF_LENGTH);
        (Uncertain { standard_error: doubt, ..here }, "answers as long as now, give or take a third".to_owned())
    };
    // Prices may change with the hour.
    let hours: Vec<i64> = (0..24).map(|hour| case.now.as_microsecond() + hour * 3_600_000_000).collect();
    let requests = present.input_tokens.rows() as f64;
    let workload = Workload::new(&present.input_tokens, requests, Some(log_length));
    let cost = price_arithmetic::per_request(price, &hours, &workload).ok()?;
    Some((cost.per_request, format!("its price, and {from}")))
}
