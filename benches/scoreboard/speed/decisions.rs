//! Decisions about many services with many models each, every one with its whole reasoning.

use std::{collections::BTreeMap, time::Instant};

use optimizer::{
    decide::{self, Inputs, policy},
    domain::{Arm, Memory, ModelTable, Segment, plan::Action},
    orient,
    stats::{ArmEvidence, Observation, Rollup, ServiceEvidence, Sketch},
};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::{evidence::requests, median};
use crate::{
    day,
    table::{Table, rounded},
};

/// Services, each with one segment that this many models have served.
#[derive(Debug, Clone, Copy)]
pub struct Choices {
    pub services: usize,
    pub models: usize,
}

impl Choices {
    fn observation(self) -> Observation {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let services = (0..self.services).map(|number| (format!("service-{number:04}"), self.service(&mut random)));
        day::of(services.collect())
    }

    fn service(self, random: &mut ChaCha8Rng) -> ServiceEvidence {
        let arms: BTreeMap<Arm, ArmEvidence> = (0..self.models)
            .map(|model| {
                // The first serves most, the others a canary's share.
                let rows = if model == 0 { 4_000 } else { random.random_range(300..800) };
                let window = requests(rows / 10, 12, random);
                let mut lookback = window.merged(&requests(rows, 24, random));
                if model % 4 == 3 {
                    // Every fourth costs a third of the others.
                    lookback.cost = Sketch::from_values((0..rows).map(|row| 0.0007 * (1.0 + (row % 10) as f64 / 20.0)));
                    lookback.cost_buckets = Vec::new();
                }
                let name = format!("model-{model:02}");
                let arm = Arm { provider: Some("maker".into()), model: name, config_version: Some("v1".into()) };
                (arm, ArmEvidence { window, lookback })
            })
            .collect();
        let sum =
            |of: fn(&ArmEvidence) -> &Rollup| arms.values().fold(Rollup::default(), |sum, arm| sum.merged(of(arm)));
        ServiceEvidence {
            window: sum(|arm| &arm.window),
            before: sum(|arm| &arm.window),
            lookback: sum(|arm| &arm.lookback),
            segments: BTreeMap::from([(Segment::Unlabelled, arms)]),
            ..ServiceEvidence::default()
        }
    }
}

/// The time of `decide::plan`: median and slowest of so many runs.
pub fn of_decisions(sizes: &[Choices], runs: usize, as_json: bool) {
    let columns = ["services", "models", "threads", "runs", "ms", "slowest_ms", "us_a_candidate", "changes", "trials"];
    let mut table = Table::new("speed of decisions", &columns);
    let source = policy::Source::profile("balanced").expect("a profile");
    let policy = policy::parse(source, &|_| Err(String::new())).expect("the profile is fine");
    for size in sizes {
        let observation = size.observation();
        let findings = orient::findings(&observation, None, &policy).findings;
        let inputs = Inputs {
            observation: &observation,
            findings: &findings,
            policy: &policy,
            models: &ModelTable::default(),
            configurations: &BTreeMap::new(),
            memory: &Memory::default(),
            followed: false,
        };
        let mut count = [0, 0];
        let times: Vec<f64> = (0..runs)
            .map(|_| {
                let start = Instant::now();
                let plan = decide::plan(&inputs).plan;
                let seconds = start.elapsed().as_secs_f64();
                let of = |action| plan.decisions.iter().filter(|decision| decision.action == action).count();
                count = [of(Action::Change), of(Action::Experiment)];
                1e3 * seconds
            })
            .collect();
        let slowest = times.iter().copied().fold(0.0, f64::max);
        let middle = median(times);
        table.push(vec![
            json!(size.services),
            json!(size.models),
            json!(std::thread::available_parallelism().map_or(1, usize::from)),
            json!(runs),
            rounded(middle, 1),
            rounded(slowest, 1),
            rounded(1e3 * middle / (size.services * size.models) as f64, 2),
            json!(count[0]),
            json!(count[1]),
        ]);
    }
    table.print(as_json);
}
