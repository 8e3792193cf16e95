//! Checks of values against each other, in the rules that are finally in force.

use std::collections::BTreeMap;

use crate::domain::policy::{Experiments, ParameterRange, Rules, ScoreScale};

use super::document::Document;
use super::problems::{Problem, field};
use super::shape::ScoreYaml;
use super::units::short;

/// Weights may miss 1 by this much: enough for rounding, too little for a forgotten weight.
const WEIGHTS_TOLERANCE: f64 = 1e-6;

/// The checks of values against each other, in the rules that are finally in force.
pub(super) struct Agreement<'a> {
    pub(super) layers: &'a [Document],
    pub(super) found: &'a mut Vec<Problem>,
    /// What no layer states; a stand-in is in its place.
    pub(super) missing: &'a [&'static str],
    /// How many problems there were before: the checks skip what those are about.
    pub(super) known: usize,
}

impl Agreement<'_> {
    /// Checks the rules of one service, `prefix` being its path, or of all the others, `prefix` being empty.
    pub(super) fn check(&mut self, prefix: &str, rules: &Rules) {
        let path = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        let objectives = path("objectives");
        if self.concerns(&objectives) {
            self.weights(&objectives, rules);
        }
        let rollout = path("rollout");
        if self.concerns(&rollout) {
            self.steps(&rollout, rules);
        }
        let parameters = path("parameters");
        if self.concerns(&parameters) {
            self.parameters(&parameters, rules);
        }
        let experiments = path("experiments");
        if self.concerns(&experiments) {
            self.experiments(&experiments, rules);
        }
        self.conflicts(prefix, rules);
    }

    /// The scales of scores, each whole and with two ends.
    pub(super) fn scores(&mut self, declared: BTreeMap<String, ScoreYaml>) -> BTreeMap<String, ScoreScale> {
        let mut scales = BTreeMap::new();
        for (name, ScoreYaml { worst, best, weight }) in declared {
            // What lacks an end was refused when it was read.
            let (Some(worst), Some(best)) = (worst, best) else { continue };
            let section = field("scores", &name);
            if (worst - best).abs() > 0.0 {
                scales.insert(name, ScoreScale { worst, best, weight: weight.unwrap_or(1.0) });
                continue;
            }
            let message = "wants two different ends; `worst` is the value of the worst answer, `best` of a perfect one";
            let layer = self.layers.iter().find(|layer| layer.states(&section));
            self.found.extend(layer.map(|layer| layer.problem(&section, message.to_owned())));
        }
        scales
    }

    /// Whether a section is stated here, rather than inherited from where it was looked at already, and sound so far.
    fn concerns(&self, section: &str) -> bool {
        let inside = |path: &str, section: &str| {
            path.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let shared = section.rsplit('.').next().unwrap_or(section);
        self.layers.iter().any(|layer| layer.states(section))
            && !self.missing.iter().any(|missing| inside(missing, shared))
            && !self.found[..self.known]
                .iter()
                .any(|known| inside(&known.field, section) || inside(&known.field, shared))
    }

    /// Reports at the topmost layer that states the field, or the section around it.
    pub(super) fn problem(&mut self, section: &str, name: &str, message: &str) {
        let path = format!("{section}.{name}");
        let at = |path: &str| {
            self.layers.iter().find(|layer| layer.states(path)).map(|layer| layer.problem(path, message.to_owned()))
        };
        let problem = at(&path).or_else(|| at(section));
        self.found.extend(problem);
    }

    fn weights(&mut self, section: &str, rules: &Rules) {
        let objectives = rules.objectives;
        let (cost, latency, quality) = (objectives.cost, objectives.latency, objectives.quality);
        let sum = cost + latency + quality;
        if (sum - 1.0).abs() <= WEIGHTS_TOLERANCE {
            return;
        }
        let weights = format!("cost {}, latency {} and quality {}", short(cost), short(latency), short(quality));
        let scaled = |weight: f64| format!("{:.3}", weight / sum);
        let message = if sum > 0.0 {
            format!(
                "wants weights that add up to 1, but {weights} make {}; in the same proportion: cost {}, latency {}, quality {}",
                short(sum),
                scaled(cost),
                scaled(latency),
                scaled(quality),
            )
        } else {
            "wants weights that add up to 1, but all are 0; give at least one of cost, latency and quality a weight"
                .into()
        };
        let Some(layer) = self.layers.iter().find(|layer| layer.states(section)) else { return };
        self.found.push(layer.problem(section, message));
    }

    fn steps(&mut self, section: &str, rules: &Rules) {
        let steps = &rules.rollout.steps_percent;
        let bakes = &rules.rollout.bake_minutes;
        let pairs = steps.iter().zip(steps.iter().skip(1));
        if let Some((share, next)) = pairs.into_iter().find(|(share, next)| share >= next) {
            let message = format!("wants ascending shares, but {share} is followed by {next}");
            self.problem(section, "steps_percent", &message);
        }
        if let Some(last) = steps.last().filter(|last| **last != 100) {
            self.problem(section, "steps_percent", &format!("wants 100 as the last share, got {last}; add it"));
        }
        if !steps.is_empty() && bakes.len() + 1 != steps.len() {
            let message = format!(
                "wants {}, one for each of the {} shares in `steps_percent` but the last, got {}",
                entries(steps.len() - 1),
                steps.len(),
                bakes.len(),
            );
            self.problem(section, "bake_minutes", &message);
        }
    }
}

/// Checks of what may be changed beside the model.
impl Agreement<'_> {
    fn parameters(&mut self, section: &str, rules: &Rules) {
        for (parameter, range) in &rules.parameters {
            let name = parameter.name();
            let ParameterRange { min, max, max_step, max_step_percent } = *range;
            let [least, most] = parameter.bounds();
            let states = |layers: &[Document], field: &str| {
                let shared = format!("parameters.{name}.{field}");
                layers.iter().any(|layer| layer.states(&format!("{section}.{name}.{field}")) || layer.states(&shared))
            };
            let stepless = !states(self.layers, "max_step") && max_step_percent.is_none();
            let message = if min >= max {
                format!("wants `min` below `max`, got {} and {}", short(min), short(max))
            } else if min < least || max > most {
                format!(
                    "goes from {} to {}; no model takes less than {least} or more than {most}",
                    short(min),
                    short(max)
                )
            } else if parameter.whole() && (min.fract() != 0.0 || max.fract() != 0.0) {
                format!("wants whole numbers, got {} and {}", short(min), short(max))
            } else if stepless {
                "states no limit for one step; add `max_step` or `max_step_percent`".to_owned()
            } else if max_step > max - min {
                format!(
                    "allows steps of {}, more than the whole range from {} to {}",
                    short(max_step),
                    short(min),
                    short(max)
                )
            } else {
                continue;
            };
            self.problem(section, name, &message);
        }
    }

    fn experiments(&mut self, section: &str, rules: &Rules) {
        let Experiments { max_share_percent, floor_percent, .. } = rules.experiments;
        if floor_percent > max_share_percent {
            let message = format!(
                "keeps {} % for each arm, but `max_share_percent` allows {} % for all; lower it",
                short(floor_percent),
                short(max_share_percent)
            );
            self.problem(section, "floor_percent", &message);
        }
    }
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".into() } else { format!("{count} entries") }
}
