//! What could serve a segment, with the estimates everything else rests on.

use super::{case::Case, checks, strategies::Idea};
use crate::{
    domain::{
        Arm,
        plan::{Candidate, Check, CheckOutcome, CheckWeight, Estimate, Standing, Strategy},
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
    pub overall: Measures,
    /// Whether the window holds enough requests.
    pub recent: bool,
    /// Latency p95 in milliseconds and share of failures in the window itself; unknown below [`A_LOOK`] requests.
    pub latency_p95_now: Option<f64>,
    pub errors_now: Option<f64>,
}

/// Requests in the window that show whether an arm is well right now: too few to decide on, enough to see trouble.
const A_LOOK: u64 = 20;

impl Weighed {
    /// Every hard constraint is shown to hold.
    pub(super) fn allowed(&self) -> bool {
        self.first_failure().is_none()
    }

    /// The hard constraint that refuses it: the first that is broken, else the first of which too little is known.
    pub(super) fn first_failure(&self) -> Option<&Check> {
        let with = |outcome| self.hard().find(move |check| check.outcome == outcome);
        with(CheckOutcome::Fails).or_else(|| with(CheckOutcome::Unknown))
    }

    /// Soft constraints that it does not keep.
    pub(super) fn soft_failures(&self) -> usize {
        let soft = self.candidate.checks.iter().filter(|check| check.weight == CheckWeight::Soft);
        soft.filter(|check| check.outcome != CheckOutcome::Holds).count()
    }

    /// Nothing is known that speaks against a trial: of each constraint at least this probability to hold, or too little known of
    /// it to say.
    pub(super) fn may_be_tried(&self, probability: f64) -> bool {
        self.hard().all(|check| match (check.outcome, check.probability) {
            (CheckOutcome::Holds, _) => true,
            (CheckOutcome::Fails, known) => known.is_some_and(|known| known >= probability),
            (CheckOutcome::Unknown, _) => checks::LEARNT_BY_TRIAL.contains(&&*check.rule),
        })
    }

    fn hard(&self) -> impl Iterator<Item = &Check> {
        self.candidate.checks.iter().filter(|check| check.weight == CheckWeight::Hard)
    }
}

/// The segment's present arm and every idea for another, held against every constraint, in the order of the ideas.
pub(super) fn weigh(case: &Case<'_>, current: &Arm, ideas: Vec<Idea>) -> (Weighed, Vec<Weighed>) {
    let served: f64 = case.arms.values().map(|arm| arm.window.requests.weight).sum();
    let nothing = ArmEvidence::default();
    let mut incumbent = describe(
        case,
        Idea::of(current.clone(), Strategy::CostPerformance),
        case.arms.get(current).unwrap_or(&nothing),
        served,
    );
    "serves the largest share of this segment now".clone_into(&mut incumbent.candidate.why);
    let weighed = ideas.into_iter().map(|idea| weigh_one(case, &incumbent, idea)).collect();
    (incumbent, weighed)
}

/// One idea, held against every constraint.
pub(super) fn weigh_one(case: &Case<'_>, incumbent: &Weighed, idea: Idea) -> Weighed {
    let served: f64 = case.arms.values().map(|arm| arm.window.requests.weight).sum();
    let nothing = ArmEvidence::default();
    // Other parameters under the same name have served nothing yet.
    let known = case.arms.get(&idea.arm).filter(|_| idea.settings_are_new.is_none());
    let evidence = known.unwrap_or(&nothing);
    let mut weighed = describe(case, idea, evidence, served);
    checks::hold_against(case, &mut weighed, evidence, incumbent);
    weighed
}

fn describe(case: &Case<'_>, idea: Idea, evidence: &ArmEvidence, served: f64) -> Weighed {
    let recent = evidence.window.requests.rows >= case.rules.evidence.min_requests;
    let own = Measures::of(if recent { &evidence.window } else { &evidence.lookback }, &evidence.lookback);
    let overall = if recent { Measures::of(&evidence.lookback, &evidence.lookback) } else { own };
    let (measures, overall, borrowed) = match idea.predicted {
        Some(prediction) => (prediction.measures, prediction.measures, prediction.borrowed),
        None => (own, overall, Vec::new()),
    };
    let within_scale =
        |estimate: Estimate| Estimate { low: estimate.low.max(0.0), high: estimate.high.min(1.0), ..estimate };
    let candidate = Candidate {
        arm: idea.arm,
        strategy: idea.strategy,
        settings: idea.settings,
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
        borrowed,
        improvement: None,
        confidence: None,
        dominated: None,
        trial: idea.trial,
        checks: Vec::new(),
        why: String::new(),
    };
    let seen = evidence.window.requests.rows >= A_LOOK;
    let latency_p95_now = seen.then(|| evidence.window.latency.quantile(compare::LATENCY_QUANTILE)).flatten();
    let errors_now = seen.then(|| evidence.window.error_rate()).flatten();
    Weighed { candidate, measures, overall, recent, latency_p95_now, errors_now }
}
