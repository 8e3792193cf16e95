//! The verdict on a candidate.

use super::{
    cell::Counts,
    ledger::Ledger,
    measure::Measure,
    reading::{Effect, Margins, harm_is_shown},
    variance::MIN_BLOCKS,
    verdict::{Detail, Guard, Guards, Judgement, Lack, Reading, Verdict},
};

/// Probability, over the whole rollout and all enforced measures, of undoing a candidate whose harm is within every margin.
pub const ROLLBACK_ALPHA: f64 = 0.01;

/// Nominal probability, over the whole rollout, of calling a candidate sound whose harm is beyond a margin. Half of the 0.5 %
/// that is promised: tails under slow shocks are skewed, which few blocks do not average out.
pub const PROMOTE_ALPHA: f64 = 0.0025;

/// Probability, over the whole rollout and all measures, of signalling a candidate that does no harm.
pub const SIGNAL_ALPHA: f64 = 0.05;

/// Questions that can signal: one a measure and a second for latency.
const SIGNALS: f64 = 5.0;

/// Share of successes without a known cost from which on the cost is unknown.
pub const UNPRICED_TOLERANCE: f64 = 0.01;

/// Judges the candidate by all it has shown since the rollout began.
///
/// *Breached*: the lower bound of an enforced measure's harm lies beyond its margin, each at an equal part of
/// [`ROLLBACK_ALPHA`]. *Sound*: the upper bound of every enforced measure's harm lies inside its margin, each at
/// [`PROMOTE_ALPHA`] (an intersection–union test: Berger, Technometrics 24, 1982, doi:10.2307/1267823), and so does the mean
/// of the present stage. The bounds hold at every look together, see [`super::bound::radius`]; they assume that shocks are
/// forgotten within hours, that sums over blocks of ten requests and more are near normal, and that costs have a variance.
#[must_use]
pub fn judge(ledger: &Ledger, margins: &Margins, guards: &Guards) -> Judgement {
    judge_with(ledger, margins, guards, Detail::Full)
}

/// As [`judge`], with as many numbers as asked for.
#[must_use]
pub fn judge_with(ledger: &Ledger, margins: &Margins, guards: &Guards, detail: Detail) -> Judgement {
    let enforced = Measure::ALL.iter().filter(|measure| guards.of(**measure) == Guard::Enforce).count();
    let below = ROLLBACK_ALPHA / enforced.max(1) as f64;
    let looked_at = Measure::ALL.into_iter().filter(|measure| guards.of(*measure) != Guard::Off);
    let readings: Vec<Reading> =
        looked_at.map(|measure| read(ledger, measure, margins, guards.of(measure), below, detail)).collect();
    let ratio = ledger.ratio.read();
    let enforced = || readings.iter().filter(|reading| reading.guard == Guard::Enforce);
    let lack = enforced().find_map(|reading| match reading.verdict {
        Verdict::Error(lack) => Some(lack),
        Verdict::Sound | Verdict::Breached | Verdict::Inconclusive => None,
    });
    let verdict = if enforced().any(|reading| reading.verdict == Verdict::Breached) {
        Verdict::Breached
    } else if enforced().next().is_none() {
        Verdict::Error(Lack::NothingEnforced)
    } else if ratio.mismatch {
        Verdict::Error(Lack::WrongShare)
    } else if let Some(lack) = lack {
        Verdict::Error(lack)
    } else if enforced().all(|reading| reading.verdict == Verdict::Sound) {
        Verdict::Sound
    } else {
        Verdict::Inconclusive
    };
    Judgement {
        verdict,
        signal: enforced().any(|reading| reading.signal),
        unmatched: ledger.unmatched(),
        ratio,
        readings,
    }
}

fn read(ledger: &Ledger, measure: Measure, margins: &Margins, guard: Guard, below: f64, detail: Detail) -> Reading {
    let track = measure.track(ledger);
    let mut reading = Reading {
        measure,
        guard,
        verdict: Verdict::Inconclusive,
        signal: harm_is_shown(ledger, measure, SIGNAL_ALPHA / SIGNALS),
        effect: if detail == Detail::Full {
            Effect::of(ledger, measure, margins, below, PROMOTE_ALPHA)
        } else {
            Effect::UNKNOWN
        },
        margin: margins.of(measure),
        blocks: track.blocks as u64,
        requests: track.requests,
        requests_needed: None,
        design_effect: None,
    };
    if let Some(lack) = lack(ledger, measure) {
        reading.verdict = Verdict::Error(lack);
        return reading;
    }
    let question = margins.question(measure);
    if measure == Measure::Cost && both_free(ledger) {
        // No ratio, and no harm either.
        reading.verdict = if track.blocks >= MIN_BLOCKS { Verdict::Sound } else { Verdict::Inconclusive };
        return reading;
    }
    let Some(sum) = question.sum(ledger) else { return reading };
    reading.design_effect = Some(question.design_effect(ledger, &sum));
    let [low, high] = sum.interval(below, PROMOTE_ALPHA);
    if low > 0.0 {
        reading.verdict = Verdict::Breached;
    } else if high < 0.0 && question.in_stage(ledger).is_some_and(|harm| harm < 0.0) {
        reading.verdict = Verdict::Sound;
    } else {
        let mean = sum.value / sum.weight;
        let weight = sum.weight_needed(if mean > 0.0 { below } else { PROMOTE_ALPHA });
        reading.requests_needed = weight.map(|weight| (weight / sum.weight - 1.0).max(0.0) * track.requests[0]);
    }
    reading
}

/// What is missing to read a measure, if anything.
fn lack(ledger: &Ledger, measure: Measure) -> Option<Lack> {
    let sides = ledger.totals();
    let [candidate, control] = sides;
    if candidate.served <= 0.0 {
        return Some(Lack::NoCandidate);
    }
    if control.served <= 0.0 {
        return Some(Lack::NoControl);
    }
    if measure != Measure::Errors && sides.iter().any(|side| side.succeeded <= 0.0) {
        return Some(Lack::NoSuccess);
    }
    let any = |is: fn(&Counts) -> bool| sides.iter().any(is);
    let unpriced = sides.iter().map(|side| 1.0 - side.priced / side.succeeded).fold(0.0, f64::max);
    match measure {
        Measure::Latency if any(|side| side.timed <= 0.0) => Some(Lack::NoLatencies),
        Measure::Quality if any(|side| side.scored <= 0.0) => Some(Lack::NoScores),
        Measure::Cost if unpriced > UNPRICED_TOLERANCE => Some(Lack::Unpriced(unpriced)),
        Measure::Cost if control.cost <= 0.0 && candidate.cost > 0.0 => Some(Lack::FreeControl),
        Measure::Errors | Measure::Quality | Measure::Cost | Measure::Latency => {
            (ledger.unmatched() >= 1.0).then_some(Lack::NoMatch)
        }
    }
}

fn both_free(ledger: &Ledger) -> bool {
    ledger.totals().iter().all(|side| side.cost <= 0.0)
}
