//! Parameters, prompts and experiments: the written form to the domain types.

use std::collections::BTreeMap;

use crate::domain::policy::{Experiments, Mode, Parameter, ParameterRange, PromptVariant};

use super::convert::Needed;
use super::shape_space::{ExperimentsYaml, ParametersYaml, PromptVariantYaml, RangeYaml};

pub(super) fn parameters(yaml: ParametersYaml) -> BTreeMap<Parameter, ParameterRange> {
    let ParametersYaml { temperature, top_p, top_k, max_tokens } = yaml;
    let written = [
        (Parameter::Temperature, temperature),
        (Parameter::TopP, top_p),
        (Parameter::TopK, top_k),
        (Parameter::MaxTokens, max_tokens),
    ];
    written.into_iter().filter_map(|(parameter, range)| Some((parameter, self::range(range?)))).collect()
}

fn range(yaml: RangeYaml) -> ParameterRange {
    let RangeYaml { min, max, max_step, max_step_percent } = yaml;
    // Both ends are required; the sieve has reported a range that lacks one.
    let (min, max) = (min.unwrap_or_default(), max.unwrap_or_default());
    ParameterRange { min, max, max_step: max_step.unwrap_or(max - min), max_step_percent }
}

pub(super) fn prompts(yaml: BTreeMap<String, PromptVariantYaml>) -> BTreeMap<String, PromptVariant> {
    let variant = |(version, yaml)| {
        let PromptVariantYaml { system_prompt, note } = yaml;
        (version, PromptVariant { system_prompt: system_prompt.unwrap_or_default(), note: note.unwrap_or_default() })
    };
    yaml.into_iter().map(variant).collect()
}

pub(super) fn experiments(yaml: Option<ExperimentsYaml>, needed: &mut Needed) -> Experiments {
    let Some(yaml) = yaml else { return Experiments::NONE };
    let ExperimentsYaml { mode, max_share_percent, points_per_day, floor_percent, min_probability, max_days } = yaml;
    Experiments {
        mode: Mode::from(needed.get("experiments.mode", mode)),
        max_share_percent: needed.get("experiments.max_share_percent", max_share_percent),
        points_per_day: needed.get("experiments.points_per_day", points_per_day),
        floor_percent: needed.get("experiments.floor_percent", floor_percent),
        min_probability: needed.get("experiments.min_probability", min_probability),
        max_days: needed.get("experiments.max_days", max_days),
    }
}
