//! Prompts declared in the policy. A variant that has served is an arm like any other; one that has not is worth a trial, because
//! somebody wrote it for that.

use super::{Idea, New};
use crate::{
    decide::{case::Case, predict},
    domain::{Arm, Setting, plan::Strategy},
};

pub(super) fn ideas(case: &Case<'_>, current: &Arm) -> Vec<Idea> {
    let served = |version: &str| case.arms.keys().any(|arm| arm.config_version.as_deref() == Some(version));
    let present = case.configurations.and_then(|known| known.of(current.config_version.as_deref(), true));
    let present = present.and_then(|configuration| configuration.get("system_prompt"));
    let untried = case
        .rules
        .prompts
        .iter()
        .filter(|(version, variant)| !served(version) && present != Some(variant.system_prompt.as_str()));
    let idea = |(version, variant): (&String, &crate::domain::policy::PromptVariant)| Idea {
        settings: vec![Setting {
            key: "system_prompt".to_owned(),
            from: present.map(str::to_owned),
            to: variant.system_prompt.clone(),
        }],
        settings_are_new: Some(New),
        predicted: predict::present_but_quality(case, current),
        trial: Some(if variant.note.is_empty() {
            format!("the policy declares the prompt `{version}`, and nobody has tried it")
        } else {
            format!("the policy declares the prompt `{version}` ({}), and nobody has tried it", variant.note)
        }),
        ..Idea::of(Arm { config_version: Some(version.clone()), ..current.clone() }, Strategy::PromptVariants)
    };
    untried.map(idea).collect()
}
