//! The safe box looked through.

use super::abstained::Abstained;
use super::acquisition::{Model, Worth};
use super::candidates::{placed, shares};
use super::evidence::{Evidence, compare, distance, same};
use super::proposal::{Proposal, Range, Source};
use super::propose::Settings;
use super::space::{Interval, Space};
use crate::stats::gaussian_process::{Anchor, Budget};

pub(super) struct Search<'a> {
    pub space: &'a Space,
    pub present: &'a [f64],
    /// The safe interval of every dimension that may move.
    pub moving: Vec<Option<Interval>>,
    pub evidence: &'a Evidence,
    pub model: Model,
    pub settings: &'a Settings,
    pub budget: Budget,
}

#[derive(Debug, Clone)]
struct Candidate {
    x: Vec<f64>,
    shares: Vec<f64>,
    worth: Worth,
}

/// How many of the best candidates are refined, and by which shares of the safe interval.
const REFINED: usize = 3;
const REFINEMENTS: [f64; 4] = [0.1, 0.04, 0.015, 0.006];

impl Search<'_> {
    /// The feasible candidate with the highest constrained improvement, if that is enough; else the best measured
    /// configuration, if it beats the present one by as much.
    pub fn run(&mut self) -> Result<Proposal, Abstained> {
        let known = self.known()?;
        let here = self.model.objective.anchor(&self.position(self.present));
        let incumbent = self.model.objective.anchor(&self.position(known.as_deref().unwrap_or(self.present)));
        let mut tried = Vec::new();
        let dimensions = self.moving.iter().flatten().count();
        for shares in shares(dimensions) {
            tried.extend(self.candidate(shares, &incumbent)?);
        }
        self.sort(&mut tried);
        for mut best in tried.iter().take(REFINED).cloned().collect::<Vec<_>>() {
            for step in REFINEMENTS {
                for place in 0..dimensions {
                    for change in [step, -step] {
                        let mut shares = best.shares.clone();
                        shares[place] = (shares[place] + change).clamp(0.0, 1.0);
                        if let Some(found) = self.candidate(shares, &incumbent)?
                            && self.score(&found) > self.score(&best)
                        {
                            best = found;
                        }
                    }
                }
            }
            tried.push(best);
        }
        self.sort(&mut tried);
        let need = self.settings.min_gain.max(self.settings.min_gain_to_noise * self.evidence.typical_noise());
        let most_feasible = tried.iter().map(|candidate| candidate.worth.feasibility).fold(0.0, f64::max);
        let found = tried.into_iter().find(|candidate| self.feasible(candidate.worth.feasibility));
        let best = found.as_ref().map_or(0.0, |candidate| candidate.worth.improvement);
        // Not `best < need`: without a threshold nothing at all must not pass, nor NaN.
        if let Some(found) = found.as_ref().filter(|_| best >= need && best > 0.0) {
            return Ok(self.proposal(found.x.clone(), Source::Search, found.worth, &here));
        }
        if let Some(x) = known {
            let worth = self.model.worth(&self.position(&x), &here, &mut self.budget)?;
            let better = self.model.objective.difference(&self.position(&x), &here).mean();
            if better >= need && better > 0.0 {
                return Ok(self.proposal(x, Source::Measured, worth, &here));
            }
        }
        match found {
            None => Err(Abstained::NoneFeasible { best: most_feasible, need: self.settings.min_feasibility }),
            Some(_) => Err(Abstained::NoGain { best, need }),
        }
    }

    /// The measured configuration with the highest posterior mean, if it is not the present one: within a step, feasible.
    fn known(&mut self) -> Result<Option<Vec<f64>>, Abstained> {
        let mut best = (self.model.objective.predict(&self.position(self.present)).mean(), None);
        for x in &self.evidence.configurations {
            let (mut x, mut near) = (x.clone(), true);
            for (place, value) in x.iter_mut().enumerate() {
                let present = self.present[place];
                if self.moving[place].is_some() {
                    near &= self.space.dimensions[place].allows(present, *value);
                } else {
                    near &= same(&[*value], &[present]);
                    *value = present;
                }
            }
            if !near || same(&x, self.present) {
                continue;
            }
            let at = self.position(&x);
            let feasibility = self.model.feasibility(&at, &mut self.budget)?;
            let mean = self.model.objective.predict(&at).mean();
            if self.feasible(feasibility) && mean > best.0 {
                best = (mean, Some(x));
            }
        }
        Ok(best.1)
    }

    fn candidate(&mut self, shares: Vec<f64>, incumbent: &[Anchor]) -> Result<Option<Candidate>, Abstained> {
        let x = placed(self.space, self.present, &self.moving, &shares);
        if same(&x, self.present) {
            return Ok(None);
        }
        let worth = self.model.worth(&self.position(&x), incumbent, &mut self.budget)?;
        Ok(Some(Candidate { x, shares, worth }))
    }

    /// Feasible ones first, by constrained improvement; ties by distance from the present, then by value.
    fn sort(&self, tried: &mut [Candidate]) {
        let here = self.position(self.present);
        tried.sort_by(|a, b| {
            let nearer = || distance(&self.position(&a.x), &here).total_cmp(&distance(&self.position(&b.x), &here));
            self.score(b).total_cmp(&self.score(a)).then_with(nearer).then_with(|| compare(&a.x, &b.x))
        });
    }

    /// Infeasible candidates score below 0, the likelier feasible the higher.
    fn score(&self, candidate: &Candidate) -> f64 {
        let feasibility = candidate.worth.feasibility;
        if self.feasible(feasibility) { candidate.worth.constrained() } else { feasibility - 1.0 }
    }

    /// False also where a number is not one.
    fn feasible(&self, feasibility: f64) -> bool {
        feasibility >= self.settings.min_feasibility
    }

    /// On the model's scale, varied dimensions only.
    fn position(&self, x: &[f64]) -> Vec<f64> {
        let dimensions = self.space.dimensions.iter().zip(x).zip(&self.evidence.varied);
        dimensions
            .filter(|(_, varied)| **varied)
            .filter_map(|((dimension, value), _)| dimension.scaled(*value))
            .collect()
    }

    fn proposal(&self, x: Vec<f64>, source: Source, worth: Worth, here: &[Anchor]) -> Proposal {
        let at = self.position(&x);
        let difference = self.model.objective.difference(&at, here);
        let gain = Range::from(&difference);
        let better = 1.0 - difference.at_most(0.0);
        let mut why = format!(
            "{}: {:+.3} [{:+.3}, {:+.3}] against the present values, better with probability {better:.2}, within constraints \
             with {:.2}; from {} configurations",
            match source {
                Source::Search => "may beat the best known values",
                Source::Measured => "measured before and better",
            },
            gain.mean,
            gain.low,
            gain.high,
            worth.feasibility,
            self.evidence.configurations.len(),
        );
        let held = self.evidence.varied.iter().filter(|varied| !**varied).count();
        if held > 0 {
            why += &format!("; settings that never varied are kept: {held}");
        }
        if self.evidence.unusable > 0 {
            why += &format!("; unusable observations left out: {}", self.evidence.unusable);
        }
        Proposal {
            source,
            expected_improvement: worth.improvement,
            predicted: Range::from(&self.model.objective.predict(&at)),
            gain,
            better,
            feasibility: worth.feasibility,
            why,
            x,
        }
    }
}
