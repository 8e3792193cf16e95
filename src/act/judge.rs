//! The evidence of a rollout: what it holds between ticks, and how it is read by the policy's limits.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        format,
        plan::Measure,
        policy::{Mode, RollbackLimits},
        verdict::{Judgement, Reading, SplitReading, Verdict},
    },
    stats::{
        evidence::{self, Cell, Guard, Guards, Lack, Ledger, Margins},
        tails::beta,
    },
};

/// What is kept of a rollout's traffic between ticks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub ledger: Ledger,
    /// Requests from then on count for the present step, in whole minutes since 1970.
    pub from_minute: i64,
    /// Requests that named a side, and that did not, since the step began.
    pub sided: f64,
    pub without_side: f64,
    /// Whether failures are known to be missing.
    pub failures_unseen: bool,
    /// Requests and failures of each side, candidate first, by minute: the newest hour, for critical limits.
    pub recent: BTreeMap<i64, [[f64; 2]; 2]>,
}

impl Evidence {
    /// Nothing yet. `share` in percent; `reference_ms` is the control's latency p95 before it began.
    #[must_use]
    pub fn new(share: u8, reference_ms: f64, now: Timestamp) -> Self {
        Self {
            ledger: Ledger::new(f64::from(share) / 100.0, reference_ms),
            from_minute: next_minute(now),
            sided: 0.0,
            without_side: 0.0,
            failures_unseen: false,
            recent: BTreeMap::new(),
        }
    }

    /// Another share begins now. What was seen goes on to count; what is on its way in between belongs to neither.
    #[must_use]
    pub fn at_step(mut self, share: u8, now: Timestamp) -> Self {
        let reference = self.ledger.tau_ms();
        self.ledger.begin_stage(f64::from(share) / 100.0, reference);
        Self { from_minute: next_minute(now), sided: 0.0, without_side: 0.0, ..self }
    }

    /// As if nothing had been seen.
    #[must_use]
    pub fn anew(&self, share: u8, now: Timestamp) -> Self {
        Self::new(share, self.ledger.tau_ms(), now)
    }

    /// Takes in what was seen since.
    pub fn absorb(&mut self, cells: &[Cell], without_side: f64, failures_unseen: bool) {
        self.ledger.absorb(cells);
        for cell in cells {
            self.sided += cell.counts.served;
            let [served, errors] = &mut self.recent.entry(cell.minute).or_default()[cell.side.index()];
            *served += cell.counts.served;
            *errors += cell.counts.provider_errors;
        }
        self.without_side += without_side;
        self.failures_unseen |= failures_unseen;
        if let Some(newest) = self.recent.keys().last() {
            self.recent = self.recent.split_off(&(newest - RECENT_MINUTES + 1));
        }
    }

    /// A limit that is crossed by so much that nobody waits for a comparison: over the newest minutes that hold enough requests of the
    /// candidate, and over the newest hour. Crossing it is not enough where chance does as much: so many failures must be out of the
    /// question at half the limit, and at the rate of the control. A control that is as bad takes the blame: going back would mend nothing.
    #[must_use]
    pub fn critical(&self, limits: &RollbackLimits) -> Option<String> {
        let least = limits.critical_min_requests as f64;
        let [_, control] = self.ledger.totals();
        let usual = (control.served >= least).then(|| control.provider_errors / control.served);
        let usual = usual.unwrap_or(0.0).max(0.5 * limits.critical_error_rate);
        let mut sum = [[0.0; 2]; 2];
        let mut windows = Vec::new();
        for minute in self.recent.values().rev() {
            let had_enough = sum[0][0] >= least;
            for (side, more) in sum.iter_mut().zip(minute) {
                side[0] += more[0];
                side[1] += more[1];
            }
            if !had_enough && sum[0][0] >= least {
                windows.push(sum);
            }
        }
        if sum[0][0] >= least {
            windows.push(sum);
        }
        let crossed = |[[served, errors], [beside, beside_errors]]: &[[f64; 2]; 2]| {
            let both = *beside >= least && beside_errors / beside > limits.critical_error_rate;
            errors / served > limits.critical_error_rate && !both && chance(*served, *errors, usual) < CRITICAL_CHANCE
        };
        let [[served, errors], _] = windows.iter().find(|window| crossed(window))?;
        Some(format!(
            "{} of the last {} requests failed, above the critical limit of {}",
            format::percent(errors / served),
            format::quantity(served.round()),
            format::percent(limits.critical_error_rate)
        ))
    }

    /// First minute that has not been counted.
    #[must_use]
    pub fn next_minute(&self) -> i64 {
        self.ledger.watermark().map_or(self.from_minute, |last| self.from_minute.max(last + 1))
    }
}

/// Minutes of which critical limits know.
const RECENT_MINUTES: i64 = 60;

/// Chance of so many failures that is as good as none: one look in a hundred thousand, a few hundred looks a rollout.
const CRITICAL_CHANCE: f64 = 1e-5;

/// Chance of at least so many failures at this rate: a binomial tail by the beta distribution.
fn chance(served: f64, errors: f64, rate: f64) -> f64 {
    beta::upper_tail((served - errors).max(0.0) + 1.0, errors.max(0.5), 1.0 - rate).unwrap_or(1.0)
}

fn next_minute(now: Timestamp) -> i64 {
    now.as_second().div_euclid(60) + 1
}

/// Reads the evidence by the limits of the policy. `critical` is what needs no proof; `share` in percent.
#[must_use]
pub fn judge(evidence: &Evidence, critical: Option<String>, limits: &RollbackLimits, share: u8) -> Judgement {
    let modes = limits.guards;
    let guard = |mode| match mode {
        Mode::Enforce => Guard::Enforce,
        Mode::Observe => Guard::Observe,
        Mode::Off => Guard::Off,
    };
    let guards = Guards {
        errors: guard(modes.errors),
        quality: guard(modes.quality),
        cost: guard(modes.cost),
        latency: guard(modes.latency),
    };
    let margins = Margins {
        quality_drop: limits.quality_drop_percent / 100.0,
        latency_increase: limits.latency_increase_percent / 100.0,
        error_points: limits.error_rate_increase_points / 100.0,
        cost_ratio: limits.cost_ratio,
    };
    let judged = evidence::judge(&evidence.ledger, &margins, &guards);
    let mut readings: Vec<Reading> = judged.readings.iter().map(reading).collect();
    if evidence.failures_unseen {
        // A log without failures has an error rate of zero, whatever happened.
        for reading in readings.iter_mut().filter(|reading| reading.measure == Measure::ErrorRate) {
            reading.verdict = Verdict::Error;
            reading.missing = Some("the source does not record failures".to_owned());
        }
    }
    let all = evidence.sided + evidence.without_side;
    let split = (share > 0 && share < 100).then(|| SplitReading {
        pushed: f64::from(share) / 100.0,
        seen: judged.ratio.seen,
        mismatch: judged.ratio.mismatch,
        interval: judged.ratio.interval,
        without_side: if all > 0.0 { evidence.without_side / all } else { 0.0 },
    });
    Judgement {
        verdict: verdict(&readings),
        readings,
        split,
        unmatched: judged.unmatched,
        critical: critical.into_iter().collect(),
    }
}

/// Of all measures that may hold and undo.
fn verdict(readings: &[Reading]) -> Verdict {
    let enforced = || readings.iter().filter(|reading| reading.mode == Mode::Enforce).map(|reading| reading.verdict);
    // The worst of them; without any there is nothing to judge by.
    [Verdict::Breached, Verdict::Error, Verdict::Inconclusive, Verdict::Sound]
        .into_iter()
        .find(|worst| enforced().any(|verdict| verdict == *worst))
        .unwrap_or(Verdict::Error)
}

/// In the words of the policy: what is worse is more for errors, latency and cost, and less for quality.
fn reading(read: &evidence::Reading) -> Reading {
    let evidence::Reading {
        measure,
        guard,
        verdict,
        signal,
        effect,
        margin,
        requests,
        requests_needed,
        design_effect,
        ..
    } = *read;
    let (measure, sign) = match measure {
        evidence::Measure::Errors => (Measure::ErrorRate, 1.0),
        evidence::Measure::Quality => (Measure::Quality, -1.0),
        evidence::Measure::Cost => (Measure::CostPerRequestUsd, 1.0),
        evidence::Measure::Latency => (Measure::LatencyP95Ms, 1.0),
    };
    // An effect of none, turned round, is none and not minus none.
    let turned = |value: Option<f64>| value.filter(|value| value.is_finite()).map(|value| sign * value + 0.0);
    let (low, high) = (turned(effect.low), turned(effect.high));
    let (low, high) = if sign < 0.0 { (high, low) } else { (low, high) };
    let (verdict, missing) = match verdict {
        evidence::Verdict::Sound => (Verdict::Sound, None),
        evidence::Verdict::Breached => (Verdict::Breached, None),
        evidence::Verdict::Inconclusive => (Verdict::Inconclusive, None),
        evidence::Verdict::Error(lack) => (Verdict::Error, Some(lacking(lack))),
    };
    Reading {
        measure,
        mode: match guard {
            Guard::Enforce => Mode::Enforce,
            Guard::Observe => Mode::Observe,
            Guard::Off => Mode::Off,
        },
        verdict,
        effect: turned(effect.point),
        low,
        high,
        margin: sign * margin,
        harm_shown: signal,
        candidate_requests: requests[0],
        control_requests: requests[1],
        still_needed: requests_needed,
        design_effect,
        missing,
    }
}

fn lacking(lack: Lack) -> String {
    match lack {
        Lack::NoCandidate => "the new configuration has served nothing that is known".to_owned(),
        Lack::NoSuccess => "a side has no successful request".to_owned(),
        Lack::NoControl => "the old configuration has served nothing beside it".to_owned(),
        Lack::NoMatch => "no kind of request was served by both".to_owned(),
        Lack::NoLatencies => "a side has no success with a latency".to_owned(),
        Lack::NoScores => "a side has no quality score".to_owned(),
        Lack::Unpriced(share) => format!("the cost of {} of a side's requests is unknown", format::percent(share)),
        Lack::FreeControl => "the old configuration costs nothing, so there is no ratio".to_owned(),
        Lack::WrongShare => "the traffic is not split as it was pushed".to_owned(),
        Lack::NothingEnforced => "the policy enforces no comparison".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decide::policy::{self, Source},
        stats::evidence::{Counts, Side},
    };

    fn cell(minute: i64, side: Side, served: f64, provider_errors: f64) -> Cell {
        let counts = Counts { served, provider_errors, succeeded: served - provider_errors, ..Counts::default() };
        Cell { minute, stratum: 1, side, counts }
    }

    fn said(cells: &[Cell]) -> Option<String> {
        let source = Source::profile("balanced").expect("it is built in");
        let rules = policy::parse(source, &|path: &str| Err(path.to_owned())).expect("it is sound").default;
        let mut evidence = Evidence::new(5, 1_000.0, Timestamp::UNIX_EPOCH);
        evidence.absorb(cells, 0.0, false);
        evidence.critical(&rules.rollback)
    }

    #[test]
    fn a_binomial_tail() {
        // scipy.stats.binom.sf(5, 50, 0.05) and sf(19, 50, 0.05)
        assert!((chance(50.0, 6.0, 0.05) - 0.037_776).abs() < 1e-5, "{}", chance(50.0, 6.0, 0.05));
        assert!((chance(50.0, 20.0, 0.05) / 1.042_623e-13 - 1.0).abs() < 1e-4, "{}", chance(50.0, 20.0, 0.05));
        assert!(chance(50.0, 0.0, 0.05) > 0.5);
    }

    #[test]
    fn what_breaks_now_is_seen_after_a_long_time_of_good() {
        let mut cells: Vec<Cell> = (0..50).map(|minute| cell(minute, Side::Candidate, 100.0, 1.0)).collect();
        assert_eq!(said(&cells), None);
        cells.push(cell(50, Side::Candidate, 100.0, 40.0));
        assert!(
            said(&cells).is_some_and(|said| said.starts_with("40 % of the last 100 requests")),
            "{:?}",
            said(&cells)
        );
        // Where the control fails as often, it is not the candidate's fault.
        cells.push(cell(50, Side::Control, 900.0, 360.0));
        assert_eq!(said(&cells), None);
    }

    #[test]
    fn chance_is_no_harm_and_few_are_no_sample() {
        assert_eq!(said(&[cell(1, Side::Candidate, 49.0, 49.0)]), None);
        assert_eq!(said(&[cell(1, Side::Candidate, 50.0, 7.0)]), None, "14 %, which 5 % does every hundredth time");
        assert!(said(&[cell(1, Side::Candidate, 50.0, 20.0)]).is_some());
        // A service that fails often is used to it.
        let often = [cell(1, Side::Control, 5_000.0, 450.0), cell(1, Side::Candidate, 200.0, 24.0)];
        assert_eq!(said(&often), None);
        assert!(said(&[cell(1, Side::Candidate, 200.0, 40.0)]).is_some());
    }
}
