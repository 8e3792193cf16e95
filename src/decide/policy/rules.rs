//! From layers of sound values to one policy: everything is stated, and the values agree with one another.

use std::collections::BTreeMap;
use std::path::Path;

use serde_yaml::{Mapping, Value};

use crate::domain::policy::{Policy, Rules, ScoreScale};

use super::convert::{Needed, rules};
use super::document::{Document, whole_file};
use super::layers::overlay;
use super::problems::{Problem, field, one_of, shown};
use super::shape::{LimitYaml, PolicyYaml, RulesYaml, ScoreYaml};
use super::units::short;

/// Weights may miss 1 by this much: enough for rounding, too little for a forgotten weight.
const WEIGHTS_TOLERANCE: f64 = 1e-6;

/// Builds the policy. The layers come top first; problems go to `found`, and then there may be no policy.
pub(super) fn policy(layers: &[Document], found: &mut Vec<Problem>) -> Option<Policy> {
    let top = layers.first()?;
    let mut merged = Value::Mapping(Mapping::new());
    for layer in layers.iter().rev().filter(|layer| layer.value.is_mapping()) {
        overlay(&mut merged, layer.value.clone());
    }
    let shared = without(
        &merged,
        &["name", "extends", "total_daily_budget_usd", "total_monthly_budget_usd", "scores", "services"],
    );
    let (totals, declared, default) = split(read(without(&merged, &["services"]), top, found)?);

    let mut needed = Needed::default();
    let total_daily_budget_usd = needed.get("total_daily_budget_usd", totals.daily.map(LimitYaml::amount));
    let total_monthly_budget_usd = totals.monthly.and_then(LimitYaml::amount);
    let default = rules(default, &mut needed);
    // Values that were refused are not missing, and what they would have been is not known.
    if found.is_empty() {
        missing(&needed, top, found);
    }
    let mut agreement = Agreement { layers, missing: needed.missing(), known: found.len(), found };
    agreement.check("", &default);
    let scores = agreement.scores(declared);

    let mut services = BTreeMap::new();
    let overrides = merged.get("services").and_then(Value::as_mapping).into_iter().flatten();
    for (name, own) in overrides {
        let Some(name) = name.as_str() else { continue };
        let mut all = shared.clone();
        overlay(&mut all, own.clone());
        let Some(own) = read(all, top, agreement.found) else { continue };
        // What is missing here is missing at the top, and reported there.
        let own = rules(own, &mut Needed::default());
        agreement.check(&field("services", name), &own);
        services.insert(name.to_owned(), own);
    }
    if !found.is_empty() {
        return None;
    }
    Some(Policy { name: name_of(top), default, services, total_daily_budget_usd, total_monthly_budget_usd, scores })
}

/// Reads sieved values. That this fails would be a gap in the sieve; it is reported all the same, never skipped.
fn read<T: serde::de::DeserializeOwned>(value: Value, top: &Document, found: &mut Vec<Problem>) -> Option<T> {
    serde_yaml::from_value(value)
        .map_err(|error| found.push(whole_file(&top.name, format!("cannot be read: {}", shown(&error.to_string())))))
        .ok()
}

/// Budgets over all services.
struct Totals {
    daily: Option<LimitYaml>,
    monthly: Option<LimitYaml>,
}

/// The total budgets, the scores, and the rules for every service.
fn split(policy: PolicyYaml) -> (Totals, BTreeMap<String, ScoreYaml>, RulesYaml) {
    let PolicyYaml {
        name: _,     // the top layer's alone, see `name_of`
        extends: _,  // followed already
        services: _, // laid over the rest one by one
        total_daily_budget_usd,
        total_monthly_budget_usd,
        scores,
        mode,
        objectives,
        thresholds,
        constraints,
        evidence,
        decision,
        rollout,
        rollback,
        models,
        daily_budget_usd,
        monthly_budget_usd,
    } = policy;
    let rules = RulesYaml {
        mode,
        objectives,
        thresholds,
        constraints,
        evidence,
        decision,
        rollout,
        rollback,
        models,
        daily_budget_usd,
        monthly_budget_usd,
    };
    (Totals { daily: total_daily_budget_usd, monthly: total_monthly_budget_usd }, scores.unwrap_or_default(), rules)
}

fn without(value: &Value, keys: &[&str]) -> Value {
    let mapping = value.as_mapping().into_iter().flatten();
    let kept = mapping.filter(|(key, _)| !key.as_str().is_some_and(|key| keys.contains(&key)));
    Value::Mapping(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// A name is not inherited: a file that extends `balanced` is something else than `balanced`.
fn name_of(top: &Document) -> String {
    let stated = top.value.get("name").and_then(Value::as_str);
    let stem = Path::new(&top.name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    stated.map(str::to_owned).or(stem).unwrap_or_else(|| top.name.clone())
}

fn missing(needed: &Needed, top: &Document, found: &mut Vec<Problem>) {
    let names = needed.missing();
    let Some((first, others)) = names.split_first() else { return };
    // A short list is named; a long one means that the file was never meant to be complete.
    let what = match others.len() {
        0..=3 => one_of(names),
        more => format!("`{first}` and {more} other settings"),
    };
    let message = format!("states no {what}; add what is missing, or `extends: balanced` to take it from a profile");
    found.push(whole_file(&top.name, message));
}

/// The checks of values against each other, in the rules that are finally in force.
struct Agreement<'a> {
    layers: &'a [Document],
    found: &'a mut Vec<Problem>,
    /// What no layer states; a stand-in is in its place.
    missing: &'a [&'static str],
    /// How many problems there were before: the checks skip what those are about.
    known: usize,
}

impl Agreement<'_> {
    /// Checks the rules of one service, `prefix` being its path, or of all the others, `prefix` being empty.
    fn check(&mut self, prefix: &str, rules: &Rules) {
        let path = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        let objectives = path("objectives");
        if self.concerns(&objectives) {
            self.weights(&objectives, rules);
        }
        let rollout = path("rollout");
        if self.concerns(&rollout) {
            self.steps(&rollout, rules);
        }
    }

    /// The scales of scores, each whole and with two ends.
    fn scores(&mut self, declared: BTreeMap<String, ScoreYaml>) -> BTreeMap<String, ScoreScale> {
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
    fn problem(&mut self, section: &str, name: &str, message: &str) {
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

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".into() } else { format!("{count} entries") }
}
