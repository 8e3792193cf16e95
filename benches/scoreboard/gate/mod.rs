//! How often the gate fails unchanged traffic, and which harm it sees; beside a t-test for each figure and fixed thresholds.
//!
//! ```text
//! make scoreboard PARTS=gate             # 2,000 splits of every set
//! make scoreboard PARTS='gate quick'     # few of everything
//! ```
//! All runs are those of the product, from requests in columns to the outcome, with the rules that hold where a policy says nothing.
//! Where a log has no latencies, tokens or other counts stand in for them; where it has no costs, tokens at one list price do.

mod a_a;
mod held_out;
mod in_sight;
mod ours;
mod power;
mod requests;
mod rivals;
mod sets;

use a_a::{Dealt, Trial};
use optimizer::domain::gate_rules::GateRules;
use sets::Set;

/// Numbers of slices, and how many rows each has to have on average.
const SLICES: [usize; 4] = [1, 5, 50, 500];
const ROWS_A_SLICE: usize = 4;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A minute.
    Quick,
    /// Under half an hour on two cores.
    Full,
}

/// The part `gate`: unchanged traffic by requests, by blocks and by answers, then harm.
pub fn print(effort: Effort, as_json: bool) {
    let rules = ours::rules();
    let sets = sets::all();
    let splits = |full: u32| if effort == Effort::Full { full } else { 20 };
    by_requests(&sets, splits(2_000), &rules).print(as_json);
    by_blocks(&sets, [1_000, 250].map(splits), &rules).print(as_json);
    let pairs = sets::answered_twice();
    let trial = |set, slices| Trial { set, dealt: Dealt::Answers, slices, splits: splits(2_000) };
    let trials: Vec<Trial<'_>> = pairs.iter().flat_map(|set| [1, 20].map(|slices| trial(set, slices))).collect();
    a_a::table("gate: unchanged traffic, one of two answers to either side", &trials, &rules).print(as_json);
    power::table(&power::pools(), if effort == Effort::Full { 1.0 } else { 0.05 }, &rules).print(as_json);
}

fn by_requests(sets: &[Set], splits: u32, rules: &GateRules) -> crate::table::Table {
    let enough = |set: &Set, slices: usize| set.rows.len() >= ROWS_A_SLICE * slices;
    let sliced = |set| SLICES.into_iter().filter(move |slices| enough(set, *slices)).map(move |slices| (set, slices));
    let trial = |(set, slices)| Trial { set, dealt: Dealt::Requests, slices, splits };
    let trials: Vec<Trial<'_>> = sets.iter().flat_map(sliced).map(trial).collect();
    a_a::table("gate: unchanged traffic, requests dealt one by one", &trials, rules)
}

fn by_blocks(sets: &[Set], splits: [u32; 2], rules: &GateRules) -> crate::table::Table {
    let mut trials = Vec::new();
    for set in sets {
        for blocks in &set.blocks {
            for (slices, splits) in [1, 50].into_iter().zip(splits) {
                if set.rows.len() >= ROWS_A_SLICE * slices {
                    trials.push(Trial { set, dealt: Dealt::Blocks(blocks), slices, splits });
                }
            }
        }
    }
    a_a::table("gate: unchanged traffic, dealt in blocks", &trials, rules)
}

/// A little of it: what is unchanged passes, and what is plainly worse does not.
pub fn alive() {
    let rules = ours::rules();
    let [pool, _] = power::pools();
    let found = |harm| power::found(&pool.1, harm, 2_000, 1, &rules);
    assert_eq!(found(power::Harm::None).ours, [0; 4], "unchanged traffic passes");
    assert_eq!(found(power::Harm::Errors(0.2)).ours, [1; 4], "twenty points more failures do not");
    let trial = |set| Trial { set, dealt: Dealt::Answers, slices: 20, splits: 2 };
    a_a::table("gate: alive", &sets::answered_twice().iter().map(trial).collect::<Vec<_>>(), &rules).print(false);
}
