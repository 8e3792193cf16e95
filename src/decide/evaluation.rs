//! Off-policy evaluation: what each arm, and the routing a plan proposes, would have been worth on the requests of the log.

mod measures;
mod totals;

use crate::{
    domain::{
        Arm, Metric, Plan,
        evaluation::{
            ArmEvaluation, Evaluation, LoggedMean, MeasureEvaluation, Propensities, SCHEMA_VERSION, SegmentEvaluation,
        },
        format::{count, counted, percent},
        plan::{Action, Decision, Estimate},
    },
    stats::{
        Observation,
        interval::Uncertain,
        off_policy::{
            Abstention, LoggedSegment, MIN_EFFECTIVE_REQUESTS, Measured, MeasuredValue, Method, Target,
            mean_of_measured,
        },
    },
};
use measures::{Log, MEASURES, estimate, plain};

/// Above this share of propensities that are none, nobody knows what the others are.
const MAX_INVALID: f64 = 0.10;

/// One arm is scored so much oftener than all together before it is told.
const UNEVENLY_SCORED: f64 = 1.25;

/// A segment with what the totals need of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    pub shown: SegmentEvaluation,
    /// In the order of the measures.
    means: Vec<totals::Means>,
}

/// Evaluates one segment; none where nothing is proposed and no request carries a propensity.
#[must_use]
pub fn evaluate_segment(log: &LoggedSegment, observation: &Observation, plan: &Plan) -> Option<Evaluated> {
    let of_segment = |decision: &&Decision| decision.service == log.service && decision.segment == log.segment;
    let decision = plan.decisions.iter().find(of_segment);
    let moving = decision.filter(|decision| {
        matches!(decision.action, Action::Change | Action::Revert | Action::Experiment) && decision.proposed.is_some()
    });
    if moving.is_none() && log.rows == log.missing {
        return None;
    }
    let proposed = moving.and_then(|decision| decision.proposed.clone());
    let share = moving.map(|moving| moving.rollout_percent.last().map_or(1.0, |percent| f64::from(*percent) / 100.0));
    let mut shown = SegmentEvaluation {
        service: log.service.clone(),
        segment: log.segment,
        action: decision.map(|decision| decision.action),
        proposed,
        share,
        propensities: Propensities { requests: log.rows, missing: log.missing, invalid: log.invalid },
        abstained: unusable(log),
        as_logged: Vec::new(),
        arms: Vec::new(),
    };
    if shown.abstained.is_some() {
        return Some(Evaluated { shown, means: Vec::new() });
    }
    let mut arms: Vec<(Option<usize>, &Arm)> =
        log.arms.iter().enumerate().map(|(place, arm)| (Some(place), arm)).collect();
    if let Some(proposed) = shown.proposed.as_ref().filter(|proposed| !log.arms.contains(proposed)) {
        arms.push((None, proposed));
    }
    arms.sort_by_key(|(_, arm)| *arm);
    let evidence = observation.services.get(&log.service).and_then(|service| service.segments.get(&log.segment));
    let chosen = |place: Option<usize>| log.requests.iter().filter(|request| Some(request.arm) == place).count() as u64;
    let mut evaluations: Vec<ArmEvaluation> = arms
        .iter()
        .map(|(place, arm)| ArmEvaluation { arm: (*arm).clone(), requests: chosen(*place), measures: Vec::new() })
        .collect();
    let requests = Log::new(log);
    let mut means = Vec::new();
    for measure in MEASURES {
        let one = OneMeasure::new(measure, log, &requests);
        shown.as_logged.push(one.as_logged());
        let mut moved = totals::Means::new(measure, one.present.as_ref().ok());
        for ((place, arm), evaluation) in arms.iter().zip(&mut evaluations) {
            let own = evidence.and_then(|arms| arms.get(*arm)).and_then(|arm| plain(measure, &arm.lookback));
            let (line, value) = one.of_arm(*place, own);
            if let Some((value, difference)) = value.filter(|_| shown.proposed.as_ref() == Some(*arm)) {
                moved.to(&value, difference);
            }
            evaluation.measures.push(line);
        }
        means.push(moved);
    }
    shown.arms = evaluations;
    Some(Evaluated { shown, means })
}

/// One measure of one segment.
struct OneMeasure {
    measure: Metric,
    arms: usize,
    log: Result<Vec<Measured>, String>,
    present: Result<MeasuredValue, String>,
}

impl OneMeasure {
    fn new(measure: Metric, segment: &LoggedSegment, requests: &Log<'_>) -> Self {
        let (arms, log) = (segment.arms.len(), requests.of(measure));
        let present = log.as_ref().map_err(Clone::clone).and_then(|log| {
            mean_of_measured(log, arms, Target::Logging, Method::SelfNormalised).map_err(|why| words(&why))
        });
        Self { measure, arms, log, present }
    }

    fn as_logged(&self) -> LoggedMean {
        let present = self.present.as_ref();
        LoggedMean {
            measure: self.measure,
            unit: self.measure.unit().into(),
            value: present.ok().map(|present| estimate(self.measure, present)),
            coverage: present.ok().map(|present| present.coverage),
            abstained: present.err().cloned(),
        }
    }

    /// All of the segment on the arm in this place, with the value and its difference to the present.
    fn of_arm(
        &self,
        place: Option<usize>,
        plain: Option<Estimate>,
    ) -> (MeasureEvaluation, Option<(MeasuredValue, Option<Uncertain>)>) {
        let mut line = MeasureEvaluation {
            measure: self.measure,
            unit: self.measure.unit().into(),
            plain,
            self_normalised: None,
            doubly_robust: None,
            difference: None,
            coverage: None,
            effective_requests: None,
            largest_weight: None,
            design_effect: None,
            confounded: false,
            abstained: None,
        };
        let value = |method| {
            let log = self.log.as_ref().map_err(Clone::clone)?;
            let place = place.ok_or("no request with a propensity went to it")?;
            mean_of_measured(log, self.arms, Target::Always(place), method).map_err(|why| words(&why))
        };
        let both = value(Method::SelfNormalised).and_then(|weighted| Ok((weighted, value(Method::DoublyRobust)?)));
        let (weighted, robust) = match both {
            Ok(both) => both,
            Err(why) => return (MeasureEvaluation { abstained: Some(why), ..line }, None),
        };
        let shown = estimate(self.measure, &robust);
        line.self_normalised = Some(estimate(self.measure, &weighted));
        line.doubly_robust = Some(shown);
        line.coverage = Some(robust.coverage.clamp(0.0, 1.0));
        line.effective_requests = Some(robust.effective_requests);
        line.largest_weight = Some(robust.largest_weight);
        line.design_effect = Some(robust.design_effect);
        line.confounded = plain.is_some_and(|plain| plain.high < shown.low || shown.high < plain.low);
        let log = self.log.as_deref().unwrap_or_default();
        let difference = self.present.as_ref().ok().and_then(|present| robust.minus(present, log));
        line.difference = difference.map(|difference| difference.estimate());
        (line, Some((robust, difference)))
    }
}

/// Everything together; segments in any order.
#[must_use]
pub fn evaluation(plan: &Plan, mut segments: Vec<Evaluated>, propensities: Propensities) -> Evaluation {
    segments.sort_by(|a, b| (&a.shown.service, a.shown.segment).cmp(&(&b.shown.service, b.shown.segment)));
    let totals = totals::totals(&segments);
    let mut warnings = Vec::new();
    if propensities.invalid > 0 {
        let invalid = counted(propensities.invalid, "request");
        warnings.push(format!("{invalid} left out: their propensity is not above 0 and at most 1"));
    }
    if propensities.missing > 0 && propensities.usable() > 0 {
        let missing = counted(propensities.missing, "request");
        warnings.push(format!("{missing} left out: they carry no propensity; what is said holds for the others"));
    }
    warnings.extend(segments.iter().flat_map(|segment| confounded(&segment.shown)));
    Evaluation {
        schema_version: SCHEMA_VERSION.into(),
        plan: plan.id.clone(),
        policy: plan.policy.clone(),
        windows: plan.windows.clone(),
        source: plan.source.clone(),
        propensities,
        totals,
        segments: segments.into_iter().map(|segment| segment.shown).collect(),
        warnings,
    }
}

/// Why the log of a segment cannot be used at all.
fn unusable(log: &LoggedSegment) -> Option<String> {
    let stated = log.rows - log.missing;
    if stated == 0 {
        return Some("no request of it carries a propensity".to_owned());
    }
    if log.invalid as f64 > MAX_INVALID * stated as f64 {
        return Some(format!("{} of {} propensities are not above 0 and at most 1", count(log.invalid), count(stated)));
    }
    let uneven = "its rows stand for different numbers of requests (`weight`), which weighs them a second time";
    (!log.even).then(|| uneven.to_owned())
}

/// An abstention in the words of a router's log.
fn words(why: &Abstention) -> String {
    match why {
        Abstention::TooFew { effective, .. } => {
            format!("{effective:.0} effective requests, {MIN_EFFECTIVE_REQUESTS:.0} needed")
        }
        Abstention::Imbalanced { mean_weight } => format!(
            "its weights average {mean_weight:.2} where 1 is right: for some requests the router never chose it, or it chose by other probabilities"
        ),
        Abstention::NoOverlap | Abstention::Empty => "no request with a propensity tells of it".to_owned(),
        other => other.to_string(),
    }
}

/// Where the plan's figures and these exclude each other.
fn confounded(segment: &SegmentEvaluation) -> Vec<String> {
    let of_arm = |arm: &ArmEvaluation| {
        let lines = arm.measures.iter().filter(|line| line.confounded);
        let lines: Vec<String> = lines
            .filter_map(|line| {
                let (plain, robust) = (line.plain?, line.doubly_robust?);
                let show = |value| line.measure.show(value);
                Some(format!(
                    "{} {} by its own requests, {} by all",
                    line.measure.name(),
                    show(plain.value),
                    show(robust.value)
                ))
            })
            .collect();
        let name = format!("{}, {}: {}", segment.service, segment.segment.name(), arm.arm);
        (!lines.is_empty()).then(|| {
            format!(
                "{name} got other requests than the rest, so the plan's figures of it are confounded: {}",
                lines.join("; ")
            )
        })
    };
    segment.arms.iter().filter_map(of_arm).chain(unevenly_scored(segment)).collect()
}

/// Scores that one arm gets much oftener than all together may be of other requests, too.
fn unevenly_scored(segment: &SegmentEvaluation) -> Vec<String> {
    let logged = |measure| segment.as_logged.iter().find(|mean| mean.measure == measure)?.coverage;
    let Some((scored, succeeded)) = logged(Metric::Quality).zip(logged(Metric::Latency)) else { return Vec::new() };
    let of_arm = |arm: &ArmEvaluation| {
        let line = |measure| arm.measures.iter().find(|line| line.measure == measure);
        let (quality, latency) = (line(Metric::Quality)?, line(Metric::Latency)?);
        let own = quality.coverage? / latency.coverage?;
        let chance = 2.0 / quality.effective_requests?.sqrt();
        let uneven = (own * succeeded / scored).ln().abs() > UNEVENLY_SCORED.ln() + chance;
        uneven.then(|| {
            format!(
                "{}, {}: {} has a score on {} of its successes, all together on {}: who is scored depends on the arm, and the scored \
                 may be others than the rest",
                segment.service,
                segment.segment.name(),
                arm.arm,
                percent(own),
                percent(scored / succeeded)
            )
        })
    };
    segment.arms.iter().filter_map(of_arm).collect()
}
