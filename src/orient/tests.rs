//! What must hold of findings whatever the figures are.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Watch, findings};
use crate::{
    domain::{
        Arm, Finding, FindingKind, Metric, Policy, Window,
        plan::{SourceSummary, UntilSource, Windows},
    },
    stats::{
        History, Observation, ServiceEvidence,
        history::{Slot, Values},
    },
};

const SLOT: i64 = 900;
const DAY: i64 = 86_400;

/// Midnight of a Monday.
const START: i64 = 1_772_409_600;

/// Evenly spread in -1..1, of a seed and a place alone.
fn noise(seed: u64, place: i64) -> f64 {
    let mut z = (seed << 32).wrapping_add(place as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((z ^ (z >> 27)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

fn arm(model: &str) -> Arm {
    Arm { provider: Some("openai".to_owned()), model: model.to_owned(), config_version: None }
}

/// Slots of six days: latency with a daily wave, from `since` on of another level, and with a spike of one of two models at the end.
fn slots(seed: u64, scale: f64, step: f64, spike: f64) -> Vec<Slot> {
    let count = 6 * DAY / SLOT;
    (0..count)
        .map(|place| {
            let at = START + place * SLOT;
            let wave = (at as f64 / DAY as f64 * std::f64::consts::TAU).sin();
            let level = if place >= count - 60 { step } else { 1.0 };
            let base = scale * 1_234.0 * level * (1.0 + 0.1 * wave + 0.05 * noise(seed, place));
            let own = |factor: f64| {
                let mut values = Values::default();
                values[Metric::Latency as usize] = Some(base * factor);
                values[Metric::Requests as usize] = Some(10.0 + 3.0 * wave + noise(seed + 1, place));
                values
            };
            let factor = if place == count - 1 { spike } else { 1.0 };
            Slot {
                at,
                service: own(f64::midpoint(1.0, factor)),
                arms: vec![(arm("a"), own(factor)), (arm("b"), own(1.0))],
                spend_usd: Some(1.0),
            }
        })
        .collect()
}

fn policy() -> Policy {
    let source = crate::decide::policy::Source::profile("balanced").expect("balanced is built in");
    crate::decide::policy::parse(source, &|_| Err("no files".to_owned())).expect("it is a policy")
}

fn observation(services: impl IntoIterator<Item = String>) -> Observation {
    let end = jiff::Timestamp::from_second(START + 6 * DAY).unwrap();
    let window = Window::ending_at(end, jiff::SignedDuration::from_hours(1)).unwrap();
    let lookback = Window::ending_at(end, jiff::SignedDuration::from_hours(24)).unwrap();
    let before = window.before().unwrap();
    Observation {
        windows: Windows { window, before, lookback, until: UntilSource::Flag },
        services: services.into_iter().map(|name| (name, ServiceEvidence::default())).collect(),
        source: SourceSummary {
            files: 1,
            layouts: BTreeSet::new(),
            rows_read: 0,
            rows_used: 0,
            rows_outside: 0,
            rows_duplicate: 0,
            rejected: BTreeMap::new(),
            passed_over: BTreeMap::new(),
            scores: None,
            oldest_event: None,
            newest_event: None,
            ignored_columns: Vec::new(),
            engines: Vec::new(),
        },
        figures: BTreeMap::new(),
    }
}

/// Everything that is found, with services told in this order.
fn found(services: &[(String, Vec<Slot>)]) -> Vec<Finding> {
    let (mut history, mut watch, policy) = (History::new(SLOT), Watch::default(), policy());
    let mut all = Vec::new();
    for place in 0..services[0].1.len() {
        for (name, slots) in services {
            history.push(name, &slots[place]);
        }
        for (name, slots) in services {
            all.extend(watch.look(name, &slots[place], &history, &policy));
        }
    }
    let names = services.iter().map(|(name, _)| name.clone());
    all.extend(findings(&observation(names), Some(&history), &policy).findings);
    super::sort(&mut all);
    all
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.abs().max(b.abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn the_order_of_services_does_not_matter(seed in 0_u64..1_000, step in 1.3..2.0, spike in 3.0..9.0) {
        let service = |number: u64| (format!("s{number}"), slots(seed + 10 * number, 1.0, if number == 1 { step } else { 1.0 }, if number == 2 { spike } else { 1.0 }));
        let forth: Vec<_> = (1..4).map(service).collect();
        let back: Vec<_> = forth.iter().rev().cloned().collect();
        let found_forth = found(&forth);
        prop_assert_eq!(&found_forth, &found(&back));
        let kinds: BTreeMap<FindingKind, Option<&str>> =
            found_forth.iter().map(|finding| (finding.kind, finding.service.as_deref())).collect();
        prop_assert!(kinds.contains_key(&FindingKind::LevelShift) && kinds.contains_key(&FindingKind::Anomaly), "{kinds:?}");
    }

    #[test]
    fn in_another_unit_the_same_is_found(seed in 0_u64..1_000, scale in 0.01..100.0, step in 1.3..2.0, spike in 3.0..9.0) {
        let of = |scale: f64| {
            found(&[("steps".to_owned(), slots(seed, scale, step, 1.0)), ("leaps".to_owned(), slots(seed + 1, scale, 1.0, spike))])
        };
        let (plain, scaled) = (of(1.0), of(scale));
        let kind = |finding: &Finding| (finding.kind, finding.evidence.metric, finding.severity, finding.evidence.since, finding.cause.clone());
        prop_assert_eq!(plain.iter().map(kind).collect::<Vec<_>>(), scaled.iter().map(kind).collect::<Vec<_>>());
        prop_assert!(plain.iter().any(|finding| finding.kind == FindingKind::LevelShift));
        prop_assert!(plain.iter().any(|finding| finding.cause == Some(arm("a"))));
        for (plain, scaled) in plain.iter().zip(&scaled) {
            let by = if plain.evidence.metric == Some(Metric::Latency) { scale } else { 1.0 };
            prop_assert!(close(plain.observed * by, scaled.observed), "{plain:?} {scaled:?}");
            prop_assert!(close(plain.limit * by, scaled.limit), "{plain:?} {scaled:?}");
            for (plain, scaled) in plain.evidence.expected.iter().flatten().zip(scaled.evidence.expected.iter().flatten()) {
                prop_assert!(close(plain * by, *scaled), "{plain} {scaled}");
            }
        }
    }

    #[test]
    fn learning_and_looking_end_in_the_same_state(seed in 0_u64..1_000, from in 300_usize..570, spike in 3.0..9.0) {
        // Nothing happens before the last slot: an alarm that was given is the one thing that learning does not know of.
        let slots = slots(seed, 1.0, 1.0, spike);
        let policy = policy();
        let (mut history, mut learnt, mut looked) = (History::new(SLOT), Watch::default(), Watch::default());
        let mut last = [Vec::new(), Vec::new()];
        for (place, slot) in slots.iter().enumerate() {
            history.push("chat", slot);
            let told = looked.look("chat", slot, &history, &policy);
            if place < from {
                prop_assume!(told.is_empty());
                learnt.learn("chat", slot);
            } else {
                last = [learnt.look("chat", slot, &history, &policy), told];
                prop_assert_eq!(&last[0], &last[1]);
            }
        }
        prop_assert!(last[0].iter().any(|finding| finding.kind == FindingKind::Anomaly), "the spike is told");
    }
}
