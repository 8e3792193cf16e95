//! Many services with a history of eight figures each, all in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use jiff::{SignedDuration, Timestamp};
use optimizer::{
    decide::policy::{Source, parse},
    domain::{
        Metric, Policy, Window,
        plan::{SourceSummary, UntilSource, Windows},
    },
    orient::{self, Watch},
    stats::{
        History, Observation,
        history::{Slot, Values},
    },
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::evidence;
use crate::calibration::distribution::standard_normal;

/// A quarter of an hour, as `analyze` does by default.
const SLOT: i64 = 900;
/// A Monday, 00:00 UTC.
const START: i64 = 1_767_571_200;
/// Slots that are judged: one window. Those before are learned from.
const JUDGED: usize = 4;

/// How much there is to look at.
#[derive(Debug, Clone, Copy)]
pub struct Fleet {
    pub services: usize,
    pub slots: i64,
}

/// It, made.
#[derive(Debug)]
pub struct Made {
    /// By time, then by service.
    slots: Vec<Vec<(String, Slot)>>,
    history: History,
    observation: Observation,
    policy: Policy,
}

/// What a run took, and what it said.
#[derive(Debug, Clone, Copy)]
pub struct Seconds {
    pub watch: f64,
    pub findings: f64,
    pub outlooks: f64,
    pub found: usize,
    pub ahead: usize,
}

impl Fleet {
    #[must_use]
    pub fn made(&self) -> Made {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let names: Vec<String> = (0..self.services).map(|number| format!("service-{number:04}")).collect();
        let mut history = History::new(SLOT);
        let mut slots = Vec::new();
        for number in 0..self.slots {
            let at = START + number * SLOT;
            let all: Vec<(String, Slot)> = names.iter().map(|name| (name.clone(), slot(at, &mut random))).collect();
            for (name, slot) in &all {
                history.push(name, slot);
            }
            slots.push(all);
        }
        let end = START + self.slots * SLOT;
        let services = names.into_iter().map(|name| (name, evidence::service(end / 60 - 1_440, &mut random))).collect();
        let observation = Observation { windows: windows(end), source: source(), services, figures: BTreeMap::new() };
        let balanced = Source::profile("balanced").expect("balanced is built in");
        let policy = parse(balanced, &|_| Err("a built-in policy extends no file".into())).expect("it is valid");
        Made { slots, history, observation, policy }
    }
}

impl Made {
    /// Figures that are followed.
    #[must_use]
    pub fn series(&self) -> u64 {
        self.history.services.values().map(optimizer::stats::history::ServiceHistory::series).sum()
    }

    /// What `analyze` does with it.
    #[must_use]
    pub fn look(&self) -> Seconds {
        let start = Instant::now();
        let (past, window) = self.slots.split_at(self.slots.len() - JUDGED);
        let mut watch = Watch::default();
        for (service, slot) in past.iter().flatten() {
            watch.learn(service, slot);
        }
        let look = |(service, slot): &(String, Slot)| watch.look(service, slot, &self.history, &self.policy).len();
        let sudden: usize = window.iter().flatten().map(look).sum();
        let watched = start.elapsed().as_secs_f64();
        let found = orient::findings(&self.observation, Some(&self.history), &self.policy).findings.len();
        let oriented = start.elapsed().as_secs_f64();
        let ahead = orient::outlooks(&self.history, self.observation.windows.window.end().as_second()).len();
        Seconds {
            watch: watched,
            findings: oriented - watched,
            outlooks: start.elapsed().as_secs_f64() - oriented,
            found: found + sudden,
            ahead,
        }
    }
}

/// A daily pattern with noise on it.
fn slot(at: i64, random: &mut ChaCha8Rng) -> Slot {
    let day = 1.0 + 0.5 * (at as f64 / 86_400.0 * std::f64::consts::TAU).sin();
    let mut some = |busy: f64| -> Values {
        Metric::ALL.map(|metric| {
            let noise = standard_normal(random);
            Some(match metric {
                Metric::Requests => 100.0 * busy * day * (0.1 * noise).exp(),
                Metric::Latency => 800.0 * day * (0.05 * noise).exp(),
                Metric::Ttft => 200.0 * day * (0.05 * noise).exp(),
                Metric::ErrorRate => (0.01 + 0.003 * noise).max(0.0),
                Metric::CostPerRequest => 0.002 * (0.05 * noise).exp(),
                Metric::InputTokens => 400.0 * (0.05 * noise).exp(),
                Metric::OutputTokens => 200.0 * (0.06 * noise).exp(),
                Metric::Quality => (0.85 + 0.02 * noise).min(1.0),
            })
        })
    };
    let service = some(1.0);
    let arms = evidence::arms().into_iter().map(|arm| (arm, some(0.5))).collect();
    Slot { at, service, arms, spend_usd: Some(3.0 * day) }
}

fn windows(end: i64) -> Windows {
    let end = Timestamp::from_second(end).expect("a time");
    let window = Window::ending_at(end, SignedDuration::from_hours(1)).expect("a window");
    let before = window.before().expect("a window");
    let lookback = Window::ending_at(end, SignedDuration::from_hours(24)).expect("a window");
    Windows { window, before, lookback, until: UntilSource::NewestEvent }
}

fn source() -> SourceSummary {
    SourceSummary {
        files: 0,
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
    }
}
