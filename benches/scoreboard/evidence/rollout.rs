//! One rollout from 5 to 100 percent, judged every quarter of an hour for two days.

use optimizer::stats::evidence::{Detail, Guards, Judgement, Ledger, Margins, Verdict, judge_with};

use super::{
    pool::Pool,
    rivals::{NAMES, Rivals},
    traffic::{Raw, Setting, Traffic},
};

const STEPS: [f64; 3] = [0.05, 0.25, 0.5];
const TICKS: usize = 2 * 96;
pub const MINUTES: usize = 15;

/// What becomes of the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It is promoted, or undone, or two days pass.
    Whole,
    /// As above, and after the end of the rollout the others judge on, until each has seen the harm.
    UntilFound { breach: bool },
    /// It stays at its first step for two days; the rivals are not asked.
    Held,
}

/// Tick and the candidate's requests by then.
pub type When = Option<(usize, f64)>;

/// First time of everything that can happen.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub signal: When,
    pub rolled_back: When,
    pub promoted: When,
    pub mismatch: bool,
    pub rivals_back: [When; NAMES.len()],
    pub rivals_shipped: [bool; NAMES.len()],
    /// Per measure.
    pub sound: [When; 4],
    pub breached: [When; 4],
    pub signalled: [When; 4],
}

impl Outcome {
    fn note(&mut self, judgement: &Judgement, now: When) {
        self.mismatch |= judgement.ratio.mismatch;
        let first = |when: &mut When, is: bool| {
            if is && when.is_none() {
                *when = now;
            }
        };
        for reading in &judgement.readings {
            let measure = reading.measure as usize;
            first(&mut self.sound[measure], reading.verdict == Verdict::Sound);
            first(&mut self.breached[measure], reading.verdict == Verdict::Breached);
            first(&mut self.signalled[measure], reading.signal);
        }
        first(&mut self.signal, judgement.signal);
        first(&mut self.rolled_back, judgement.verdict == Verdict::Breached);
    }
}

/// Runs one rollout. A signal holds it where it is, a verdict moves it, at most one step a tick.
pub fn run(pool: &Pool, setting: Setting, seed: u64, course: Course) -> Outcome {
    let mut traffic = Traffic::new(pool, setting, seed);
    let tau = pool.ln_tau.exp();
    let mut ledger = Ledger::new(STEPS[0], tau);
    let mut rivals = Rivals::new();
    let mut outcome = Outcome::default();
    let mut stage = 0;
    let mut cells = Vec::new();
    for tick in 1..=TICKS {
        cells.clear();
        let mut fresh = [Raw::empty(), Raw::empty()];
        for _ in 0..MINUTES {
            traffic.minute(STEPS[stage], &mut cells, &mut fresh);
        }
        if course != Course::Held && !rivals.decided() {
            rivals.look(tick, &fresh);
        }
        ledger.absorb(&cells);
        let judgement = judge_with(&ledger, &Margins::default(), &Guards::default(), Detail::Verdicts);
        let now = Some((tick, ledger.totals()[0].served));
        outcome.note(&judgement, now);
        let ended = match course {
            Course::Held => false,
            Course::Whole => outcome.rolled_back.is_some(),
            Course::UntilFound { breach } => {
                rivals.decided() && outcome.signal.is_some() && (outcome.rolled_back.is_some() || !breach)
            }
        };
        if ended {
            break;
        }
        let goes_on = outcome.rolled_back.is_none() && course != Course::Held;
        if goes_on && judgement.verdict == Verdict::Sound && !judgement.signal {
            stage += 1;
            if stage == STEPS.len() {
                outcome.promoted = now;
                break;
            }
            ledger.begin_stage(STEPS[stage], tau);
        }
    }
    outcome.rivals_back = rivals.back;
    outcome.rivals_shipped = rivals.shipped;
    outcome
}
