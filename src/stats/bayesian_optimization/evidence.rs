//! Observations, cleaned and in an order of their own.

use super::abstained::Abstained;
use super::space::Space;
use crate::stats::gaussian_process::{MOST_POINTS, Sample};

/// What one configuration measured while it served traffic.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The configuration, in the settings' own units, as many values as the space has dimensions.
    pub x: Vec<f64>,
    /// Mean objective (weighted improvement), higher is better.
    pub y: f64,
    /// Standard error of y, at least 0.
    pub se: f64,
    /// One for each constraint, in an order that all observations share. A constraint that was not measured is NaN or, at
    /// the end, left out.
    pub constraints: Vec<MarginEstimate>,
}

/// A constraint is held where its margin is at most 0 (say: quality lost less quality allowed to be lost).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarginEstimate {
    pub margin: f64,
    /// Standard error of the margin, at least 0.
    pub se: f64,
}

/// Observations that can be used.
#[derive(Debug)]
pub(super) struct Evidence {
    /// Dimensions that differ somewhere; what never varied cannot be learnt and keeps its present value.
    pub varied: Vec<bool>,
    /// On the model's scale, varied dimensions only.
    pub objective: Vec<Sample>,
    pub constraints: Vec<Vec<Sample>>,
    /// The distinct measured configurations in their own units.
    pub configurations: Vec<Vec<f64>>,
    /// Observations that could not be used: values missing or not finite.
    pub unusable: usize,
}

impl Evidence {
    pub fn gathered(
        space: &Space,
        present: &[f64],
        observations: &[Observation],
        at_least: usize,
    ) -> Result<Self, Abstained> {
        let mut usable: Vec<(Vec<f64>, &Observation)> = observations
            .iter()
            .filter(|observation| sound(observation.y, observation.se))
            .filter_map(|observation| Some((space.scaled(&observation.x)?, observation)))
            .collect();
        let unusable = observations.len() - usable.len();
        usable.sort_by(|(_, a), (_, b)| compare(&key(a), &key(b)));
        let here = space.scaled(present).unwrap_or_default();
        if usable.len() > MOST_POINTS {
            // Far away configurations say least about the next step.
            usable.sort_by(|(a, _), (b, _)| distance(a, &here).total_cmp(&distance(b, &here)));
            usable.truncate(MOST_POINTS);
            usable.sort_by(|(_, a), (_, b)| compare(&key(a), &key(b)));
        }
        let varied: Vec<bool> = (0..here.len())
            .map(|place| usable.iter().any(|(at, _)| !same(&at[place..=place], &here[place..=place])))
            .collect();
        let configurations = distinct(usable.iter().map(|(_, seen)| seen.x.as_slice()));
        let moving = varied.iter().filter(|varied| **varied).count();
        let need = at_least.max(moving + 1).max(2);
        if configurations.len() < need {
            return Err(Abstained::TooFewConfigurations { have: configurations.len(), need });
        }
        if !configurations.iter().any(|x| same(x, present)) {
            return Err(Abstained::PresentUnmeasured);
        }
        if moving == 0 {
            return Err(Abstained::NothingVaried);
        }
        if usable.iter().all(|(_, seen)| same(&[seen.y], &[usable[0].1.y])) {
            return Err(Abstained::ConstantObjective);
        }
        let kept = |at: &[f64]| at.iter().zip(&varied).filter(|(_, varied)| **varied).map(|(at, _)| *at).collect();
        let objective = usable.iter().map(|(at, seen)| Sample { x: kept(at), y: seen.y, se: seen.se }).collect();
        let count = usable.iter().map(|(_, observation)| observation.constraints.len()).max().unwrap_or(0);
        let mut constraints = Vec::with_capacity(count);
        for constraint in 0..count {
            let measured: Vec<_> = usable
                .iter()
                .filter_map(|(at, seen)| Some((at, seen, seen.constraints.get(constraint)?)))
                .filter(|(_, _, estimate)| sound(estimate.margin, estimate.se))
                .collect();
            let have = distinct(measured.iter().map(|(_, seen, _)| seen.x.as_slice())).len();
            if have < need {
                return Err(Abstained::ConstraintUnmeasured { constraint, have, need });
            }
            constraints.push(
                measured
                    .iter()
                    .map(|(at, _, estimate)| Sample { x: kept(at), y: estimate.margin, se: estimate.se })
                    .collect(),
            );
        }
        Ok(Self { varied, objective, constraints, configurations, unusable })
    }

    /// The typical standard error of the objective: the median.
    pub fn typical_noise(&self) -> f64 {
        let mut errors: Vec<f64> = self.objective.iter().map(|sample| sample.se).collect();
        errors.sort_by(f64::total_cmp);
        errors.get(errors.len() / 2).copied().unwrap_or(0.0)
    }
}

/// Numbers beyond this overflow when squared and summed.
const HUGE: f64 = 1e100;

fn sound(value: f64, se: f64) -> bool {
    value.abs() <= HUGE && (0.0..=HUGE).contains(&se)
}

/// Values that differ in their last digits only are the same.
pub(super) fn same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-9 * (a.abs() + b.abs()))
}

fn distinct<'a>(all: impl Iterator<Item = &'a [f64]>) -> Vec<Vec<f64>> {
    let mut distinct: Vec<Vec<f64>> = Vec::new();
    for x in all {
        if !distinct.iter().any(|known| same(known, x)) {
            distinct.push(x.to_vec());
        }
    }
    distinct
}

pub(super) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

fn key(observation: &Observation) -> Vec<f64> {
    let margins = observation.constraints.iter().flat_map(|estimate| [estimate.margin, estimate.se]);
    observation.x.iter().copied().chain([observation.y, observation.se]).chain(margins).collect()
}

pub(super) fn compare(a: &[f64], b: &[f64]) -> std::cmp::Ordering {
    let differing = a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|ordering| ordering.is_ne());
    differing.unwrap_or_else(|| a.len().cmp(&b.len()))
}
