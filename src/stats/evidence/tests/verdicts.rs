//! Whole ledgers, from cells to verdicts.

use super::super::*;

/// Deterministic draws from `0..1` (a linear congruential generator, MMIX's constants).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// One side's requests.
#[derive(Clone, Copy)]
struct Arm {
    error_rate: f64,
    /// Latencies are τ/3 times an exponential variable to the power 1/2 times this.
    pace: f64,
    right: f64,
    cost: f64,
}

const FINE: Arm = Arm { error_rate: 0.01, pace: 1.0, right: 0.9, cost: 0.01 };

fn counts(draws: &mut Draws, arm: Arm, requests: u32) -> Counts {
    let mut counts = Counts { served: f64::from(requests), ..Counts::default() };
    for _ in 0..requests {
        if draws.next() < arm.error_rate {
            counts.provider_errors += 1.0;
            continue;
        }
        counts.succeeded += 1.0;
        counts.timed += 1.0;
        // P(latency > τ) = exp(−3) ≈ 0.05 at pace 1.
        let latency = arm.pace * (-(1.0 - draws.next()).ln() / 3.0).sqrt();
        for (slow, edge) in counts.slow.iter_mut().zip(GRID) {
            *slow += f64::from(latency > edge);
        }
        let score = f64::from(draws.next() < arm.right);
        counts.scored += 1.0;
        counts.quality += score;
        counts.quality_squares += score;
        let cost = arm.cost * (0.5 + draws.next());
        counts.priced += 1.0;
        counts.cost += cost;
        counts.cost_squares += cost * cost;
    }
    counts
}

fn minutes(seed: u64, range: std::ops::Range<i64>, candidate: Arm, requests: [u32; 2]) -> Vec<Cell> {
    let mut draws = Draws(seed);
    let mut cells = Vec::new();
    for minute in range {
        for stratum in 0..2 {
            for (side, arm, requests) in [(Side::Candidate, candidate, requests[0]), (Side::Control, FINE, requests[1])]
            {
                cells.push(Cell { minute, stratum, side, counts: counts(&mut draws, arm, requests) });
            }
        }
    }
    cells
}

fn judged(candidate: Arm, length: i64) -> Judgement {
    let mut ledger = Ledger::new(0.1, 1000.0);
    ledger.absorb(&minutes(7, 0..length, candidate, [5, 45]));
    judge(&ledger, &Margins::default(), &Guards::default())
}

fn reading(judgement: &Judgement, measure: Measure) -> Reading {
    *judgement.readings.iter().find(|reading| reading.measure == measure).unwrap()
}

#[test]
fn a_candidate_like_its_control_becomes_sound() {
    let early = judged(FINE, 15);
    assert_eq!(early.verdict, Verdict::Inconclusive);
    assert!(reading(&early, Measure::Quality).requests_needed.unwrap() > 100.0);
    let late = judged(FINE, 600);
    assert_eq!(late.verdict, Verdict::Sound, "{late:#?}");
    assert!(!late.signal && !late.ratio.mismatch);
    for reading in &late.readings {
        let Effect { point, low, high } = reading.effect;
        assert!(low.unwrap() < point.unwrap() && point.unwrap() < high.unwrap(), "{reading:?}");
        assert!(high.unwrap() < reading.margin, "{reading:?}");
    }
}

#[test]
fn each_harm_is_found_by_its_measure() {
    let harms = [
        (Measure::Errors, Arm { error_rate: 0.16, ..FINE }),
        (Measure::Quality, Arm { right: 0.72, ..FINE }),
        (Measure::Cost, Arm { cost: 0.03, ..FINE }),
        (Measure::Latency, Arm { pace: 1.8, ..FINE }),
    ];
    for (measure, arm) in harms {
        let judgement = judged(arm, 240);
        assert_eq!(judgement.verdict, Verdict::Breached, "{measure:?}");
        assert!(judgement.signal);
        for reading in &judgement.readings {
            assert_eq!(reading.verdict == Verdict::Breached, reading.measure == measure, "{reading:?}");
        }
        let found = reading(&judgement, measure);
        assert!(found.effect.low.unwrap() > found.margin, "{found:?}");
    }
}

#[test]
fn failures_that_nobody_expects_count_at_once() {
    let signalled = |candidate: Arm, length: i64| reading(&judged(candidate, length), Measure::Errors).signal;
    // Ten requests a minute: every tenth fails, where one in a hundred did.
    assert!(!signalled(Arm { error_rate: 0.1, ..FINE }, 4), "too few blocks");
    assert!(signalled(Arm { error_rate: 0.1, ..FINE }, 20));
    assert!(!signalled(FINE, 20));
}

#[test]
fn the_effect_is_in_the_policy_s_unit() {
    let judgement = judged(Arm { error_rate: 0.06, pace: 1.25, right: 0.81, cost: 0.015 }, 2000);
    for (measure, truth, tolerance) in [
        (Measure::Errors, 0.05, 0.01),
        (Measure::Quality, 0.1, 0.02),
        (Measure::Cost, 0.5, 0.02),
        (Measure::Latency, 0.25, 0.05),
    ] {
        let Effect { point, low, high } = reading(&judgement, measure).effect;
        assert!((point.unwrap() - truth).abs() < tolerance, "{measure:?} {point:?}");
        assert!((low.unwrap()..high.unwrap()).contains(&truth), "{measure:?} {low:?} {high:?}");
    }
}

#[test]
fn observed_measures_decide_nothing_and_none_enforced_is_an_error() {
    let mut ledger = Ledger::new(0.1, 1000.0);
    ledger.absorb(&minutes(7, 0..600, Arm { cost: 0.05, ..FINE }, [5, 45]));
    let guards = Guards { cost: Guard::Observe, ..Guards::default() };
    let judgement = judge(&ledger, &Margins::default(), &guards);
    assert_eq!(judgement.verdict, Verdict::Sound);
    assert_eq!(reading(&judgement, Measure::Cost).verdict, Verdict::Breached);
    assert!(!judgement.signal);
    let off = Guards { errors: Guard::Off, quality: Guard::Off, cost: Guard::Off, latency: Guard::Off };
    assert_eq!(judge(&ledger, &Margins::default(), &off).verdict, Verdict::Error(Lack::NothingEnforced));
}

#[test]
fn missing_data_is_named() {
    let verdict = |ledger: &Ledger| judge(ledger, &Margins::default(), &Guards::default()).verdict;
    let mut ledger = Ledger::new(0.1, 1000.0);
    assert_eq!(verdict(&ledger), Verdict::Error(Lack::NoCandidate));
    ledger.absorb(&minutes(1, 0..9, FINE, [5, 0]));
    assert_eq!(verdict(&ledger), Verdict::Error(Lack::NoControl));

    let without = |change: fn(&mut Cell)| {
        let mut cells = minutes(1, 0..600, FINE, [5, 45]);
        cells.iter_mut().for_each(change);
        let mut ledger = Ledger::new(0.1, 1000.0);
        ledger.absorb(&cells);
        verdict(&ledger)
    };
    assert_eq!(without(|_| ()), Verdict::Sound);
    assert_eq!(
        without(|cell| cell.counts = Counts { scored: 0.0, quality: 0.0, quality_squares: 0.0, ..cell.counts }),
        Verdict::Error(Lack::NoScores)
    );
    assert_eq!(
        without(|cell| cell.counts = Counts { timed: 0.0, slow: [0.0; GRID.len()], ..cell.counts }),
        Verdict::Error(Lack::NoLatencies)
    );
    assert!(
        matches!(without(|cell| cell.counts.priced *= 0.98), Verdict::Error(Lack::Unpriced(share)) if share > 0.019)
    );
    assert_eq!(
        without(|cell| cell.stratum = if cell.side == Side::Candidate { 5 } else { 6 }),
        Verdict::Error(Lack::NoMatch)
    );
    assert_eq!(
        without(|cell| {
            if cell.side == Side::Control {
                cell.counts.cost = 0.0;
                cell.counts.cost_squares = 0.0;
            }
        }),
        Verdict::Error(Lack::FreeControl)
    );
    assert_eq!(
        without(|cell| {
            cell.counts.cost = 0.0;
            cell.counts.cost_squares = 0.0;
        }),
        Verdict::Sound,
        "free on both sides"
    );
}

#[test]
fn constants_become_sound_and_never_certain_at_once() {
    // Every request costs the same, scores 0.7, takes τ/2, and none fails.
    let mut ledger = Ledger::new(0.5, 1000.0);
    let mut first_sound = None;
    for minute in 0..600 {
        let cells = [Side::Candidate, Side::Control].map(|side| {
            let mut slow = [0.0; GRID.len()];
            slow[..3].fill(10.0);
            let counts = Counts {
                served: 10.0,
                provider_errors: 0.0,
                succeeded: 10.0,
                timed: 10.0,
                slow,
                scored: 10.0,
                quality: 7.0,
                quality_squares: 4.9,
                priced: 10.0,
                cost: 0.1,
                cost_squares: 0.001,
            };
            Cell { minute, stratum: 0, side, counts }
        });
        ledger.absorb(&cells);
        if judge(&ledger, &Margins::default(), &Guards::default()).verdict == Verdict::Sound {
            first_sound.get_or_insert(minute);
        }
    }
    // Zero errors in n requests leave a rate of 5 % possible until n is in the hundreds. No tail is ever seen, so none is compared.
    assert_eq!(first_sound, None, "a latency never near τ says nothing of the tail");
    let judgement = judge(&ledger, &Margins::default(), &Guards::default());
    for measure in [Measure::Errors, Measure::Quality, Measure::Cost] {
        assert_eq!(reading(&judgement, measure).verdict, Verdict::Sound, "{measure:?}");
    }
}
