//! What a bandit loses against always choosing right: ours and published ones, on made-up arms whose truth is known.
//!
//! All policies of a suite see the same requests and the same potential rewards, seed by seed, so differences are paired.
//! Regret counts mean rewards, not drawn ones. UCB1 is the one to beat.

mod classic;
mod ours;
mod policy;
mod q_learning;
mod random;
mod suites;
mod thompson;

use serde_json::json;

use crate::table::{Table, rounded};
use optimizer::stats::tails::student;

use self::{
    policy::{BY_TICK, CAPPED, Make, PER_REQUEST, Q_LEARNING, UCB1, makers},
    suites::{Suite, World, suites},
};

/// Requests a run.
pub const HORIZON: usize = 10_000;
/// After so many requests the regret so far is reported.
pub const POINTS: [usize; 4] = [300, 1_000, 3_000, HORIZON];

/// Mean over seeds, with a 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// Regret of one policy in one suite after `at` requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub suite: &'static str,
    pub policy: &'static str,
    pub at: usize,
    pub regret: Estimate,
    /// Its regret minus that of UCB1 on the same seed: below 0 is better.
    pub against_ucb1: Estimate,
    /// Seconds all seeds took.
    pub seconds: f64,
}

/// All suites and policies with seeds `0..seeds`.
#[must_use]
pub fn run(seeds: u64) -> Vec<Line> {
    suites().iter().flat_map(|suite| of_suite(suite, seeds)).collect()
}

fn of_suite(suite: &Suite, seeds: u64) -> Vec<Line> {
    let worlds: Vec<World> = (0..seeds).map(|seed| suite.world(seed, HORIZON)).collect();
    let results: Vec<(&'static str, Vec<[f64; POINTS.len()]>, f64)> = makers(suite)
        .iter()
        .map(|(name, make)| {
            let begin = std::time::Instant::now();
            let curves =
                worlds.iter().enumerate().map(|(seed, world)| curve(suite, world, seed as u64, make)).collect();
            (*name, curves, begin.elapsed().as_secs_f64())
        })
        .collect();
    let reference = &results.iter().find(|(name, ..)| *name == UCB1).expect("the reference is among them").1;
    let mut lines = Vec::new();
    for (policy, curves, seconds) in &results {
        for (place, at) in POINTS.into_iter().enumerate() {
            let own: Vec<f64> = curves.iter().map(|curve| curve[place]).collect();
            let apart: Vec<f64> = curves.iter().zip(reference).map(|(one, two)| one[place] - two[place]).collect();
            let (regret, against_ucb1) = (estimate(&own), estimate(&apart));
            lines.push(Line { suite: suite.name, policy, at, regret, against_ucb1, seconds: *seconds });
        }
    }
    lines
}

/// Regret at the points of one run.
fn curve(suite: &Suite, world: &World, seed: u64, make: &Make) -> [f64; POINTS.len()] {
    let mut rng = random::stream(seed, 1);
    let mut policy = make(suite);
    let (mut lost, mut points, mut next) = (0.0, [0.0; POINTS.len()], 0);
    for (step, request) in world.requests.iter().enumerate() {
        let arm = policy.choose(request, &mut rng);
        policy.learn(request, arm, world.rewards[step * suite.arms + arm]);
        lost += suite.lost(step, request, arm);
        if step + 1 == POINTS[next] {
            points[next] = lost;
            next += 1;
        }
    }
    points
}

fn estimate(values: &[f64]) -> Estimate {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = student::upper_quantile(0.025, n - 1.0).map_or(0.0, |t| t * (variance / n).sqrt());
    Estimate { mean, low: mean - half, high: mean + half }
}

/// The whole table at the horizon, and the curves' earlier points beside it.
pub fn print(lines: &[Line]) {
    let mut suite = "";
    for line in lines.iter().filter(|line| line.at == HORIZON) {
        if line.suite != suite {
            suite = line.suite;
            println!("\n{suite}");
            println!(
                "  {:<36}{:>7}{:>8}{:>8}{:>9}  {:<19}{:>9}  95 % interval",
                "regret after", POINTS[0], POINTS[1], POINTS[2], POINTS[3], "95 % interval", "- UCB1"
            );
        }
        let curve = |at: usize| {
            let same = |other: &&Line| other.suite == line.suite && other.policy == line.policy && other.at == at;
            lines.iter().find(same).map_or(f64::NAN, |line| line.regret.mean)
        };
        let interval = |of: &Estimate| format!("{:.1} to {:.1}", of.low, of.high);
        println!(
            "  {:<36}{:>7.1}{:>8.1}{:>8.1}{:>9.1}  {:<19}{:>9.1}  {}",
            line.policy,
            curve(POINTS[0]),
            curve(POINTS[1]),
            curve(POINTS[2]),
            line.regret.mean,
            interval(&line.regret),
            line.against_ucb1.mean,
            interval(&line.against_ucb1),
        );
    }
}

/// One row a suite: ours beside UCB1, what the cap on traffic costs, and Q-learning.
pub fn summarize(lines: &[Line]) {
    let mut suites: Vec<&str> = lines.iter().map(|line| line.suite).collect();
    suites.dedup();
    println!(
        "\n{:<56}{:>8}{:>13}{:>9}{:>16}{:>11}{:>12}{:>10}",
        "regret after 10,000 requests",
        UCB1,
        "per request",
        "by tick",
        "≤ 5 points/day",
        "cap costs",
        Q_LEARNING[0].replace("learning, ", ""),
        Q_LEARNING[1].replace("learning, ", "")
    );
    for suite in suites {
        let of = |policy: &str| {
            let same = |line: &&Line| line.suite == suite && line.policy == policy && line.at == HORIZON;
            lines.iter().find(same).map_or(f64::NAN, |line| line.regret.mean)
        };
        println!(
            "{suite:<56}{:>8.1}{:>13.1}{:>9.1}{:>16.1}{:>+11.1}{:>12.1}{:>10.1}",
            of(UCB1),
            of(PER_REQUEST),
            of(BY_TICK),
            of(CAPPED),
            of(CAPPED) - of(BY_TICK),
            of(Q_LEARNING[0]),
            of(Q_LEARNING[1])
        );
    }
    let worse = |line: &&Line| line.at == HORIZON && line.policy.starts_with("OURS") && line.against_ucb1.high > 0.0;
    println!("\nnot surely better than UCB1:");
    for line in lines.iter().filter(worse) {
        let Estimate { mean, low, high } = line.against_ucb1;
        println!("  {:<56}{:<36}{mean:>+9.1}  {low:.1} to {high:.1}", line.suite, line.policy);
    }
}

/// The part `bandits`: curves and the summary, or one line of JSON a policy, suite and point of the curve.
pub fn of_regret(seeds: u64, as_json: bool) {
    let lines = run(seeds);
    if !as_json {
        print(&lines);
        return summarize(&lines);
    }
    let columns = ["suite", "policy", "after", "regret", "low", "high", "against_ucb1", "against_low", "against_high"];
    let mut table = Table::new("bandits", &columns);
    for line in &lines {
        let (own, against) = (&line.regret, &line.against_ucb1);
        let mut row = vec![json!(line.suite), json!(line.policy), json!(line.at)];
        row.extend(
            [own.mean, own.low, own.high, against.mean, against.low, against.high].map(|value| rounded(value, 2)),
        );
        table.push(row);
    }
    table.print(as_json);
}
