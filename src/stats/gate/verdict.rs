//! From evidence to verdicts, all comparisons of a run at once.

use super::{
    evidence::{Evidence, Interval},
    family::{Corrected, benjamini_hochberg, holm},
    sample::Lack,
};
use crate::{domain::metric::Harm, stats::tails::normal};

/// Harm that is tolerated: the larger of the two where both are given, none where neither is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Margin {
    /// In the figure's unit.
    pub absolute: Option<f64>,
    /// Of the baseline.
    pub relative: Option<f64>,
}

impl Margin {
    /// In the figure's unit, for a baseline.
    #[must_use]
    pub fn of(&self, baseline: f64) -> f64 {
        self.absolute.unwrap_or(0.0).max(self.relative.map_or(0.0, |share| share * baseline.abs()))
    }
}

/// What a regression must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Proof {
    /// That there is harm, at the corrected level; and the harm's estimate is beyond the margin.
    #[default]
    Harm,
    /// That the harm is beyond the margin, at the corrected level: fewer alarms about changes near the margin, and many more requests.
    Margin,
}

/// Whether a comparison can fail a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It can: one-sided towards harm, Holm over all of these.
    Guardrail,
    /// It is shown only: two-sided, Benjamini–Hochberg over all of these.
    Exploration,
}

/// What part of the requests a comparison is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Overall,
    Slice,
}

/// One comparison to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    pub evidence: Result<&'a Evidence, Lack>,
    pub harm: Harm,
    pub margin: Margin,
    pub role: Role,
    pub scope: Scope,
}

/// The promises of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promises {
    /// Chance that an unchanged candidate fails, over all guardrails.
    pub alpha: f64,
    /// Share of it that the guardrails over all requests get, so that many slices do not blind them.
    pub overall: f64,
    /// Share of false ones among the differences that exploration shows.
    pub discovery: f64,
    /// Chance that a harm at the margin is called equivalent, each comparison by itself: a run passes only if all are, and so needs no
    /// correction (Berger, Technometrics 24, 1982, doi:10.2307/1267823).
    pub equivalence: f64,
    /// Chance to show the smallest detectable harm.
    pub power: f64,
    pub proof: Proof,
}

impl Default for Promises {
    /// Half of one percent: over 2,000 splits of unchanged traffic the upper bound then stays below one percent.
    fn default() -> Self {
        Self { alpha: 0.005, overall: 0.5, discovery: 0.05, equivalence: 0.05, power: 0.8, proof: Proof::Harm }
    }
}

/// What is said of one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    Regression,
    Improvement,
    /// The harm, if any, is within the margin.
    Equivalent,
    Inconclusive,
}

/// A judged comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    pub verdict: Verdict,
    /// Why there is no evidence at all; the verdict is then inconclusive.
    pub lack: Option<Lack>,
    /// Uncorrected: towards harm for guardrails, two-sided for exploration.
    pub p_value: f64,
    pub corrected: Corrected,
    /// Excludes zero exactly where harm (or gain) is shown; `corrected.tail` is beyond each end, for exploration half of it.
    pub interval: Interval,
    /// The interval that equivalence rests on, 90 % by default.
    pub plain: Interval,
    /// The smallest harm this sample would have shown, in the figure's unit.
    pub detectable: Option<f64>,
    /// The tolerated harm in the figure's unit.
    pub margin: f64,
    /// Whether a difference, in either direction, is beyond chance.
    pub shown: bool,
}

/// Judges all comparisons of a run, in their order. Comparisons without evidence take no part in the correction.
#[must_use]
pub fn judge(items: &[Item], promises: &Promises) -> Vec<Judged> {
    let mut corrected: Vec<Option<(f64, Corrected)>> = vec![None; items.len()];
    let chosen = |role: Role| {
        let with = items.iter().enumerate().filter(move |(_, item)| item.role == role);
        with.filter_map(|(i, item)| item.evidence.ok().map(|evidence| (i, p_value(item, evidence, promises))))
            .collect::<Vec<_>>()
    };
    let guardrails = chosen(Role::Guardrail);
    let weights = weights(guardrails.iter().map(|(i, _)| items[*i].scope), promises.overall);
    let p_values: Vec<f64> = guardrails.iter().map(|(_, p)| *p).collect();
    for ((i, p), found) in guardrails.iter().zip(holm(&p_values, &weights, promises.alpha).unwrap_or_default()) {
        corrected[*i] = Some((*p, found));
    }
    let explored = chosen(Role::Exploration);
    let p_values: Vec<f64> = explored.iter().map(|(_, p)| *p).collect();
    for ((i, p), found) in explored.iter().zip(benjamini_hochberg(&p_values, promises.discovery).unwrap_or_default()) {
        corrected[*i] = Some((*p, found));
    }
    items.iter().zip(corrected).map(|(item, found)| one(item, found, promises)).collect()
}

/// Shares of α: those over all requests get theirs together, the slices the rest.
fn weights(scopes: impl Iterator<Item = Scope> + Clone, overall: f64) -> Vec<f64> {
    let all = scopes.clone().filter(|scope| *scope == Scope::Overall).count() as f64;
    let slices = scopes.clone().count() as f64 - all;
    let overall = overall.clamp(0.01, 0.99);
    let weight = |scope| match scope {
        Scope::Overall => overall / all,
        Scope::Slice => (1.0 - overall) / slices,
    };
    scopes.map(weight).collect()
}

fn p_value(item: &Item, evidence: &Evidence, promises: &Promises) -> f64 {
    let [greater, less] = evidence.p_values;
    let two_sided = (2.0 * greater.min(less)).min(1.0);
    match (item.role, item.harm) {
        (Role::Exploration, _) | (_, Harm::Neither) => two_sided,
        (Role::Guardrail, harm) => match promises.proof {
            Proof::Harm if harm == Harm::Up => greater,
            Proof::Harm => less,
            Proof::Margin => beyond(evidence, harm, &item.margin),
        },
    }
    .clamp(0.0, 1.0)
}

/// The smallest level at which the interval excludes both margins that are given. Never below the p-value of no harm at all.
fn beyond(evidence: &Evidence, harm: Harm, margin: &Margin) -> f64 {
    let excluded = |z: f64| {
        let interval = evidence.interval(normal::upper_tail(z));
        let least = |bounds: [Option<f64>; 2]| if harm == Harm::Up { bounds[0] } else { bounds[1].map(|bound| -bound) };
        let holds =
            |margin: Option<f64>, bounds| margin.is_none_or(|margin| least(bounds).is_some_and(|least| least > margin));
        // Of a baseline that is not positive there are no shares; the margin is then an amount.
        let relative = if evidence.adjusted[0] > 0.0 {
            holds(margin.relative, interval.change)
        } else {
            holds(margin.relative.map(|share| share * evidence.adjusted[0].abs()), interval.difference)
        };
        relative && holds(margin.absolute, interval.difference)
    };
    let at_zero = evidence.p_values[usize::from(harm != Harm::Up)];
    // The interval widens with z: excluded up to some z, and never again.
    let (mut inside, mut outside) = (8.0, 0.0);
    if excluded(inside) {
        return at_zero;
    }
    for _ in 0..30 {
        let middle = f64::midpoint(outside, inside);
        if excluded(middle) { outside = middle } else { inside = middle }
    }
    at_zero.max(if outside > 0.0 { normal::upper_tail(outside) } else { 0.5 })
}

fn one(item: &Item, found: Option<(f64, Corrected)>, promises: &Promises) -> Judged {
    let (Ok(evidence), Some((p_value, corrected))) = (item.evidence, found) else {
        return Judged {
            verdict: Verdict::Inconclusive,
            lack: item.evidence.err(),
            p_value: 1.0,
            corrected: Corrected { p_value: 1.0, tail: 0.0 },
            interval: Interval::default(),
            plain: Interval::default(),
            detectable: None,
            margin: 0.0,
            shown: false,
        };
    };
    let one_sided = item.role == Role::Guardrail && item.harm != Harm::Neither;
    let tail = if one_sided { corrected.tail } else { corrected.tail / 2.0 };
    let (interval, plain) = (evidence.interval(tail), evidence.interval(promises.equivalence));
    let margin = item.margin.of(evidence.adjusted[0]);
    let level = if item.role == Role::Guardrail { promises.alpha } else { promises.discovery };
    let rejected = corrected.p_value <= level;
    let sign = if item.harm == Harm::Down { -1.0 } else { 1.0 };
    let harm = sign * evidence.difference();
    // The two ends as harm: at least, at most.
    let ends = |interval: &Interval| {
        let [low, high] = interval.difference;
        if sign > 0.0 { [low, high] } else { [high.map(|v| -v), low.map(|v| -v)] }
    };
    let relative = |interval: &Interval| {
        let [low, high] = interval.change;
        if sign > 0.0 { high } else { low.map(|v| -v) }
    };
    let p_gain = evidence.p_values[usize::from(sign > 0.0)];
    let gain = p_gain <= tail && harm < 0.0;
    let tolerated = |interval: &Interval| {
        let absolute = ends(interval)[1].is_some_and(|most| most <= item.margin.absolute.unwrap_or(0.0));
        absolute || item.margin.relative.is_some_and(|share| relative(interval).is_some_and(|most| most <= share))
    };
    let both_ways = |interval: &Interval| {
        let [low, high] = interval.difference;
        low.is_some_and(|low| low >= -margin) && high.is_some_and(|high| high <= margin)
    };
    let verdict = if item.harm == Harm::Neither {
        if both_ways(&plain) { Verdict::Equivalent } else { Verdict::Inconclusive }
    } else if rejected && harm > margin {
        Verdict::Regression
    } else if gain && -harm >= margin {
        Verdict::Improvement
    } else if tolerated(&plain) {
        Verdict::Equivalent
    } else {
        Verdict::Inconclusive
    };
    let detectable = detectable(item, evidence, tail, margin, promises);
    let shown = if item.harm == Harm::Neither || !one_sided { rejected } else { rejected || gain };
    Judged { verdict, lack: None, p_value, corrected, interval, plain, detectable, margin, shown }
}

/// To be called a regression, a harm must be shown and its estimate be beyond the margin; both with the promised chance.
fn detectable(item: &Item, evidence: &Evidence, tail: f64, margin: f64, promises: &Promises) -> Option<f64> {
    let harm = evidence.detectable(tail, promises.power, item.harm != Harm::Down)?;
    let [z, beta] = [normal::upper_quantile(tail)?, normal::quantile(promises.power)?];
    Some(match promises.proof {
        Proof::Harm => harm.max(margin + harm * beta / (z + beta)),
        Proof::Margin => margin + harm,
    })
}
