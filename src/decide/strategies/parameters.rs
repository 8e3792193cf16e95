//! Parameters of the model in force: how long an answer may get, from how long answers are; how random it is, from the task and the
//! course of quality. Only what the policy lets be changed, inside its range, one step at a time.

use super::{Idea, New};
use crate::{
    decide::{case::Case, predict, rules::Fired},
    domain::{
        Arm, Configuration, FindingKind, Metric, Setting, format,
        plan::{Rung, Step, StepOutcome, Strategy},
        policy::{Adjustment, Parameter, ParameterRange, Task, Then},
    },
};

/// More answers than this that end at the limit are no accident.
const CUT_OFF: f64 = 0.01;

/// Of the answers, this share stays whole under a lower limit.
const WHOLE: f64 = 0.99;

/// Limits of length go in steps of so many tokens.
const GRAIN: f64 = 16.0;

pub(super) fn ideas(case: &Case<'_>, current: &Arm, steps: &mut Vec<Step>) -> Vec<Idea> {
    let mut abstain = |why: &str| {
        let by = "adaptive parameters".to_owned();
        steps.push(Step { rung: Rung::Optimizer, by, outcome: StepOutcome::Abstained, why: why.to_owned() });
        Vec::new()
    };
    if case.rules.parameters.is_empty() {
        return Vec::new();
    }
    let present = case.configurations.and_then(|known| known.of(current.config_version.as_deref(), true));
    let Some(present) = present else {
        return abstain("the parameters in force are not known; `--configurations` tells them");
    };
    let mut ideas: Vec<Idea> =
        length(case, current, present).into_iter().chain(randomness(case, current, present)).collect();
    ideas.extend(case.spoken.fired.iter().filter_map(|rule| by_rule(case, current, present, rule)));
    ideas
}

/// What a rule of the policy asks for, as far as one step goes.
fn by_rule(case: &Case<'_>, current: &Arm, present: &Configuration, rule: &Fired) -> Option<Idea> {
    let Then::Adjust(adjustments) = &rule.then else { return None };
    let moved = |(parameter, adjustment): (&Parameter, &Adjustment)| {
        let range = case.rules.parameters.get(parameter)?;
        let now = present.number(parameter.name())?;
        let wanted = match adjustment {
            Adjustment::Set(value) => *value,
            Adjustment::Add(value) => now + value,
            Adjustment::Times(factor) => now * factor,
        };
        let target = within_a_step(range, now, wanted);
        let target = if parameter.whole() { target.round() } else { target };
        (target.total_cmp(&now).is_ne()).then_some((*parameter, target))
    };
    let to: Vec<(Parameter, f64)> = adjustments.iter().filter_map(moved).collect();
    (!to.is_empty()).then(|| Idea {
        predicted: predict::present_but_quality(case, current),
        trial: Some(rule.mark()),
        ..changed(current, present, &to)
    })
}

/// The present configuration with other numbers.
pub(in crate::decide) fn changed(current: &Arm, present: &Configuration, to: &[(Parameter, f64)]) -> Idea {
    let setting = |(parameter, value): &(Parameter, f64)| Setting {
        key: parameter.name().to_owned(),
        from: present.get(parameter.name()).map(str::to_owned),
        to: shown(*parameter, *value),
    };
    Idea {
        settings: to.iter().map(setting).collect(),
        settings_are_new: Some(New),
        ..Idea::of(current.clone(), Strategy::AdaptiveParameters)
    }
}

fn shown(parameter: Parameter, value: f64) -> String {
    if parameter.whole() { format!("{value:.0}") } else { format!("{}", (value * 1_000.0).round() / 1_000.0) }
}

/// The value nearest to `wanted` that one step from `present` reaches inside the range.
pub(in crate::decide) fn within_a_step(range: &ParameterRange, present: f64, wanted: f64) -> f64 {
    let relative = range.max_step_percent.map_or(f64::INFINITY, |percent| present.abs() * percent / 100.0);
    let step = range.max_step.min(relative);
    wanted.clamp(present - step, present + step).clamp(range.min, range.max)
}

/// Another limit on the length of answers: higher where many end at it, lower where hardly any comes near.
fn length(case: &Case<'_>, current: &Arm, present: &Configuration) -> Option<Idea> {
    let range = case.rules.parameters.get(&Parameter::MaxTokens)?;
    let limit = present.number(Parameter::MaxTokens.name()).filter(|limit| *limit >= 1.0)?;
    let tokens = &case.arms.get(current)?.lookback.output_tokens;
    if tokens.rows() < case.rules.evidence.min_requests {
        return None;
    }
    // The histogram is exact to one percent.
    let cut_off = tokens.share_above(limit * 0.99);
    if cut_off > CUT_OFF {
        let target = within_a_step(range, limit, 2.0 * limit).floor();
        let trial = format!(
            "{} of the answers end at the limit of {} tokens",
            format::percent(cut_off),
            format::count(limit as u64)
        );
        return (target > limit).then(|| Idea {
            predicted: predict::present_but_quality(case, current),
            trial: Some(trial),
            ..changed(current, present, &[(Parameter::MaxTokens, target)])
        });
    }
    let wanted = (tokens.quantile(WHOLE)? / GRAIN).ceil() * GRAIN;
    let target = within_a_step(range, limit, wanted).ceil();
    let predicted = (target < limit).then(|| predict::shorter(case, current, target)).flatten()?;
    Some(Idea { predicted: Some(predicted), ..changed(current, present, &[(Parameter::MaxTokens, target)]) })
}

/// Less randomness where quality is in trouble and the task needs none.
fn randomness(case: &Case<'_>, current: &Arm, present: &Configuration) -> Option<Idea> {
    let trouble = case.findings.iter().find(|finding| match finding.kind {
        FindingKind::QualityLow | FindingKind::QualityDrop => true,
        FindingKind::Trend | FindingKind::LevelShift => finding.evidence.metric == Some(Metric::Quality),
        _ => false,
    })?;
    let usual = |parameter| match (case.rules.task?, parameter) {
        (Task::Classification, Parameter::Temperature) => Some(0.1),
        (Task::Extraction, Parameter::Temperature) => Some(0.0),
        (Task::Generation, Parameter::Temperature) => Some(0.8),
        (Task::Classification | Task::Extraction, Parameter::TopP) => Some(0.9),
        (Task::Generation, Parameter::TopP) => Some(0.95),
        (_, Parameter::TopK | Parameter::MaxTokens) => None,
    };
    let lower = |parameter: Parameter| {
        let range = case.rules.parameters.get(&parameter)?;
        let now = present.number(parameter.name())?;
        // Where nobody says what the task is, a fifth less.
        let wanted = usual(parameter).unwrap_or(0.8 * now);
        let target = within_a_step(range, now, wanted);
        (target < now).then_some((parameter, target))
    };
    let to: Vec<(Parameter, f64)> =
        [Parameter::Temperature, Parameter::TopP].into_iter().find_map(lower).into_iter().collect();
    (!to.is_empty()).then(|| Idea {
        predicted: predict::present_but_quality(case, current),
        trial: Some(format!("{}; less randomness may help", trouble.summary)),
        ..changed(current, present, &to)
    })
}
