//! The values of one figure, for some requests of a side.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use rayon::slice::ParallelSliceMut as _;

use super::slices::Part;
use crate::{
    domain::gate::GateMetric,
    stats::{
        compare::UNPRICED_TOLERANCE,
        gate::{RequestKind, Requests},
    },
};

/// Classes of failures that are looked at apart, of each side the most frequent.
const MOST_CLASSES: usize = 10;

/// A figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figure {
    pub metric: GateMetric,
    /// Of errors: the numbers of the class on both sides, and its name.
    pub class: Option<([Option<u32>; 2], String)>,
}

impl Figure {
    /// Those that a part is asked about. Of quantiles of one measure, the first stands for all.
    pub(super) fn all(baseline: &Requests, candidate: &Requests, part: &Part) -> Vec<Self> {
        let plain = |metric| Self { metric, class: None };
        let mut figures: Vec<Self> = [
            GateMetric::LatencyP50Ms,
            GateMetric::TtftP50Ms,
            GateMetric::ErrorRate,
            GateMetric::CostPerRequestUsd,
            GateMetric::CostPer1kTokensUsd,
            GateMetric::InputTokens,
            GateMetric::OutputTokens,
            GateMetric::Quality,
            GateMetric::QualityCoverage,
        ]
        .map(plain)
        .into();
        // Classes are looked at over all requests only.
        if part.rows[0].is_none() {
            let sides = [baseline, candidate];
            let names = sides.iter().flat_map(|side| side.classes.iter().take(MOST_CLASSES));
            let names: std::collections::BTreeSet<&String> = names.collect();
            figures.extend(names.into_iter().map(|name| {
                let number = |side: &Requests| side.classes.iter().position(|known| known == name).map(|at| at as u32);
                Self { metric: GateMetric::ErrorRate, class: Some((sides.map(number), name.clone())) }
            }));
        }
        figures
    }

    /// The quantiles of it, where it has any.
    pub(super) fn quantiles(&self) -> &'static [(GateMetric, f64)] {
        match self.metric {
            GateMetric::LatencyP50Ms => {
                &[(GateMetric::LatencyP50Ms, 0.5), (GateMetric::LatencyP95Ms, 0.95), (GateMetric::LatencyP99Ms, 0.99)]
            }
            GateMetric::TtftP50Ms => &[(GateMetric::TtftP50Ms, 0.5), (GateMetric::TtftP95Ms, 0.95)],
            _ => &[],
        }
    }

    pub(super) fn is_cost(&self) -> bool {
        matches!(self.metric, GateMetric::CostPerRequestUsd | GateMetric::CostPer1kTokensUsd)
    }

    /// Whether it follows from the request alone, so that what differs on the same request differs.
    pub(super) fn deterministic(&self) -> bool {
        self.is_cost() || matches!(self.metric, GateMetric::InputTokens | GateMetric::OutputTokens)
    }
}

/// The columns of one figure.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub values: Vec<f64>,
    /// Empty where each request counts for one.
    pub denominators: Vec<f64>,
    pub units: Vec<u32>,
    pub strata: Vec<u32>,
    /// Empty where all are alike.
    pub weights: Vec<f64>,
}

/// One side, with what its figures are taken from.
#[derive(Debug)]
pub(super) struct Side<'a> {
    requests: Cow<'a, Requests>,
    units: Cow<'a, [u32]>,
    strata: Vec<u32>,
    /// The same without the length, by number of a slice: failures are often logged without tokens, and would be a kind of their own in
    /// which everything fails, on both sides.
    strata_of_slices: Cow<'a, [u32]>,
    even: bool,
    unpriced: bool,
    /// Rows in the order of latency, and of time to first token: samples in order need not be sorted again. None of a part.
    by_latency: Option<Vec<u32>>,
    by_ttft: Option<Vec<u32>>,
}

impl<'a> Side<'a> {
    pub(super) fn both(sides: [&'a Requests; 2], units: &'a [Vec<u32>; 2]) -> [Self; 2] {
        // Numbers instead of hashes: they are looked up for every figure.
        let mut known: Vec<u64> = sides.iter().flat_map(|side| side.stratum.iter().copied()).collect();
        known.sort_unstable();
        known.dedup();
        let slices: BTreeSet<&[Option<String>; 4]> = sides.iter().flat_map(|side| &side.slices).collect();
        let of_slice: HashMap<&[Option<String>; 4], u32> = slices.into_iter().zip(0..).collect();
        let side = |side: usize| {
            let number = |hash: &u64| known.binary_search(hash).expect("all are known") as u32;
            let strata = sides[side].stratum.iter().map(number).collect();
            let strata_of_slices = sides[side].slices.iter().map(|names| of_slice[names]).collect();
            Self::of(sides[side], &units[side], strata, strata_of_slices)
        };
        let (baseline, candidate) = rayon::join(|| side(0), || side(1));
        [baseline, candidate]
    }

    fn of(requests: &'a Requests, units: &'a [u32], strata: Vec<u32>, strata_of_slices: Vec<u32>) -> Self {
        let sorted = |column: &[f64]| {
            // With their values beside them, which would else be fetched from everywhere.
            let known = (0_u32..).zip(column).filter(|(_, value)| !value.is_nan());
            let mut rows: Vec<(f64, u32)> = known.map(|(row, value)| (*value, row)).collect();
            rows.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            Some(rows.into_iter().map(|(_, row)| row).collect())
        };
        let first = requests.weight.first().copied().unwrap_or(1.0);
        Self {
            requests: Cow::Borrowed(requests),
            units: Cow::Borrowed(units),
            strata,
            strata_of_slices: Cow::Owned(strata_of_slices),
            even: requests.weight.iter().all(|weight| (weight - first).abs() < f64::EPSILON),
            unpriced: is_unpriced(requests),
            by_latency: sorted(&requests.latency_ms),
            by_ttft: sorted(&requests.ttft_ms),
        }
    }

    /// Some rows of it, side by side: every figure reads them once more.
    pub(super) fn part(&self, rows: &[u32]) -> Side<'_> {
        fn of<T: Copy>(column: &[T], rows: &[u32]) -> Vec<T> {
            if column.is_empty() { Vec::new() } else { rows.iter().map(|row| column[*row as usize]).collect() }
        }
        let all = &self.requests;
        let requests = Requests {
            slice: of(&all.slice, rows),
            kind: of(&all.kind, rows),
            class: of(&all.class, rows),
            weight: of(&all.weight, rows),
            latency_ms: of(&all.latency_ms, rows),
            ttft_ms: of(&all.ttft_ms, rows),
            input_tokens: of(&all.input_tokens, rows),
            output_tokens: of(&all.output_tokens, rows),
            cost_usd: of(&all.cost_usd, rows),
            quality: of(&all.quality, rows),
            ..Requests::default()
        };
        Side {
            requests: Cow::Owned(requests),
            units: Cow::Owned(of(&self.units, rows)),
            strata: of(&self.strata, rows),
            strata_of_slices: Cow::Borrowed(&self.strata_of_slices),
            even: self.even,
            unpriced: self.unpriced,
            by_latency: None,
            by_ttft: None,
        }
    }

    /// What was asked for, a row each: of requests whose length is known, where any is. A failure that leaves no length behind was no
    /// other request for that.
    pub(super) fn kinds(&self) -> Column {
        let lengths = &self.requests.input_tokens;
        let some = lengths.iter().any(|tokens| !tokens.is_nan());
        let rows = || (0..lengths.len()).filter(|row| !some || !lengths[*row].is_nan());
        let units = if self.units.is_empty() { Vec::new() } else { rows().map(|row| self.units[row]).collect() };
        let strata = rows().map(|row| self.strata[row]).collect();
        Column { values: vec![1.0; rows().count()], units, strata, ..Column::default() }
    }

    /// What kinds of requests are called.
    pub(super) fn names_of_strata(&self) -> impl Iterator<Item = (u32, String)> {
        let mut names: BTreeMap<u32, String> = BTreeMap::new();
        for (row, stratum) in self.strata.iter().enumerate() {
            names.entry(*stratum).or_insert_with(|| {
                let known = &self.requests.slices[self.requests.slice[row] as usize];
                let parts: Vec<&str> = known.iter().flatten().map(String::as_str).collect();
                let tokens = self.requests.input_tokens[row];
                let length = if tokens.is_nan() { String::new() } else { length(tokens) };
                format!("{}{length}", parts.join(", "))
            });
        }
        names.into_iter()
    }

    /// The values of a figure.
    pub(super) fn column(&self, figure: &Figure, side: usize) -> Column {
        let rows = self.requests.len();
        let room = |needed: bool| Vec::with_capacity(if needed { rows } else { 0 });
        let mut column = Column {
            values: Vec::with_capacity(rows),
            denominators: Vec::new(),
            units: room(!self.units.is_empty()),
            strata: room(true),
            weights: Vec::new(),
        };
        let mut add = |row: u32| {
            let at = row as usize;
            let Some((value, denominator)) = self.value(figure, at, side) else { return };
            column.values.push(value);
            if figure.metric == GateMetric::CostPer1kTokensUsd {
                column.denominators.push(denominator);
            }
            if !self.units.is_empty() {
                column.units.push(self.units[at]);
            }
            column.strata.push(match figure.metric {
                GateMetric::ErrorRate => self.strata_of_slices[self.requests.slice[at] as usize],
                _ => self.strata[at],
            });
            if !self.even {
                column.weights.push(self.requests.weight[at]);
            }
        };
        let ordered = match figure.metric {
            GateMetric::LatencyP50Ms => Some(&self.by_latency),
            GateMetric::TtftP50Ms => Some(&self.by_ttft),
            _ => None,
        };
        match ordered.and_then(Option::as_ref) {
            Some(ordered) => ordered.iter().copied().for_each(&mut add),
            None => (0..rows as u32).for_each(&mut add),
        }
        column
    }

    /// The value of one request, and what it is divided by.
    fn value(&self, figure: &Figure, row: usize, side: usize) -> Option<(f64, f64)> {
        let requests = &*self.requests;
        let kind = requests.kind[row];
        let succeeded = matches!(kind, RequestKind::Succeeded | RequestKind::FailuresUnseen);
        let known = |value: f64| (!value.is_nan()).then_some((value, 1.0));
        match figure.metric {
            GateMetric::LatencyP50Ms => known(requests.latency_ms[row]),
            GateMetric::TtftP50Ms => known(requests.ttft_ms[row]),
            GateMetric::ErrorRate => {
                let failed = match &figure.class {
                    None => kind == RequestKind::Failed,
                    Some((numbers, _)) => numbers[side] == Some(requests.class[row]),
                };
                (kind != RequestKind::FailuresUnseen).then_some((f64::from(u8::from(failed)), 1.0))
            }
            GateMetric::CostPerRequestUsd => known(requests.cost_usd[row]),
            GateMetric::CostPer1kTokensUsd => {
                let tokens = requests.input_tokens[row] + requests.output_tokens[row];
                let cost = requests.cost_usd[row];
                (tokens > 0.0 && !cost.is_nan()).then_some((1_000.0 * cost, tokens))
            }
            GateMetric::InputTokens => known(requests.input_tokens[row]),
            GateMetric::OutputTokens => known(requests.output_tokens[row]),
            GateMetric::Quality => known(requests.quality[row]),
            GateMetric::QualityCoverage => {
                succeeded.then_some((f64::from(u8::from(!requests.quality[row].is_nan())), 1.0))
            }
            GateMetric::LatencyP95Ms | GateMetric::LatencyP99Ms | GateMetric::TtftP95Ms => None,
        }
    }

    /// Whether too many of its successes have no cost for costs to be compared.
    pub(super) fn is_unpriced(&self) -> bool {
        self.unpriced
    }
}

fn is_unpriced(requests: &Requests) -> bool {
    let succeeded = |kind: &RequestKind| matches!(kind, RequestKind::Succeeded | RequestKind::FailuresUnseen);
    let of = |priced: bool| {
        let kinds = requests.kind.iter().zip(&requests.cost_usd);
        kinds.filter(|(kind, cost)| succeeded(kind) && cost.is_nan() != priced).count() as f64
    };
    let (priced, unpriced) = (of(true), of(false));
    priced > 0.0 && unpriced > UNPRICED_TOLERANCE * (priced + unpriced)
}

/// Tokens of an input in steps of four times.
fn length(tokens: f64) -> String {
    let step = ((tokens + 1.0).log2() / 2.0).floor();
    let (from, to) = (4f64.powf(step) - 1.0, 4f64.powf(step + 1.0) - 2.0);
    format!(", {from:.0} to {to:.0} tokens in")
}
