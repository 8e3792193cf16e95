//! What could serve a segment, held against every constraint.

use std::collections::BTreeMap;

use super::models;
use crate::{
    domain::{
        Arm, Rules, format,
        plan::{Candidate, Check, CheckOutcome, Estimate, Standing},
    },
    stats::{
        ArmEvidence,
        compare::{self, Measures},
        interval::exp_estimate,
    },
};

/// A candidate with the estimates its standing rests on.
#[derive(Debug, Clone)]
pub(super) struct Weighed {
    pub candidate: Candidate,
    /// Latency and errors of the window where it holds enough requests, else of all evidence; cost and quality of all.
    pub measures: Measures,
    /// Everything over all evidence.
    overall: Measures,
    /// Whether the window holds enough requests.
    recent: bool,
    /// Latency p95 in milliseconds and share of failures in the window itself; unknown below [`A_LOOK`] requests.
    pub latency_p95_now: Option<f64>,
    pub errors_now: Option<f64>,
}

/// Requests in the window that show whether an arm is well right now: too few to decide on, enough to see trouble.
const A_LOOK: u64 = 20;

impl Weighed {
    /// Every constraint is shown to hold.
    pub(super) fn allowed(&self) -> bool {
        self.candidate.checks.iter().all(|check| check.outcome == CheckOutcome::Holds)
    }

    /// The first constraint that is not.
    pub(super) fn first_failure(&self) -> Option<&Check> {
        self.candidate.checks.iter().find(|check| check.outcome != CheckOutcome::Holds)
    }
}

/// The segment's present arm and everything else that was seen there or named in the policy, by name.
pub(super) fn weigh(arms: &BTreeMap<Arm, ArmEvidence>, current: &Arm, rules: &Rules) -> (Weighed, Vec<Weighed>) {
    let served: f64 = arms.values().map(|arm| arm.window.requests.weight).sum();
    let nothing = ArmEvidence::default();
    let incumbent = describe(current, arms.get(current).unwrap_or(&nothing), served, rules);
    let mut others: Vec<Arm> = arms.keys().filter(|arm| *arm != current).cloned().collect();
    for name in &rules.models.consider {
        let (provider, model) =
            name.split_once('/').map_or((None, name.as_str()), |(provider, model)| (Some(provider), model));
        let known = others.iter().chain([current]).any(|arm| arm.model == model && arm.provider.as_deref() == provider);
        if !known {
            others.push(Arm {
                provider: provider.map(str::to_owned),
                model: model.to_owned(),
                config_version: current.config_version.clone(),
            });
        }
    }
    others.sort();
    let weighed = others.iter().map(|arm| {
        let evidence = arms.get(arm).unwrap_or(&nothing);
        let mut weighed = describe(arm, evidence, served, rules);
        hold_against(&mut weighed, evidence, &incumbent, rules);
        weighed
    });
    let weighed = weighed.collect();
    (incumbent, weighed)
}

fn describe(arm: &Arm, evidence: &ArmEvidence, served: f64, rules: &Rules) -> Weighed {
    let recent = evidence.window.requests.rows >= rules.evidence.min_requests;
    let measures = Measures::of(if recent { &evidence.window } else { &evidence.lookback }, &evidence.lookback);
    let within_scale =
        |estimate: Estimate| Estimate { low: estimate.low.max(0.0), high: estimate.high.min(1.0), ..estimate };
    let candidate = Candidate {
        arm: arm.clone(),
        standing: Standing::Current,
        share: if served > 0.0 { evidence.window.requests.weight / served } else { 0.0 },
        requests: evidence.lookback.requests.rows,
        scored: evidence.lookback.quality.rows(),
        design_effect: evidence.lookback.quality_design_effect(),
        cost_per_request_usd: measures.cost.map(|cost| {
            let estimate = cost.estimate();
            Estimate { low: estimate.low.max(0.0), ..estimate }
        }),
        latency_p95_ms: measures.log_latency_p95.map(|log| exp_estimate(&log)),
        quality: measures.quality.map(|quality| within_scale(quality.estimate())),
        error_rate: measures.errors.map(|errors| errors.estimate()),
        improvement: None,
        confidence: None,
        checks: Vec::new(),
        why: "serves the largest share of this segment now".to_owned(),
    };
    let seen = evidence.window.requests.rows >= A_LOOK;
    let latency_p95_now = seen.then(|| evidence.window.latency.quantile(compare::LATENCY_QUANTILE)).flatten();
    let errors_now = seen.then(|| evidence.window.error_rate()).flatten();
    Weighed {
        latency_p95_now,
        errors_now,
        candidate,
        measures,
        overall: Measures::of(&evidence.lookback, &evidence.lookback),
        recent,
    }
}

/// Fills in checks, improvement and confidence.
fn hold_against(weighed: &mut Weighed, evidence: &ArmEvidence, incumbent: &Weighed, rules: &Rules) {
    let mut checks = vec![permission(&weighed.candidate.arm, rules)];
    checks.extend(enough(evidence, rules));
    // Like with like: an hour of one against a day of the other would compare the hours, not the models.
    let both_recent = weighed.recent && incumbent.recent;
    let basis = |weighed: &Weighed| if both_recent { weighed.measures } else { weighed.overall };
    let (own, present) = (basis(weighed), basis(incumbent));
    checks.extend(limits(&own, &present, rules));
    checks.extend(trouble_now(weighed, rules));
    let objectives = &rules.objectives;
    let improvement = compare::improvement(&own, &present, [objectives.cost, objectives.latency, objectives.quality]);
    let candidate = &mut weighed.candidate;
    candidate.improvement = improvement.map(|improvement| improvement.value);
    candidate.confidence = improvement.and_then(|improvement| {
        let better = 1.0 - improvement.probability_at_most(0.0);
        let unknown = checks.iter().any(|check| check.outcome == CheckOutcome::Unknown);
        let worst = checks.iter().filter_map(|check| check.probability).fold(better, f64::min);
        (!unknown).then_some(worst)
    });
    candidate.checks = checks;
}

/// Trouble of this very window, which a day of good evidence would hide: failures above the limit, or latency above its own
/// limit and above what the arm's own evidence shows.
fn trouble_now(weighed: &Weighed, rules: &Rules) -> Option<Check> {
    let errors = weighed.errors_now.filter(|rate| *rate > rules.constraints.error_rate).map(|rate| {
        let limit = format::percent(rules.constraints.error_rate);
        format!("{} of its requests in the window fail, limit {limit}", format::percent(rate))
    });
    let latency = weighed.latency_p95_now.zip(weighed.overall.log_latency_p95).and_then(|(now, usual)| {
        let limit = rules.thresholds.latency_p95_ms;
        let tolerated = usual.value.exp() * (1.0 + rules.constraints.latency_increase_percent / 100.0);
        (now > limit && now > tolerated)
            .then(|| format!("its latency p95 is {} in the window, limit {}", format::ms(now), format::ms(limit)))
    });
    let detail = errors.or(latency)?;
    Some(Check { rule: "well now".to_owned(), outcome: CheckOutcome::Fails, probability: None, detail })
}

fn permission(arm: &Arm, rules: &Rules) -> Check {
    let forbidden = models::forbidden(arm, &rules.models);
    Check {
        rule: "permitted".to_owned(),
        outcome: if forbidden.is_none() { CheckOutcome::Holds } else { CheckOutcome::Fails },
        probability: None,
        detail: forbidden.unwrap_or_else(|| "the policy permits this model".to_owned()),
    }
}

fn enough(evidence: &ArmEvidence, rules: &Rules) -> [Check; 2] {
    let check = |rule: &str, have: u64, need: u64, noun: &str| Check {
        rule: rule.to_owned(),
        outcome: if have >= need { CheckOutcome::Holds } else { CheckOutcome::Unknown },
        probability: None,
        detail: match have {
            0 => format!("no {noun} here yet, {} needed", format::count(need)),
            _ => format!("{} here, {} needed", format::counted(have, noun), format::count(need)),
        },
    };
    let lookback = &evidence.lookback;
    let coverage = lookback.quality_coverage();
    let mut scored = check("enough scores", lookback.quality.rows(), rules.evidence.min_scored, "quality score");
    if scored.outcome == CheckOutcome::Holds && coverage < rules.thresholds.quality_coverage_min {
        scored.outcome = CheckOutcome::Unknown;
        scored.detail = format!(
            "only {} of its requests carry a score, {} needed",
            format::percent(coverage),
            format::percent(rules.thresholds.quality_coverage_min)
        );
    }
    [check("enough requests", lookback.requests.rows, rules.evidence.min_requests, "request"), scored]
}

/// The measured constraints. Each holds when the probability of breaking it is at most the policy's `max_risk`.
fn limits(candidate: &Measures, current: &Measures, rules: &Rules) -> Vec<Check> {
    let constraints = &rules.constraints;
    let judge = |rule: &str, judged: Option<(f64, String)>, unknown: &str| match judged {
        Some((probability, detail)) => Check {
            rule: rule.to_owned(),
            outcome: if 1.0 - probability <= rules.decision.max_risk {
                CheckOutcome::Holds
            } else {
                CheckOutcome::Fails
            },
            probability: Some(probability),
            detail,
        },
        None => Check {
            rule: rule.to_owned(),
            outcome: CheckOutcome::Unknown,
            probability: None,
            detail: unknown.to_owned(),
        },
    };
    let quality = candidate.quality.zip(current.quality).map(|(new, now)| {
        let loss = constraints.quality_drop_percent / 100.0;
        let difference = if now.value > 0.0 { new.value / now.value - 1.0 } else { 0.0 };
        let detail = format!(
            "quality {:.3} against {:.3} ({}), at most {} may be lost",
            new.value,
            now.value,
            format::change(difference),
            format::percent(loss)
        );
        (compare::keeps_quality(&new, &now, loss), detail)
    });
    let latency = candidate.log_latency_p95.zip(current.log_latency_p95).map(|(new, now)| {
        let growth = constraints.latency_increase_percent / 100.0;
        let detail = format!(
            "latency p95 {} against {} ({}), may grow by {}",
            format::ms(new.value.exp()),
            format::ms(now.value.exp()),
            format::change((new.value - now.value).exp() - 1.0),
            format::percent(growth)
        );
        (compare::keeps_latency(&new, &now, growth), detail)
    });
    let errors = candidate.errors.map(|rate| {
        let detail = format!(
            "{} of its requests fail, limit {}",
            format::percent(rate.estimate().value),
            format::percent(constraints.error_rate)
        );
        (rate.probability_at_most(constraints.error_rate), detail)
    });
    let mut checks = vec![
        judge("quality loss", quality, "quality is unknown on one side or both"),
        judge("latency growth", latency, "too few latencies to know its 95th percentile"),
        judge("error rate", errors, "how many of its requests fail is unknown"),
    ];
    if let Some(limit) = constraints.cost_per_request_usd {
        let cost = candidate.cost.map(|cost| {
            let detail = format!("a request costs {}, limit {}", format::usd(cost.value), format::usd(limit));
            (cost.probability_at_most(limit), detail)
        });
        checks.push(judge("cost limit", cost, "its cost is unknown"));
    } else if candidate.cost.is_none() {
        checks.push(judge("known cost", None, "its cost is unknown: no price or no token counts"));
    }
    checks
}
