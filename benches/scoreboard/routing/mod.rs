//! The part `routing`: real answers of two models to the same prompts. Traffic is drawn from the prompts with replacement, the strong
//! model serves four fifths of it and the cheap one the rest, the plan is made from that log alone, and what it decides is priced and
//! scored over all prompts. The set of prompts is the population: what is learnt is how sure a log of so many requests makes one, not
//! how well other prompts would do.
//!
//! Real: which model answered which prompt how well, lengths, and for `RouterArena` costs. Made up: latency, the same for both; for the
//! others costs, from lengths and the price table. A service is a domain of prompts.

mod data;
mod log;
mod policies;

use std::collections::BTreeMap;

use optimizer::{
    decide::{self, Inputs, policy},
    domain::{Memory, ModelTable, Policy, plan::Action},
    orient,
};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use data::{Prompt, Set};
use policies::{Outcome, Routing};

use crate::table::{Table, rounded};

/// What the plan makes of a log of so many requests: where each domain goes.
fn planned(set: &Set, requests: usize, seed: u64, policy: &Policy) -> Routing {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let observation = log::observed(set, requests, &mut random);
    let findings = orient::findings(&observation, None, policy).findings;
    let plan = decide::plan(&Inputs {
        observation: &observation,
        findings: &findings,
        policy,
        models: &ModelTable::default(),
        configurations: &BTreeMap::new(),
        memory: &Memory::default(),
        followed: false,
    });
    let moved = plan.plan.decisions.into_iter().filter(|decision| decision.action == Action::Change);
    Routing::cheap_for(moved.map(|decision| decision.service).collect())
}

/// Learning curves over seeds under two profiles, and what to compare them with.
pub fn print(seeds: u64, sizes: &[usize], as_json: bool) {
    for set in data::sets() {
        references(&set, as_json);
        let columns = [
            "set",
            "profile",
            "requests",
            "seeds",
            "cost_saved",
            "low",
            "high",
            "quality_change",
            "quality_low",
            "quality_high",
            "of_hindsight",
            "too_bad",
        ];
        let mut table = Table::new("routing by plan", &columns);
        for profile in PROFILES {
            let policy = profile_of(profile);
            let best = policies::hindsight(&set, &policy).outcome(&set);
            for requests in sizes {
                let runs: Vec<(Outcome, usize)> = (0..seeds)
                    .map(|seed| {
                        let routing = planned(&set, *requests, seed, &policy);
                        (routing.outcome(&set), policies::broken(&set, &routing, &policy))
                    })
                    .collect();
                let saved = mean(&runs.iter().map(|(outcome, _)| outcome.cost_saved).collect::<Vec<_>>());
                let quality = mean(&runs.iter().map(|(outcome, _)| outcome.quality_change).collect::<Vec<_>>());
                let broken: usize = runs.iter().map(|(_, broken)| broken).sum();
                let of_best = if best.cost_saved > 0.0 { rounded(saved[0] / best.cost_saved, 3) } else { json!(null) };
                let mut row = vec![json!(set.name), json!(profile), json!(requests), json!(seeds)];
                row.extend(saved.map(|value| rounded(value, 3)));
                row.extend(quality.map(|value| rounded(value, 4)));
                row.extend([of_best, rounded(broken as f64 / seeds as f64, 2)]);
                table.push(row);
            }
        }
        table.print(as_json);
    }
}

/// How careful the plans are: at most 5 % of a domain's quality may be lost, or 10 %.
const PROFILES: [&str; 2] = ["balanced", "aggressive"];

/// A log is one tick here; in life these changes would follow each other, and money is no matter.
fn profile_of(name: &str) -> Policy {
    let source = policy::Source::profile(name).expect("a profile");
    let mut policy = policy::parse(source, &|_| Err(String::new())).expect("the profile is fine");
    policy.max_changes_per_tick = None;
    policy.total_daily_budget_usd = None;
    policy.default.daily_budget_usd = None;
    policy
}

/// What others would do, over all prompts.
fn references(set: &Set, as_json: bool) {
    let mut table =
        Table::new("routing references", &["set", "domains", "prompts", "policy", "cost_saved", "quality_change"]);
    let mut add = |name: &str, outcome: Outcome| {
        table.push(vec![
            json!(set.name),
            json!(set.domains().len()),
            json!(set.prompts.len()),
            json!(name),
            rounded(outcome.cost_saved, 3),
            rounded(outcome.quality_change, 4),
        ]);
    };
    add("always strong", Routing::default().outcome(set));
    add("always cheap", Routing::cheap_for(set.domains()).outcome(set));
    add("random half", policies::random_half(set));
    for profile in PROFILES {
        let best = policies::hindsight(set, &profile_of(profile)).outcome(set);
        add(&format!("best in hindsight under the limits of {profile}"), best);
    }
    add("most saved in hindsight at 1 % less quality", policies::frontier(set, 0.01).outcome(set));
    add("oracle of every prompt", policies::oracle(set));
    table.print(as_json);
}

/// Mean with its 90 % interval over the seeds.
fn mean(values: &[f64]) -> [f64; 3] {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let half = 1.645 * (variance / n).sqrt();
    [mean, mean - half, mean + half]
}

/// One of the two models.
fn of(prompt: &Prompt, cheap: bool) -> (f64, f64) {
    if cheap { prompt.cheap } else { prompt.strong }
}
