//! Every constraint a candidate is held against. Hard ones refuse what cannot be shown to keep them; soft ones only prefer.

use std::borrow::Cow;

use super::{candidates::Weighed, case::Case, governance, models};
use crate::{
    domain::{
        Rules, format,
        plan::{Check, CheckOutcome, CheckWeight},
    },
    stats::{
        ArmEvidence,
        compare::{self, Measures},
    },
};

pub(super) const ENOUGH_REQUESTS: &str = "enough requests";
pub(super) const ENOUGH_SCORES: &str = "enough scores";
const QUALITY_LOSS: &str = "quality loss";
const LATENCY_GROWTH: &str = "latency growth";
const ERROR_RATE: &str = "error rate";
const COST_LIMIT: &str = "cost limit";
const KNOWN_COST: &str = "known cost";
const QUALITY_FLOOR: &str = "quality floor";
const LATENCY_CEILING: &str = "latency ceiling";

const NO_QUALITY: &str = "quality is unknown on one side or both";
const NO_LATENCY: &str = "too few latencies to know its 95th percentile";
const NO_ERRORS: &str = "how many of its requests fail is unknown";

/// What a trial on a part of the traffic would tell, where too little is known.
pub(super) const LEARNT_BY_TRIAL: [&str; 9] = [
    ENOUGH_REQUESTS,
    ENOUGH_SCORES,
    QUALITY_LOSS,
    LATENCY_GROWTH,
    ERROR_RATE,
    COST_LIMIT,
    KNOWN_COST,
    QUALITY_FLOOR,
    LATENCY_CEILING,
];

/// Fills in checks, improvement and confidence.
pub(super) fn hold_against(case: &Case<'_>, weighed: &mut Weighed, evidence: &ArmEvidence, incumbent: &Weighed) {
    let rules = case.rules;
    let mut checks = vec![permission(case, weighed)];
    checks.extend(enough(evidence, rules));
    // Like with like: an hour of one against a day of the other would compare the hours, not the models.
    let both_recent = weighed.recent && incumbent.recent;
    let basis = |weighed: &Weighed| if both_recent { weighed.measures } else { weighed.overall };
    let (own, present) = (basis(weighed), basis(incumbent));
    checks.extend(Limits::hard(rules).checks(&own, &present, rules.decision.max_risk));
    checks.extend(trouble_now(weighed, rules));
    checks.extend(Limits::soft(rules).checks(&own, &present, rules.decision.max_risk));
    let objectives = &rules.objectives;
    let improvement = compare::improvement(&own, &present, [objectives.cost, objectives.latency, objectives.quality]);
    let candidate = &mut weighed.candidate;
    candidate.improvement = improvement.map(|improvement| improvement.value);
    candidate.confidence = improvement.and_then(|improvement| {
        let better = 1.0 - improvement.probability_at_most(0.0);
        let hard = || checks.iter().filter(|check| check.weight == CheckWeight::Hard);
        let unknown = hard().any(|check| check.outcome == CheckOutcome::Unknown);
        let worst = hard().filter_map(|check| check.probability).fold(better, f64::min);
        (!unknown).then_some(worst)
    });
    candidate.checks = checks;
    // Governance sees what the change is predicted to do, so it comes last.
    let governed = governance::checks(case, weighed, incumbent);
    weighed.candidate.checks.extend(governed);
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
    Some(hard("well now", CheckOutcome::Fails, errors.or(latency)?))
}

fn permission(case: &Case<'_>, weighed: &Weighed) -> Check {
    let forbidden = models::forbidden(&weighed.candidate.arm, &case.rules.models, case.models);
    let outcome = if forbidden.is_none() { CheckOutcome::Holds } else { CheckOutcome::Fails };
    hard("permitted", outcome, forbidden.unwrap_or_else(|| "the policy permits this model".to_owned()))
}

pub(super) fn hard(rule: impl Into<Cow<'static, str>>, outcome: CheckOutcome, detail: String) -> Check {
    Check { rule: rule.into(), weight: CheckWeight::Hard, outcome, probability: None, detail }
}

fn enough(evidence: &ArmEvidence, rules: &Rules) -> [Check; 2] {
    let check = |rule: &'static str, have: u64, need: u64, noun: &str| {
        let outcome = if have >= need { CheckOutcome::Holds } else { CheckOutcome::Unknown };
        let detail = match have {
            0 => format!("no {noun} here yet, {} needed", format::count(need)),
            _ => format!("{} here, {} needed", format::counted(have, noun), format::count(need)),
        };
        hard(rule, outcome, detail)
    };
    let lookback = &evidence.lookback;
    let coverage = lookback.quality_coverage();
    let mut scored = check(ENOUGH_SCORES, lookback.quality.rows(), rules.evidence.min_scored, "quality score");
    if scored.outcome == CheckOutcome::Holds && coverage < rules.thresholds.quality_coverage_min {
        scored.outcome = CheckOutcome::Unknown;
        scored.detail = format!(
            "only {} of its requests carry a score, {} needed",
            format::percent(coverage),
            format::percent(rules.thresholds.quality_coverage_min)
        );
    }
    [check(ENOUGH_REQUESTS, lookback.requests.rows, rules.evidence.min_requests, "request"), scored]
}

/// The measured constraints of one kind; none where there is no limit.
struct Limits {
    weight: CheckWeight,
    quality_drop: Option<f64>,
    latency_growth: Option<f64>,
    error_rate: Option<f64>,
    cost: Option<f64>,
    quality_min: Option<f64>,
    latency_p95_ms: Option<f64>,
}

impl Limits {
    fn hard(rules: &Rules) -> Self {
        let constraints = &rules.constraints;
        Self {
            weight: CheckWeight::Hard,
            quality_drop: Some(constraints.quality_drop_percent / 100.0),
            latency_growth: Some(constraints.latency_increase_percent / 100.0),
            error_rate: Some(constraints.error_rate),
            cost: constraints.cost_per_request_usd,
            quality_min: constraints.quality_min,
            latency_p95_ms: constraints.latency_p95_ms,
        }
    }

    fn soft(rules: &Rules) -> Self {
        let soft = &rules.soft;
        Self {
            weight: CheckWeight::Soft,
            quality_drop: soft.quality_drop_percent.map(|percent| percent / 100.0),
            latency_growth: soft.latency_increase_percent.map(|percent| percent / 100.0),
            error_rate: soft.error_rate,
            cost: soft.cost_per_request_usd,
            quality_min: soft.quality_min,
            latency_p95_ms: soft.latency_p95_ms,
        }
    }

    /// Each holds when the probability of breaking it is at most `max_risk`.
    fn checks(&self, candidate: &Measures, current: &Measures, max_risk: f64) -> Vec<Check> {
        let judge = |rule: &'static str, judged: Option<(f64, String)>, unknown: &str| match judged {
            Some((probability, detail)) => {
                let holds = 1.0 - probability <= max_risk;
                let outcome = if holds { CheckOutcome::Holds } else { CheckOutcome::Fails };
                Check { rule: rule.into(), weight: self.weight, outcome, probability: Some(probability), detail }
            }
            None => Check { weight: self.weight, ..hard(rule, CheckOutcome::Unknown, unknown.to_owned()) },
        };
        let quality = |loss| quality_loss(candidate, current, loss);
        let latency = |growth| latency_growth(candidate, current, growth);
        let errors = |limit: f64| {
            candidate.errors.map(|rate| {
                let shown = format::percent(rate.estimate().value);
                let detail = format!("{shown} of its requests fail, limit {}", format::percent(limit));
                (rate.probability_at_most(limit), detail)
            })
        };
        let cost = |limit: f64| {
            candidate.cost.map(|cost| {
                let detail = format!("a request costs {}, limit {}", format::usd(cost.value), format::usd(limit));
                (cost.probability_at_most(limit), detail)
            })
        };
        let floor = |least: f64| {
            candidate.quality.map(|quality| {
                let detail = format!("quality {:.3}, at least {least:.3} wanted", quality.value);
                (1.0 - quality.probability_at_most(least), detail)
            })
        };
        let ceiling = |most: f64| {
            candidate.log_latency_p95.map(|log| {
                let detail = format!("latency p95 {}, limit {}", format::ms(log.value.exp()), format::ms(most));
                (log.probability_at_most(most.ln()), detail)
            })
        };
        let checks = [
            self.quality_drop.map(|loss| judge(QUALITY_LOSS, quality(loss), NO_QUALITY)),
            self.latency_growth.map(|growth| judge(LATENCY_GROWTH, latency(growth), NO_LATENCY)),
            self.error_rate.map(|limit| judge(ERROR_RATE, errors(limit), NO_ERRORS)),
            self.cost.map(|limit| judge(COST_LIMIT, cost(limit), "its cost is unknown")),
            self.quality_min.map(|least| judge(QUALITY_FLOOR, floor(least), "its quality is unknown")),
            self.latency_p95_ms.map(|most| judge(LATENCY_CEILING, ceiling(most), NO_LATENCY)),
        ];
        let mut checks: Vec<Check> = checks.into_iter().flatten().collect();
        if self.weight == CheckWeight::Hard && self.cost.is_none() && candidate.cost.is_none() {
            checks.push(judge(KNOWN_COST, None, "its cost is unknown: no price or no token counts"));
        }
        checks
    }
}

fn quality_loss(candidate: &Measures, current: &Measures, loss: f64) -> Option<(f64, String)> {
    let (new, now) = candidate.quality.zip(current.quality)?;
    let difference = if now.value > 0.0 { new.value / now.value - 1.0 } else { 0.0 };
    let detail = format!(
        "quality {:.3} against {:.3} ({}), at most {} may be lost",
        new.value,
        now.value,
        format::change(difference),
        format::percent(loss)
    );
    Some((compare::keeps_quality(&new, &now, loss), detail))
}

fn latency_growth(candidate: &Measures, current: &Measures, growth: f64) -> Option<(f64, String)> {
    let (new, now) = candidate.log_latency_p95.zip(current.log_latency_p95)?;
    let detail = format!(
        "latency p95 {} against {} ({}), may grow by {}",
        format::ms(new.value.exp()),
        format::ms(now.value.exp()),
        format::change((new.value - now.value).exp() - 1.0),
        format::percent(growth)
    );
    Some((compare::keeps_latency(&new, &now, growth), detail))
}
