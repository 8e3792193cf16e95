//! What a rollout remembers of its candidate and control.

use serde::{Deserialize, Serialize};

use super::{
    block::{Block, Matched},
    cell::{AT_TAU, Cell, Counts, GRID},
    ratio::Ratio,
    track::Track,
};

/// First place of the grid that latency is compared at.
pub(super) const LOWEST: usize = 4;

/// Column of the latency track with the order score.
pub(super) const ORDER: usize = 0;

/// The evidence of one rollout: a few kilobytes, whatever the traffic. Kept between ticks as JSON.
///
/// Every minute goes in once. A stage may bring another share and another τ: the differences stay comparable, since each is
/// taken within a block, and blocks do not reach across stages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    tau_ms: f64,
    watermark: Option<i64>,
    pub(super) totals: [Counts; 2],
    requests: Block,
    scored: Block,
    priced: Block,
    pub(super) errors: Track,
    pub(super) latency: Track,
    pub(super) quality: Track,
    pub(super) cost: Track,
    pub(super) ratio: Ratio,
    pub(super) stage: [Mark; 4],
    /// Control requests timed, and slower than τ, before this stage.
    before: [f64; 2],
    /// Candidate requests of stages before that never found a partner.
    dropped: f64,
}

/// Where a track stood when the stage began.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Mark {
    pub weight: f64,
    pub sums: Vec<f64>,
}

/// What became of the cells handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Absorbed {
    /// Cells that went in.
    pub cells: usize,
    /// Cells of minutes that were already counted, left out.
    pub late: usize,
    /// Cells with negative, infinite or contradicting numbers, left out.
    pub invalid: usize,
}

impl Ledger {
    /// An empty ledger. `share` of the requests go to the candidate; `tau_ms` is the control's 95th percentile of latency,
    /// known before: the latency that `slow` counts refer to. What is not a finite number counts as 0: a share of 0 or 1 is
    /// not tested, and with a τ of 0 every request is slow, which is never sound.
    #[must_use]
    pub fn new(share: f64, tau_ms: f64) -> Self {
        let mut ledger = Self {
            tau_ms: finite(tau_ms),
            watermark: None,
            totals: [Counts::default(); 2],
            requests: Block::default(),
            scored: Block::default(),
            priced: Block::default(),
            errors: Track::new(1),
            latency: Track::new(1 + GRID.len() - LOWEST),
            quality: Track::new(3),
            cost: Track::new(3),
            ratio: Ratio::new(finite(share)),
            stage: Default::default(),
            before: [0.0; 2],
            dropped: 0.0,
        };
        ledger.mark();
        ledger
    }

    /// The latency in milliseconds that slow requests are counted against.
    #[must_use]
    pub fn tau_ms(&self) -> f64 {
        self.tau_ms
    }

    /// The last minute that was counted.
    #[must_use]
    pub fn watermark(&self) -> Option<i64> {
        self.watermark
    }

    /// Totals of all requests seen, `[candidate, control]`; `slow` mixes the stages' τ.
    #[must_use]
    pub fn totals(&self) -> &[Counts; 2] {
        &self.totals
    }

    /// Another stage begins: what is under way is closed, the share is tested anew, slow requests are counted against the new τ.
    pub fn begin_stage(&mut self, share: f64, tau_ms: f64) {
        self.close_requests();
        self.close_scored();
        self.close_priced();
        self.dropped += self.requests.waiting();
        for block in [&mut self.requests, &mut self.scored, &mut self.priced] {
            block.clear();
        }
        self.ratio = Ratio::new(finite(share));
        self.tau_ms = finite(tau_ms);
        self.mark();
    }

    fn mark(&mut self) {
        let tracks = [&self.errors, &self.quality, &self.cost, &self.latency];
        self.stage = tracks.map(|track| Mark { weight: track.weight, sums: track.sums.clone() });
        self.before = self.control_tail();
    }

    fn control_tail(&self) -> [f64; 2] {
        [self.totals[1].timed, self.totals[1].slow[AT_TAU]]
    }

    /// Share of this stage's control requests slower than τ: near 0.05 while τ is their 95th percentile. Far off, latency is
    /// compared in the wrong part of the distribution, which is slow rather than wrong; [`Ledger::begin_stage`] with the same
    /// share and a newer τ mends it. `None` without requests.
    #[must_use]
    pub fn slower_than_tau(&self) -> Option<f64> {
        let [timed, slow] = self.control_tail();
        (timed > self.before[0]).then(|| (slow - self.before[1]) / (timed - self.before[0]))
    }

    /// Counts whole minutes, in any order; minutes up to the watermark are left out, so a repeated tick does no harm.
    pub fn absorb(&mut self, cells: &[Cell]) -> Absorbed {
        let mut absorbed = Absorbed::default();
        let mut fresh: Vec<&Cell> = Vec::with_capacity(cells.len());
        for cell in cells {
            if self.watermark.is_some_and(|watermark| cell.minute <= watermark) {
                absorbed.late += 1;
            } else if cell.counts.is_valid() {
                fresh.push(cell);
            } else {
                absorbed.invalid += 1;
            }
        }
        absorbed.cells = fresh.len();
        fresh.sort_by_key(|cell| (cell.minute, cell.stratum, cell.side));
        for minute in fresh.chunk_by(|one, next| one.minute == next.minute) {
            self.absorb_minute(minute);
        }
        absorbed
    }

    fn absorb_minute(&mut self, cells: &[&Cell]) {
        let mut requests = [0.0; 2];
        let mut minutes = 1;
        for Cell { minute, stratum, side, counts } in cells {
            minutes = self.watermark.map_or(1, |watermark| minute.saturating_sub(watermark).max(1));
            self.totals[side.index()].add(counts);
            requests[side.index()] += counts.served;
            self.requests.add(*minute, *stratum, *side, &request_row(counts));
            self.scored.add(*minute, *stratum, *side, &[counts.scored, counts.quality]);
            self.priced.add(*minute, *stratum, *side, &[counts.priced, counts.cost]);
        }
        self.ratio.add(minutes, requests);
        self.watermark = cells.first().map(|cell| cell.minute).or(self.watermark);
        if self.requests.is_full() {
            self.close_requests();
        }
        if self.scored.is_full() {
            self.close_scored();
        }
        if self.priced.is_full() {
            self.close_priced();
        }
    }

    fn close_requests(&mut self) {
        let errors = self.requests.matched(0, 1..2);
        let latency = self.requests.matched(2, 3..3 + self.latency.sums.len());
        let minutes = self.requests.close();
        push(&mut self.errors, minutes, &errors, &[errors.sums[0][0] - errors.sums[1][0]]);
        let [candidate, control] = &latency.sums;
        let reference = control[1 + AT_TAU - LOWEST];
        let mut sums: Vec<f64> = candidate.iter().map(|slower| slower - reference).collect();
        sums[ORDER] = candidate[ORDER] - control[ORDER];
        push(&mut self.latency, minutes, &latency, &sums);
    }

    fn close_scored(&mut self) {
        let matched = self.scored.matched(0, 1..2);
        push(&mut self.quality, self.scored.close(), &matched, &both(&matched));
    }

    fn close_priced(&mut self) {
        let matched = self.priced.matched(0, 1..2);
        push(&mut self.cost, self.priced.close(), &matched, &both(&matched));
    }

    /// Share of the candidate's requests that no control request of their kind is there to be compared with.
    #[must_use]
    pub fn unmatched(&self) -> f64 {
        let served = self.totals[0].served;
        if served > 0.0 { ((self.dropped + self.requests.waiting()) / served).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Served, errors, timed, order score, then slow requests from [`LOWEST`] on.
fn request_row(counts: &Counts) -> [f64; 4 + GRID.len() - LOWEST] {
    let mut row = [0.0; 4 + GRID.len() - LOWEST];
    row[..4].copy_from_slice(&[counts.served, counts.provider_errors, counts.timed, order_score(counts)]);
    row[4..].copy_from_slice(&counts.slow[LOWEST..]);
    row
}

/// Sum over requests of the share of the grid up to τ that they exceed: a rank in six steps, as in Wilcoxon's test.
fn order_score(counts: &Counts) -> f64 {
    counts.slow[..=AT_TAU].iter().sum::<f64>() / (AT_TAU + 1) as f64
}

fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

fn both(matched: &Matched) -> [f64; 3] {
    let [candidate, control] = [matched.sums[0][0], matched.sums[1][0]];
    [candidate, control, candidate - control]
}

fn push(track: &mut Track, minutes: i64, matched: &Matched, sums: &[f64]) {
    track.push(minutes, matched.weight, matched.sampling, matched.requests, sums);
}
