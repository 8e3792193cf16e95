//! Rules and governance: the written form to the domain types.

use std::collections::BTreeMap;

use crate::decide::condition::compile;
use crate::domain::{
    Severity, duration,
    policy::{
        Adjustment, Condition, GovernanceAction, GovernanceKind, GovernancePolicy, GovernanceRule, Mode, Parameter,
        Rule, Then,
    },
};

use super::convert::Report;
use super::problems::{entry, one_of};
use super::shape_rules::{
    AdjustYaml, AdjustmentYaml, AlertYaml, GovernanceRuleYaml, GovernanceYaml, RuleYaml, ThenYaml,
};

/// The rules that are sound; what is wrong with the others is reported.
pub(super) fn listed(yaml: Vec<RuleYaml>, report: Report<'_>) -> Vec<Rule> {
    yaml.into_iter().filter_map(|rule| self::rule(rule, report)).collect()
}

fn rule(yaml: RuleYaml, report: Report<'_>) -> Option<Rule> {
    let RuleYaml { id, description, when, hold, cooldown, max_per_day, priority, mode, then } = yaml;
    // Without an `id` the sieve has reported it.
    let id = id?;
    let mut says = |field: &str, message: String| report("rules", &id, field, message);
    if when.is_none() {
        says("", "states no `when`; say when it fires, in CEL: `when: errors.rate > 0.05`".into());
    }
    let when = when.and_then(|text| condition(text, &mut |message| says("when", message)));
    let then = if let Some(then) = then {
        self::then(then, &mut says)
    } else {
        says("", "states no `then`; say what it does: `then: { switch_model: provider/model }`".into());
        None
    };
    // The sieve let only sound durations through.
    let minutes = |text: Option<String>| text.and_then(|text| duration::minutes(&text).ok()).unwrap_or(0);
    Some(Rule {
        description: description.unwrap_or_default(),
        when: when?,
        hold_minutes: minutes(hold),
        cooldown_minutes: minutes(cooldown),
        max_per_day,
        priority: priority.unwrap_or(0),
        mode: mode.map_or(Mode::Enforce, Mode::from),
        then: then?,
        id,
    })
}

/// What a rule does: exactly one thing.
fn then(yaml: ThenYaml, says: &mut dyn FnMut(&str, String)) -> Option<Then> {
    let ThenYaml { switch_model, rollback, adjust, experiment, alert, deny, warn } = yaml;
    if rollback == Some(false) {
        says("then.rollback", "says that nothing is done; write `true`, or delete the rule".into());
        return None;
    }
    let adjust = match adjust.map(|adjust| self::adjust(adjust, says)) {
        Some(None) => return None,
        Some(Some(adjust)) => Some(adjust),
        None => None,
    };
    let stated = [
        ("switch_model", switch_model.map(Then::SwitchModel)),
        ("rollback", rollback.map(|_| Then::Rollback)),
        ("adjust", adjust.map(Then::Adjust)),
        ("experiment", experiment.map(Then::Experiment)),
        ("alert", alert.map(self::alert)),
        ("deny", deny.map(Then::Deny)),
        ("warn", warn.map(Then::Warn)),
    ];
    let names: Vec<&str> = stated.iter().filter(|(_, then)| then.is_some()).map(|(name, _)| *name).collect();
    let known: Vec<&str> = stated.iter().map(|(name, _)| *name).collect();
    if names.len() == 1 {
        return stated.into_iter().find_map(|(_, then)| then);
    }
    says(
        "then",
        if names.is_empty() {
            format!("says nothing to do; write one of {}", one_of(&known))
        } else {
            format!("wants one thing to do, got {}; make a rule of each", names.join(", "))
        },
    );
    None
}

fn alert(yaml: AlertYaml) -> Then {
    let AlertYaml { severity, message } = yaml;
    Then::Alert { severity: severity.map_or(Severity::Medium, Severity::from), message: message.unwrap_or_default() }
}

fn adjust(yaml: AdjustYaml, says: &mut dyn FnMut(&str, String)) -> Option<BTreeMap<Parameter, Adjustment>> {
    let (mut moves, mut sound) = (BTreeMap::new(), true);
    let AdjustYaml { temperature, top_p, top_k, max_tokens } = yaml;
    for (parameter, yaml) in Parameter::ALL.into_iter().zip([temperature, top_p, top_k, max_tokens]) {
        let Some(yaml) = yaml else { continue };
        let AdjustmentYaml { set, add, times } = yaml;
        match (set, add, times) {
            (Some(value), None, None) => moves.insert(parameter, Adjustment::Set(value)),
            (None, Some(value), None) => moves.insert(parameter, Adjustment::Add(value)),
            (None, None, Some(value)) => moves.insert(parameter, Adjustment::Times(value)),
            _ => {
                sound = false;
                let message = "wants exactly one of `set`, `add` or `times`";
                says(&format!("then.adjust.{}", parameter.name()), message.into());
                None
            }
        };
    }
    if moves.is_empty() && sound {
        says("then.adjust", "names no parameter; write for example `{ temperature: { add: -0.1 } }`".into());
    }
    (sound && !moves.is_empty()).then_some(moves)
}

/// The governance policies that are sound.
pub(super) fn governance(yaml: Vec<GovernanceYaml>, report: Report<'_>) -> Vec<GovernancePolicy> {
    yaml.into_iter().filter_map(|policy| governance_policy(policy, report)).collect()
}

fn governance_policy(yaml: GovernanceYaml, report: Report<'_>) -> Option<GovernancePolicy> {
    let GovernanceYaml { id, name, kind, rules } = yaml;
    let id = id?;
    let mut says = |field: &str, message: String| report("policies", &id, field, message);
    if kind.is_none() {
        says("", "states no `type`; it is `cost`, `compliance`, `quality` or `security`".into());
    }
    if rules.is_none() {
        says("", "states no `rules`; each has a `condition`, an `action` and a `message`".into());
    }
    let rules: Vec<GovernanceRule> = rules?
        .into_iter()
        .enumerate()
        .filter_map(|(at, rule)| {
            let GovernanceRuleYaml { condition, action, message } = rule;
            let field = format!("{}.condition", entry("rules", at));
            let condition = self::condition(condition?, &mut |message| says(&field, message))?;
            let message = message.unwrap_or_else(|| condition.text.clone());
            Some(GovernanceRule { condition, action: GovernanceAction::from(action?), message })
        })
        .collect();
    Some(GovernancePolicy { name: name.unwrap_or_else(|| id.clone()), kind: GovernanceKind::from(kind?), rules, id })
}

/// A condition that compiles.
fn condition(text: String, says: &mut dyn FnMut(String)) -> Option<Condition> {
    match compile(&text) {
        Ok(compiled) => Some(Condition { names: compiled.names().iter().map(|&name| name.to_owned()).collect(), text }),
        Err(message) => {
            says(message);
            None
        }
    }
}
