//! Another model for a segment: what has served it, what the policy wants weighed, what its rules name, and the backup.
//! Segments are weighed one by one, so a service may end up with a cheap model for simple requests and a strong one for the rest.

use std::collections::BTreeSet;

use super::Idea;
use crate::{
    decide::{case::Case, predict},
    domain::{Arm, Setting, plan::Strategy},
    stats::ArmEvidence,
};

pub(super) fn ideas(case: &Case<'_>, current: &Arm) -> Vec<Idea> {
    let named = |names: &[String]| names.iter().map(|name| arm_of(name, current)).collect::<Vec<Arm>>();
    let wanted: [(Strategy, Vec<Arm>); 3] = [
        (Strategy::CostPerformance, named(&case.rules.models.consider)),
        (Strategy::Rule, named(&case.spoken.models())),
        (
            Strategy::ThresholdHeuristics,
            case.rules.backup_model.as_ref().map(|name| arm_of(name, current)).into_iter().collect(),
        ),
    ];
    let mut known: BTreeSet<(Option<String>, String)> =
        case.arms.keys().chain([current]).map(|arm| (arm.provider.clone(), arm.model.clone())).collect();
    // What has served too little to be judged by itself is judged by what it does elsewhere, too.
    let thin = |evidence: &ArmEvidence| evidence.lookback.requests.rows < case.rules.evidence.min_requests;
    let seen = case.arms.iter().filter(|(arm, _)| *arm != current).map(|(arm, evidence)| {
        let lend = thin(evidence) && !arm.same_model(current);
        let predicted = if lend { predict::elsewhere(case, current, arm) } else { None };
        Idea { predicted, ..Idea::of(arm.clone(), Strategy::CostPerformance) }
    });
    let mut ideas: Vec<Idea> = seen.collect();
    for (strategy, arms) in wanted {
        for arm in arms {
            if known.insert((arm.provider.clone(), arm.model.clone())) {
                ideas.push(Idea { predicted: predict::elsewhere(case, current, &arm), ..Idea::of(arm, strategy) });
            }
        }
    }
    for idea in &mut ideas {
        idea.settings = settings(case, current, &idea.arm);
    }
    ideas
}

/// `provider/model`, or a model whose provider nobody names, under the config version in force.
fn arm_of(name: &str, current: &Arm) -> Arm {
    let (provider, model) =
        name.split_once('/').map_or((None, name), |(provider, model)| (Some(provider.to_owned()), model));
    Arm { provider, model: model.to_owned(), config_version: current.config_version.clone() }
}

/// What has to be set to come to this arm: the configuration it ran under where that is known, and the model in any case.
fn settings(case: &Case<'_>, current: &Arm, arm: &Arm) -> Vec<Setting> {
    let known = case.configurations;
    let present = known.and_then(|known| known.of(current.config_version.as_deref(), true));
    let version = arm.config_version.as_deref();
    let wanted =
        known.filter(|_| version != current.config_version.as_deref()).and_then(|known| known.of(version, false));
    let mut settings = present.zip(wanted).map_or_else(Vec::new, |(present, wanted)| present.changes_to(wanted));
    let mut set = |key: &str, from: Option<&String>, to: Option<&String>| {
        let Some(to) = to.filter(|to| from != Some(to)) else { return };
        if !settings.iter().any(|setting| setting.key == key) {
            settings.push(Setting { key: key.to_owned(), from: from.cloned(), to: to.clone() });
        }
    };
    set("model", Some(&current.model), Some(&arm.model));
    set("provider", current.provider.as_ref(), arm.provider.as_ref());
    settings.sort();
    settings
}
