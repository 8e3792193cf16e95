//! Values that nobody would have expected from those before: one detector for each figure of each service, told once when something
//! begins.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::course;
use crate::{
    domain::{
        Arm, Evidence, Finding, FindingKind, Metric, Policy, Severity, finding::Test, metric::Harm, policy::Mode,
    },
    stats::{
        History, Point,
        anomaly::{Detector, Member, Reading, Settings},
        history::{ServiceHistory, Slot},
        time_series::between,
    },
};

/// The course that is shown with an anomaly.
const SHOWN_SECONDS: i64 = 86_400;

/// An arm is named as the cause when its own value lies beyond the expected range while the others together do not.
const CAUSE_DAYS: i64 = 7;

/// Everything that watches. What it says follows from the slots it was given, in their order, and from nothing else.
#[derive(Debug, Default)]
pub struct Watch {
    services: BTreeMap<String, Vec<Detector>>,
}

impl Watch {
    /// Takes in a slot of the past, of which nobody wants to be told any more.
    pub fn learn(&mut self, service: &str, slot: &Slot) {
        for (detector, value) in self.of(service).iter_mut().zip(slot.service) {
            if let Some(value) = value {
                detector.learn(Point { at: slot.at, value });
            }
        }
    }

    /// Judges a slot, which the history must hold already, and takes it in.
    pub fn look(&mut self, service: &str, slot: &Slot, history: &History, policy: &Policy) -> Vec<Finding> {
        let off = policy.rules(service).mode == Mode::Off;
        let mut findings = Vec::new();
        for ((detector, metric), value) in self.of(service).iter_mut().zip(Metric::ALL).zip(slot.service) {
            let Some(value) = value else { continue };
            let reading = detector.push(Point { at: slot.at, value });
            if reading.alarm && !off {
                let known = history.services.get(service);
                findings.extend(known.and_then(|known| finding(service, metric, value, slot, &reading, known)));
            }
        }
        findings
    }

    fn of(&mut self, service: &str) -> &mut Vec<Detector> {
        if !self.services.contains_key(service) {
            let detectors = Metric::ALL.iter().map(|_| Detector::new(Settings::default())).collect();
            self.services.insert(service.to_owned(), detectors);
        }
        self.services.get_mut(service).expect("it was put there")
    }
}

fn finding(
    service: &str,
    metric: Metric,
    value: f64,
    slot: &Slot,
    reading: &Reading,
    known: &ServiceHistory,
) -> Option<Finding> {
    let expected = reading.expected?;
    let [low, high] = expected;
    let above = value > high || (value >= low && value > f64::midpoint(low, high));
    // Nobody needs to be told that nothing fails, or that answers are better than ever.
    if matches!((metric, above), (Metric::ErrorRate, false) | (Metric::Quality, true)) {
        return None;
    }
    let bound = if above { high } else { low };
    let cause = cause(metric, above, expected, slot, known);
    let blame = cause.as_ref().map_or_else(String::new, |(arm, own)| {
        format!("; {} alone is at {}, the others are as ever", arm.model_id(), metric.show(*own))
    });
    let range = if reading.constant {
        format!("it has always been {}", metric.show(f64::midpoint(low, high)))
    } else {
        format!("expected between {} and {}", metric.show(low.max(0.0)), metric.show(high))
    };
    let votes = reading.votes.iter().filter(|vote| vote.speaks);
    let tests = votes.map(|vote| Test {
        name: name(vote.member).into(),
        statistic: vote.statistic.unwrap_or_default(),
        p_value: vote.chance,
    });
    Some(Finding {
        service: Some(service.to_owned()),
        kind: FindingKind::Anomaly,
        severity: severity(metric, above, value, bound),
        observed: value,
        limit: bound,
        unit: metric.unit().into(),
        interval: None,
        requests: 0,
        cause: cause.map(|(arm, _)| arm),
        summary: format!("{} suddenly {}: {range}{blame}", metric.name(), metric.show(value)),
        evidence: Evidence {
            metric: Some(metric),
            since: Timestamp::from_second(slot.at).ok(),
            expected: Some(expected),
            tests: tests.collect(),
            recent: course::recent(known.service.of(metric), slot.at + 1 - SHOWN_SECONDS, slot.at + 1),
        },
    })
}

fn severity(metric: Metric, above: bool, value: f64, bound: f64) -> Severity {
    match (metric.harm(), above) {
        (Harm::Up, true) => Severity::of_ratio(value, bound).max(Severity::Medium),
        (Harm::Down, false) => Severity::of_ratio(bound, value).max(Severity::Medium),
        // Nobody asks: traffic that stops does.
        (Harm::Neither, false) if metric == Metric::Requests => Severity::of_ratio(bound, value),
        _ => Severity::Low,
    }
}

/// The one arm that left the expected range, when what the other arms do now is what they did over the last days.
fn cause(
    metric: Metric,
    above: bool,
    [low, high]: [f64; 2],
    slot: &Slot,
    known: &ServiceHistory,
) -> Option<(Arm, f64)> {
    if slot.arms.len() < 2 || metric == Metric::Requests {
        return None;
    }
    let beyond = |value: f64| if above { value > high } else { value < low };
    let mut moved = slot.arms.iter().filter_map(|(arm, values)| {
        let value = values[metric as usize].filter(|value| beyond(*value))?;
        // One that has always been out there is not what moved.
        let before = between(known.arms.get(arm)?.of(metric), slot.at - CAUSE_DAYS * 86_400, slot.at);
        let ever = before.iter().filter(|point| beyond(point.value)).count();
        (before.len() >= 2 && 2 * ever < before.len()).then(|| (arm.clone(), value))
    });
    let first = moved.next()?;
    moved.next().is_none().then_some(first)
}

fn name(member: Member) -> &'static str {
    match member {
        Member::Iqr => "interquartile range",
        Member::ZScore => "z-score of the hour",
        Member::Mad => "median absolute deviation",
        Member::Seasonal => "same hour of former days",
        Member::IsolationForest => "isolation forest",
    }
}
