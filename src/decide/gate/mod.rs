//! Two sets of requests, held against each other by the rules of a gate.
//!
//! ```text
//! requests of both sides ─▶ units ─▶ slices × metrics ─▶ evidence ─▶ verdicts, corrected together ─▶ outcome
//! ```

mod columns;
mod outcome;
mod slices;
#[cfg(test)]
mod tests;
mod trends;
mod units;

use std::collections::BTreeMap;

use jiff::civil::Date;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::{
    domain::{
        gate::{
            GateComparison, GateLimitReading, GateMethod, GateMetric, GateMix, GateOutcome, GateReason, GateUnit,
            GateVerdict, KindShare, OneSided, PastGate, Slice, TrendReading,
        },
        gate_rules::{GateProof, GateRules, Suppression},
    },
    stats::gate::{
        self, Comparison, Evidence, Item, Judged, Lack, Margin, Method, Mix, Promises, Proof, Requests, Role, Sample,
        Scope, Verdict,
    },
};
use columns::{Figure, Side};
use slices::Part;
use units::Units;

/// What is compared, and by which rules.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub baseline: &'a Requests,
    pub candidate: &'a Requests,
    pub rules: &'a GateRules,
    /// Former runs, in any order.
    pub past: &'a [PastGate],
    /// Today, UTC: suppressions end.
    pub today: Date,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Gated {
    pub outcome: GateOutcome,
    pub reasons: Vec<GateReason>,
    pub unit: GateUnit,
    pub mix: Option<GateMix>,
    pub comparisons: Vec<GateComparison>,
    pub limits: Vec<GateLimitReading>,
    pub trends: Vec<TrendReading>,
    pub one_sided: Vec<OneSided>,
}

/// Holds the candidate against the baseline.
#[must_use]
pub fn gate(inputs: &Inputs<'_>) -> Gated {
    let units = Units::of(inputs.baseline, inputs.candidate);
    let sides = Side::both([inputs.baseline, inputs.candidate], &units.numbers);
    let (parts, one_sided) = slices::parts(inputs.baseline, inputs.candidate);
    let of_part = |part: &Part| {
        let cut = match &part.rows {
            [Some(before), Some(after)] => Some([sides[0].part(before), sides[1].part(after)]),
            _ => None,
        };
        let sides = cut.as_ref().unwrap_or(&sides);
        let figures = Figure::all(inputs.baseline, inputs.candidate, part);
        figures.par_iter().map(|figure| compared(sides, &units, part, figure, inputs.rules)).collect::<Vec<_>>()
    };
    // In their order, however many work on them.
    let (made, mix) =
        rayon::join(|| parts.par_iter().map(of_part).collect::<Vec<Vec<Vec<Asked>>>>(), || mix(&sides, &units));
    let asked: Vec<Asked> = made.into_iter().flatten().flatten().collect();
    let items: Vec<Item<'_>> = asked.iter().map(|asked| asked.item(inputs.rules)).collect();
    let judged = gate::judge(&items, &promises(inputs.rules));
    let comparisons: Vec<GateComparison> =
        asked.iter().zip(&judged).map(|(asked, judged)| asked.told(judged, inputs)).collect();
    let limits = outcome::limits(&comparisons, inputs.rules);
    let figures = figures(&comparisons);
    let trends = trends::trends(&inputs.rules.trends, inputs.past, |metric| figures.get(&metric).copied());
    let (outcome, reasons) = outcome::outcome(inputs, &comparisons, &limits, &trends);
    Gated { outcome, reasons, unit: units.told(), mix, comparisons, limits, trends, one_sided }
}

/// The candidate's own figures over all requests, as histories keep them.
#[must_use]
pub fn figures(comparisons: &[GateComparison]) -> BTreeMap<GateMetric, f64> {
    let overall = comparisons.iter().filter(|one| one.slice == Slice::Overall && one.class.is_none());
    overall.filter_map(|one| Some((one.metric, one.candidate_raw?))).collect()
}

fn promises(rules: &GateRules) -> Promises {
    let proof = match rules.proof {
        GateProof::Harm => Proof::Harm,
        GateProof::Margin => Proof::Margin,
    };
    Promises { alpha: rules.alpha, proof, ..Promises::default() }
}

/// One comparison before it is judged.
struct Asked {
    figure: Figure,
    slice: Slice,
    guards: bool,
    evidence: Result<Evidence, Lack>,
    /// Requests with a value that counts, by side.
    values: [u64; 2],
    /// Why there is none, where it is not the sample's doing.
    missing: Option<String>,
}

fn compared(sides: &[Side<'_>; 2], units: &Units, part: &Part, figure: &Figure, rules: &GateRules) -> Vec<Asked> {
    let columns = [0, 1].map(|side| sides[side].column(figure, side));
    // Where neither side has a value, nobody asks.
    if columns.iter().all(|column| column.values.is_empty()) {
        return Vec::new();
    }
    let [baseline, candidate] = [0, 1].map(|side| {
        let column = &columns[side];
        let sample = Sample::of(&column.values).strata(&column.strata);
        let sample = if units.any() { sample.units(&column.units) } else { sample };
        let sample = if column.weights.is_empty() { sample } else { sample.weights(&column.weights) };
        if column.denominators.is_empty() { sample } else { sample.per(&column.denominators) }
    });
    let unpriced = sides.each_ref().map(|side| figure.is_cost() && side.is_unpriced());
    let values = [0, 1].map(|side| if unpriced[side] { 0 } else { columns[side].values.len() as u64 });
    let unpriced = unpriced.contains(&true);
    let missing = unpriced.then(|| "costs of too many requests are not known".to_owned());
    let made = if unpriced { Err(Lack::NoCommonStratum) } else { Comparison::new(baseline, candidate, Mix::Baseline) };
    let made = made.map(|made| if units.are_runs() { made.of_runs() } else { made });
    let asked = |metric: GateMetric, evidence: Result<Evidence, Lack>| Asked {
        figure: Figure { metric, ..figure.clone() },
        slice: part.slice.clone(),
        guards: figure.class.is_none() && rules.margins.contains_key(&metric),
        evidence,
        values,
        missing: missing.clone(),
    };
    let quantiles = figure.quantiles();
    if quantiles.is_empty() {
        let deterministic = figure.deterministic() && units.are_prompts();
        return vec![asked(figure.metric, made.and_then(|made| made.mean(deterministic)))];
    }
    let found = match &made {
        Ok(made) => made.quantiles(&quantiles.iter().map(|(_, p)| *p).collect::<Vec<_>>()),
        Err(lack) => vec![Err(*lack); quantiles.len()],
    };
    quantiles.iter().zip(found).map(|((metric, _), evidence)| asked(*metric, evidence)).collect()
}

impl Asked {
    fn item<'a>(&'a self, rules: &GateRules) -> Item<'a> {
        let margin = rules.margins.get(&self.figure.metric).copied().unwrap_or_default();
        Item {
            evidence: self.evidence.as_ref().map_err(|lack| *lack),
            harm: self.figure.metric.harm(),
            margin: Margin { absolute: margin.absolute, relative: margin.relative },
            role: if self.guards { Role::Guardrail } else { Role::Exploration },
            scope: if self.slice == Slice::Overall { Scope::Overall } else { Scope::Slice },
        }
    }

    fn told(&self, judged: &Judged, inputs: &Inputs<'_>) -> GateComparison {
        let evidence = self.evidence.as_ref().ok();
        let verdict = match judged.verdict {
            Verdict::Regression => GateVerdict::Regression,
            Verdict::Improvement => GateVerdict::Improvement,
            Verdict::Equivalent => GateVerdict::Equivalent,
            Verdict::Inconclusive => GateVerdict::Inconclusive,
        };
        let regressed = verdict == GateVerdict::Regression;
        GateComparison {
            metric: self.figure.metric,
            class: self.figure.class.clone().map(|(_, name)| name),
            slice: self.slice.clone(),
            guards: self.guards,
            verdict,
            lack: self.missing.clone().or(judged.lack.map(|lack| lack.to_string())),
            baseline: evidence.map(|evidence| evidence.adjusted[0]),
            candidate: evidence.map(|evidence| evidence.adjusted[1]),
            baseline_raw: evidence.map(|evidence| evidence.raw[0]),
            candidate_raw: evidence.map(|evidence| evidence.raw[1]),
            difference: evidence.map(Evidence::difference),
            difference_90: judged.plain.difference,
            difference_corrected: judged.interval.difference,
            change: evidence.and_then(Evidence::change),
            change_90: judged.plain.change,
            change_corrected: judged.interval.change,
            method: evidence.map(|evidence| method(evidence.method)),
            p_value: evidence.map(|_| judged.p_value),
            p_value_corrected: evidence.map(|_| judged.corrected.p_value),
            margin: self.guards.then_some(judged.margin),
            detectable: judged.detectable,
            requests: evidence.map_or(self.values, |evidence| evidence.rows),
            units: evidence.map_or([0, 0], |evidence| evidence.units),
            suppressed: if regressed { self.suppressed(inputs) } else { None },
        }
    }

    fn suppressed(&self, inputs: &Inputs<'_>) -> Option<Suppression> {
        let label = self.slice.label();
        let covers = |suppression: &&Suppression| {
            suppression.metric == self.figure.metric
                && suppression.until >= inputs.today
                && suppression.slice.as_ref().is_none_or(|slice| *slice == label)
        };
        inputs.rules.suppressions.iter().find(covers).cloned()
    }
}

fn method(method: Method) -> GateMethod {
    match method {
        Method::Mean => GateMethod::Mean,
        Method::Share => GateMethod::Share,
        Method::PairedShare => GateMethod::PairedShare,
        Method::Quantile => GateMethod::Quantile,
        Method::Exact => GateMethod::Exact,
    }
}

/// How the kinds of requests differ, over all requests.
fn mix(sides: &[Side<'_>; 2], units: &Units) -> Option<GateMix> {
    let columns = sides.each_ref().map(Side::kinds);
    let sample = |side: usize| {
        let column = &columns[side];
        let sample = Sample::of(&column.values).strata(&column.strata);
        if units.any() { sample.units(&column.units) } else { sample }
    };
    let change = gate::mix_change(&sample(0), &sample(1)).ok()??;
    let left_out = Comparison::new(sample(0), sample(1), Mix::Baseline);
    let left_out = left_out.map_or([1.0, 1.0], |comparison| comparison.matching().left_out);
    let names: BTreeMap<u32, String> = sides.iter().rev().flat_map(Side::names_of_strata).collect();
    let most = change.most.iter().map(|(kind, baseline, candidate)| KindShare {
        kind: names.get(kind).cloned().unwrap_or_default(),
        baseline: *baseline,
        candidate: *candidate,
    });
    Some(GateMix {
        moved: change.moved,
        p_value: change.p_value,
        changed: change.changed,
        most: most.collect(),
        left_out,
    })
}
