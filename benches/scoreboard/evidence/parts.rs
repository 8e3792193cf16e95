//! The tables.

use rayon::prelude::*;

use super::{
    counted::{found, percent, share},
    pool::Pool,
    rollout::{Course, Outcome, run},
    traffic::{Harm, NONE, Setting},
};

/// Harms looked for; the first is the one that the fixed test is compared on.
pub const HARMS: [Harm; 9] = [
    Harm { name: "p95 +20 %", latency: 1.2, ..NONE },
    Harm { name: "p95 +50 %", latency: 1.5, beyond: true, ..NONE },
    Harm { name: "errors +2", errors: 0.02, ..NONE },
    Harm { name: "errors +5", errors: 0.05, ..NONE },
    Harm { name: "errors +10", errors: 0.10, beyond: true, ..NONE },
    Harm { name: "quality -5 %", quality: 0.95, ..NONE },
    Harm { name: "quality -10 %", quality: 0.9, beyond: true, ..NONE },
    Harm { name: "cost x1.5", cost: 1.5, ..NONE },
    Harm { name: "cost x3", cost: 3.0, beyond: true, ..NONE },
];

/// A little better in everything.
const BETTER: Harm = Harm { name: "better", latency: 0.8, errors: -0.005, quality: 1.03, cost: 0.7, ..NONE };

/// Every measure exactly at its margin.
const AT_MARGIN: Harm = Harm { name: "margin", latency: 1.2, errors: 0.05, quality: 0.95, cost: 2.0, ..NONE };

#[derive(Debug, Clone, Copy)]
pub struct Scope {
    pub runs: u64,
    /// Autocorrelations of the shocks from minute to minute.
    pub memories: &'static [f64],
}

impl Scope {
    fn settings(self, harm: Harm) -> Vec<Setting> {
        let mut settings = Vec::new();
        for requests_per_minute in [20.0, 200.0] {
            for shared in [true, false] {
                for autocorrelation in self.memories.iter().copied() {
                    settings.push(Setting { requests_per_minute, autocorrelation, shared, harm });
                }
            }
        }
        settings
    }

    fn outcomes(self, pool: &Pool, setting: Setting, course: Course) -> Vec<Outcome> {
        (0..self.runs).into_par_iter().map(|seed| run(pool, setting, seed, course)).collect()
    }
}

fn cell(setting: &Setting) -> String {
    let shocks = if setting.shared { "shared" } else { "own   " };
    format!("{:4}/min {shocks} phi {:.1}", setting.requests_per_minute, setting.autocorrelation)
}

/// Candidates that are no different, or better: nothing should stop them.
pub fn unharmed(pool: &Pool, scope: Scope) {
    println!("\nNo harm: % of rollouts, in brackets the upper 95 % bound; rivals: rolled back");
    println!(
        "{:22} {:>14} {:>14} {:>14} {:>20} {:>11} {:>13} {:>7}",
        "", "rolled back", "signalled", "wrong share", "promoted: % h req.", "thresholds", "Mann-Whitney", "Welch"
    );
    for harm in [NONE, BETTER] {
        // A better one is only asked for at the longest memory.
        let last = &scope.memories[scope.memories.len() - 1..];
        let scope = Scope { memories: if harm == NONE { scope.memories } else { last }, ..scope };
        for setting in scope.settings(harm) {
            let outcomes = scope.outcomes(pool, setting, Course::Whole);
            let rival = |judge: usize| 100.0 * share(&outcomes, |outcome| outcome.rivals_back[judge].is_some()).0;
            println!(
                "{:22} {} {} {} {} {:11.1} {:13.1} {:7.1} {}",
                cell(&setting),
                percent(share(&outcomes, |outcome| outcome.rolled_back.is_some())),
                percent(share(&outcomes, |outcome| outcome.signal.is_some())),
                percent(share(&outcomes, |outcome| outcome.mismatch)),
                found(&outcomes, |outcome| outcome.promoted),
                rival(0),
                rival(1),
                rival(2),
                harm.name,
            );
        }
    }
}

/// Candidates exactly at every margin, held at the first step: neither verdict is right.
///
/// Promotion needs the measure's verdict to be sound at this step at some tick, so its share bounds that of bad promotions.
pub fn margin(pool: &Pool, scope: Scope) {
    println!(
        "\nAt the margin: % of rollouts whose measure is ever called sound, and ever breached, in two days at 5 %"
    );
    println!("{:22} {:^59} | {:^59}", "", "sound: errors, quality, cost, p95", "breached: errors, quality, cost, p95");
    for setting in scope.settings(AT_MARGIN) {
        let outcomes = scope.outcomes(pool, setting, Course::Held);
        let sound = [0, 1, 2, 3].map(|measure| percent(share(&outcomes, |outcome| outcome.sound[measure].is_some())));
        let back = [0, 1, 2, 3].map(|measure| percent(share(&outcomes, |outcome| outcome.breached[measure].is_some())));
        println!("{:22} {} | {}", cell(&setting), sound.join(" "), back.join(" "));
    }
}

/// How soon a harm is found, and by whom; and who ships it.
pub fn detection(pool: &Pool, scope: Scope) {
    println!("\nHarm: % found, median hours, median requests of the candidate; shipped: three ticks without alarm");
    println!(
        "{:36} {:^20} {:^20} {:^9} | {:^20} {:^20} {:^20} | shipped by them, %",
        "", "signal", "rollback", "promoted", "thresholds", "Mann-Whitney", "Welch"
    );
    for harm in HARMS {
        for setting in scope.settings(harm) {
            let outcomes = scope.outcomes(pool, setting, Course::UntilFound { breach: harm.beyond });
            let rivals = [0, 1, 2].map(|judge| found(&outcomes, |outcome| outcome.rivals_back[judge]));
            let shipped = [0, 1, 2]
                .map(|judge| format!("{:3.0}", 100.0 * share(&outcomes, |outcome| outcome.rivals_shipped[judge]).0));
            println!(
                "{:13} {:22} {} {} {:9.2} | {} | {}",
                harm.name,
                cell(&setting),
                found(&outcomes, |outcome| outcome.signal),
                found(&outcomes, |outcome| outcome.rolled_back),
                100.0 * share(&outcomes, |outcome| outcome.promoted.is_some()).0,
                rivals.join(" "),
                shipped.join(" "),
            );
        }
    }
}
