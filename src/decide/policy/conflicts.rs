//! Settings that are sound one by one and cannot both be meant. Each message names the pair.

use std::collections::{BTreeMap, HashMap};

use crate::decide::models::matches;
use crate::domain::policy::{Adjustment, Mode, ModelTable, Policy, Rule, Rules, Then};

use super::agreement::Agreement;
use super::convert::Report;
use super::problems::{one_of, shown};
use super::rules::reporter;
use super::units::short;

impl Agreement<'_> {
    /// Checks the rules of one service, or of all the others, `prefix` being empty.
    pub(super) fn conflicts(&mut self, prefix: &str, rules: &Rules) {
        let path = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        let states = |name: &str| self.layers.iter().any(|layer| layer.states(&path(name)));
        if states("models") {
            for model in rules.models.deny.iter().filter(|model| rules.models.allow.contains(model)) {
                let message = format!("names `{0}`, and so does `allow`; one of the two has to go", shown(model));
                self.problem(&path("models"), "deny", &message);
            }
        }
        if states("models") || states("backup_model") {
            let named = rules.models.consider.iter().map(|model| ("models.consider", model));
            for (field, model) in named.chain(rules.backup_model.iter().map(|model| ("backup_model", model))) {
                if let Some(why) = barred(model, rules) {
                    self.at(&path(field), format!("names `{}`, but {why} under `models`", shown(model)));
                }
            }
        }
        if states("daily_budget_usd") || states("monthly_budget_usd") {
            let at = if states("daily_budget_usd") { "daily_budget_usd" } else { "monthly_budget_usd" };
            if let Some(message) =
                above(rules.daily_budget_usd, rules.monthly_budget_usd, "daily_budget_usd", "monthly_budget_usd")
            {
                self.at(&path(at), message);
            }
        }
        if states("rollout") {
            let baked = f64::from(rules.rollout.bake_minutes.iter().sum::<u32>()) / 60.0;
            if baked > rules.rollout.deadline_hours {
                let message = format!(
                    "gives up after {} hours, but `bake_minutes` alone take {}; no rollout could end",
                    short(rules.rollout.deadline_hours),
                    short(baked)
                );
                self.problem(&path("rollout"), "deadline_hours", &message);
            }
        }
        let known = self.known;
        let mut report = reporter(self.layers, prefix, known, self.found);
        for rule in &rules.rules {
            one(rule, rules, &mut report);
        }
        opposed(&rules.rules, &mut report);
    }

    /// Reports a budget of a day over all services that is above the one of a month.
    pub(super) fn totals(&mut self, daily: Option<f64>, monthly: Option<f64>) {
        if let Some(message) = above(daily, monthly, "total_daily_budget_usd", "total_monthly_budget_usd") {
            let stated = ["total_daily_budget_usd", "total_monthly_budget_usd"];
            let first = stated.into_iter().find(|name| self.layers.first().is_some_and(|layer| layer.states(name)));
            self.at(first.unwrap_or(stated[0]), message);
        }
    }

    /// Reports at the topmost layer that states the field.
    fn at(&mut self, path: &str, message: String) {
        let layer = self.layers.iter().find(|layer| layer.states(path)).or(self.layers.first());
        self.found.extend(layer.map(|layer| layer.problem(path, message)));
    }
}

fn above(daily: Option<f64>, monthly: Option<f64>, one: &str, other: &str) -> Option<String> {
    let (daily, monthly) = (daily?, monthly?);
    (daily > monthly).then(|| {
        format!("allows more in a day than in a month: `{one}` is {}, `{other}` {}", short(daily), short(monthly))
    })
}

/// Why a named model could never be used.
fn barred(model: &str, rules: &Rules) -> Option<String> {
    let models = &rules.models;
    if let Some(pattern) = models.deny.iter().find(|pattern| matches(pattern, model)) {
        return Some(format!("the policy denies `{}`", shown(pattern)));
    }
    let allowed = models.allow.is_empty() || models.allow.iter().any(|pattern| matches(pattern, model));
    (!allowed).then(|| "the policy allows other models only".to_owned())
}

/// One rule against the rest of the policy.
fn one(rule: &Rule, rules: &Rules, report: Report<'_>) {
    let mut says = |field: &str, message: String| report("rules", &rule.id, field, message);
    match &rule.then {
        Then::SwitchModel(model) | Then::Experiment(model) => {
            let field = if matches!(rule.then, Then::Experiment(_)) { "then.experiment" } else { "then.switch_model" };
            if let Some(why) = barred(model, rules) {
                says(field, format!("names `{}`, but {why} under `models`", shown(model)));
            }
            if matches!(rule.then, Then::Experiment(_)) && rules.experiments.mode == Mode::Off {
                says(field, "begins an experiment, but `experiments: { mode: off }` allows none".into());
            }
        }
        Then::Adjust(moves) => {
            for (parameter, how) in moves {
                let name = parameter.name();
                let field = format!("then.adjust.{name}");
                let Some(range) = rules.parameters.get(parameter) else {
                    let known: Vec<&str> = rules.parameters.keys().map(|parameter| parameter.name()).collect();
                    let known =
                        if known.is_empty() { "allows none".into() } else { format!("allows only {}", one_of(&known)) };
                    says(&field, format!("changes {name}, but `parameters` {known}; add its range there"));
                    continue;
                };
                match how {
                    Adjustment::Set(value) if *value < range.min || *value > range.max => {
                        let (min, max) = (short(range.min), short(range.max));
                        says(&field, format!("sets {}, but `parameters` allow {min} to {max}", short(*value)));
                    }
                    Adjustment::Add(step) if step.abs() > range.max_step => {
                        let most = short(range.max_step);
                        says(&field, format!("moves by {}, but `parameters` allow steps of {most}", short(*step)));
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// Reports rules of one condition and one priority that want different models: neither could go first.
fn opposed(rules: &[Rule], report: Report<'_>) {
    let mut first: HashMap<(&str, i32), (&Rule, &str)> = HashMap::new();
    for rule in rules.iter().filter(|rule| rule.mode == Mode::Enforce) {
        let Then::SwitchModel(model) = &rule.then else { continue };
        let key = (rule.when.text.trim(), rule.priority);
        let (other, wanted) = *first.entry(key).or_insert((rule, model.as_str()));
        if wanted != model {
            let message = format!(
                "wants `{}` where rule `{}` wants `{}`, with the same `when` and the same `priority`; give one of them a higher priority",
                shown(model),
                shown(&other.id),
                shown(wanted)
            );
            report("rules", &rule.id, "then.switch_model", message);
        }
    }
}

/// What a policy relies on and a price table does not have: models without a price, and with data residency models
/// without a region. Sentences for people; nothing of it stops a policy from being used, since such a model is refused.
#[must_use]
pub fn unpriced(policy: &Policy, table: &ModelTable) -> Vec<String> {
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    let all =
        std::iter::once((None, &policy.default)).chain(policy.services.iter().map(|(name, rules)| (Some(name), rules)));
    for (service, rules) in all {
        let of = service.map_or(String::new(), |name| format!(" of `{}`", shown(name)));
        let switched = rules.rules.iter().filter_map(|rule| match &rule.then {
            Then::SwitchModel(model) | Then::Experiment(model) => {
                Some((format!("rule `{}`{of}", shown(&rule.id)), model))
            }
            _ => None,
        });
        let considered = rules.models.consider.iter().map(|model| (format!("`models.consider`{of}"), model));
        let backup = rules.backup_model.iter().map(|model| (format!("`backup_model`{of}"), model));
        for (place, model) in switched.chain(considered).chain(backup) {
            let Some((provider, name)) = model.split_once('/') else { continue };
            let model = shown(model);
            if table.price_of(Some(provider), name).is_none() {
                told.entry(model.clone())
                    .or_insert(format!("{place} names `{model}`, which has no price; add it to `models.yaml`"));
            } else if !rules.models.regions.is_empty() {
                let entry = table
                    .models()
                    .iter()
                    .find(|entry| entry.provider == provider && entry.model == name && entry.region.is_some());
                let region = entry.and_then(|entry| entry.region.as_deref());
                let allowed = region
                    .is_some_and(|region| rules.models.regions.iter().any(|one| one.eq_ignore_ascii_case(region)));
                if !allowed {
                    let where_to = region.map_or("nobody says where it is hosted".to_owned(), |region| {
                        format!("it is hosted in {}", shown(region))
                    });
                    told.entry(model.clone())
                        .or_insert(format!("{place} names `{model}`, but `models.regions` bars it: {where_to}"));
                }
            }
        }
    }
    told.into_values().collect()
}
