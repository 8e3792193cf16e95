//! The written form to the domain types, every field destructured: a new one does not build until somebody decided
//! what becomes of it.

use crate::domain::policy::{
    Constraints, DecisionLimits, Evidence, GuardModes, Mode, ModelRules, Objectives, RollbackLimits, RolloutSteps,
    RolloutStrategy, Rules, SoftConstraints, Task, Thresholds,
};

use super::convert_rules::{governance, listed};
use super::convert_space::{experiments, parameters, prompts};
use super::shape::{
    ConstraintsYaml, DecisionYaml, EvidenceYaml, ModeYaml, ModelRulesYaml, ObjectivesYaml, RulesYaml, ThresholdsYaml,
};
use super::shape_limits::{LatencyLimitYaml, LimitYaml, ScoreLimitYaml};
use super::shape_rollout::{GuardsYaml, RollbackYaml, RolloutYaml};

/// Collects what nobody stated. A stand-in goes on in its place, so that the rest can be looked at too; whoever holds
/// rules with something missing must not let them out.
#[derive(Debug, Default)]
pub(super) struct Needed(Vec<&'static str>);

impl Needed {
    pub(super) fn get<T: Default>(&mut self, path: &'static str, value: Option<T>) -> T {
        value.unwrap_or_else(|| {
            self.0.push(path);
            T::default()
        })
    }

    pub(super) fn missing(&self) -> &[&'static str] {
        &self.0
    }
}

/// What is wrong with an entry of a list: the list (`rules` or `policies`), the entry's `id`, the field inside it (empty
/// for the entry itself) and the message. The caller knows where that stands.
pub(super) type Report<'a> = &'a mut dyn FnMut(&'static str, &str, &str, String);

/// Everything that applies to one service.
pub(super) fn rules(yaml: RulesYaml, needed: &mut Needed, report: Report<'_>) -> Rules {
    let RulesYaml {
        mode,
        objectives,
        thresholds,
        constraints,
        soft_constraints,
        evidence,
        decision,
        rollout,
        rollback,
        models,
        backup_model,
        task,
        parameters,
        prompts,
        experiments,
        rules,
        policies,
        daily_budget_usd,
        monthly_budget_usd,
    } = yaml;
    Rules {
        mode: Mode::from(needed.get("mode", mode)),
        objectives: self::objectives(objectives.unwrap_or_default(), needed),
        thresholds: self::thresholds(thresholds.unwrap_or_default(), needed),
        constraints: self::constraints(constraints.unwrap_or_default(), needed),
        soft: soft(soft_constraints.unwrap_or_default()),
        evidence: self::evidence(evidence.unwrap_or_default(), needed),
        decision: self::decision(decision.unwrap_or_default(), needed),
        rollout: self::rollout(rollout.unwrap_or_default(), needed),
        rollback: self::rollback(rollback.unwrap_or_default(), needed),
        models: self::models(models.unwrap_or_default(), needed),
        backup_model,
        task: task.map(Task::from),
        parameters: self::parameters(parameters.unwrap_or_default()),
        prompts: self::prompts(prompts.unwrap_or_default()),
        experiments: self::experiments(experiments, needed),
        rules: listed(rules.unwrap_or_default(), report),
        governance: governance(policies.unwrap_or_default(), report),
        daily_budget_usd: needed.get("daily_budget_usd", daily_budget_usd.map(LimitYaml::limit)),
        monthly_budget_usd: monthly_budget_usd.and_then(LimitYaml::limit),
    }
}

fn objectives(yaml: ObjectivesYaml, needed: &mut Needed) -> Objectives {
    let ObjectivesYaml { cost, latency, quality } = yaml;
    Objectives {
        cost: needed.get("objectives.cost", cost),
        latency: needed.get("objectives.latency", latency),
        quality: needed.get("objectives.quality", quality),
    }
}

fn thresholds(yaml: ThresholdsYaml, needed: &mut Needed) -> Thresholds {
    let ThresholdsYaml {
        latency_p95_ms,
        latency_increase_percent,
        error_rate,
        cost_per_request_usd,
        quality_min,
        quality_drop_percent,
        quality_coverage_min,
    } = yaml;
    Thresholds {
        latency_p95_ms: needed.get("thresholds.latency_p95_ms", latency_p95_ms),
        latency_increase_percent: needed.get("thresholds.latency_increase_percent", latency_increase_percent),
        error_rate: needed.get("thresholds.error_rate", error_rate),
        cost_per_request_usd: needed.get("thresholds.cost_per_request_usd", cost_per_request_usd),
        quality_min: needed.get("thresholds.quality_min", quality_min),
        quality_drop_percent: needed.get("thresholds.quality_drop_percent", quality_drop_percent),
        quality_coverage_min: needed.get("thresholds.quality_coverage_min", quality_coverage_min),
    }
}

fn constraints(yaml: ConstraintsYaml, needed: &mut Needed) -> Constraints {
    let ConstraintsYaml {
        quality_drop_percent,
        latency_increase_percent,
        error_rate,
        cost_per_request_usd,
        quality_min,
        latency_p95_ms,
    } = yaml;
    let cost = cost_per_request_usd.map(LimitYaml::limit);
    Constraints {
        quality_drop_percent: needed.get("constraints.quality_drop_percent", quality_drop_percent),
        latency_increase_percent: needed.get("constraints.latency_increase_percent", latency_increase_percent),
        error_rate: needed.get("constraints.error_rate", error_rate),
        cost_per_request_usd: needed.get("constraints.cost_per_request_usd", cost),
        quality_min: quality_min.and_then(ScoreLimitYaml::limit),
        latency_p95_ms: latency_p95_ms.and_then(LatencyLimitYaml::limit),
    }
}

fn soft(yaml: ConstraintsYaml) -> SoftConstraints {
    let ConstraintsYaml {
        quality_drop_percent,
        latency_increase_percent,
        error_rate,
        cost_per_request_usd,
        quality_min,
        latency_p95_ms,
    } = yaml;
    SoftConstraints {
        quality_drop_percent,
        latency_increase_percent,
        error_rate,
        cost_per_request_usd: cost_per_request_usd.and_then(LimitYaml::limit),
        quality_min: quality_min.and_then(ScoreLimitYaml::limit),
        latency_p95_ms: latency_p95_ms.and_then(LatencyLimitYaml::limit),
    }
}

fn evidence(yaml: EvidenceYaml, needed: &mut Needed) -> Evidence {
    let EvidenceYaml { min_requests, min_scored } = yaml;
    Evidence {
        min_requests: needed.get("evidence.min_requests", min_requests),
        min_scored: needed.get("evidence.min_scored", min_scored),
    }
}

fn decision(yaml: DecisionYaml, needed: &mut Needed) -> DecisionLimits {
    let DecisionYaml { min_improvement, min_confidence, max_risk } = yaml;
    DecisionLimits {
        min_improvement: needed.get("decision.min_improvement", min_improvement),
        min_confidence: needed.get("decision.min_confidence", min_confidence),
        max_risk: needed.get("decision.max_risk", max_risk),
    }
}

fn rollout(yaml: RolloutYaml, needed: &mut Needed) -> RolloutSteps {
    let RolloutYaml {
        steps_percent,
        bake_minutes,
        deadline_hours,
        strategy,
        holdout_percent,
        holdout_hours,
        cooldown_hours,
        accept_unproven,
    } = yaml;
    RolloutSteps {
        steps_percent: needed.get("rollout.steps_percent", steps_percent),
        bake_minutes: needed.get("rollout.bake_minutes", bake_minutes),
        // Younger than the section: files that state the rest of it themselves go on to load.
        deadline_hours: deadline_hours.unwrap_or(72.0),
        strategy: strategy.map_or(RolloutStrategy::Canary, RolloutStrategy::from),
        holdout_percent: holdout_percent.unwrap_or(0),
        holdout_hours: holdout_hours.unwrap_or(24.0),
        cooldown_hours: cooldown_hours.unwrap_or(6.0),
        accept_unproven: accept_unproven.unwrap_or(false),
    }
}

fn rollback(yaml: RollbackYaml, needed: &mut Needed) -> RollbackLimits {
    let RollbackYaml {
        automatic,
        quality_drop_percent,
        latency_increase_percent,
        error_rate_increase_points,
        cost_ratio,
        critical_error_rate,
        critical_min_requests,
        guards,
    } = yaml;
    let GuardsYaml { errors, latency, quality, cost } = guards.unwrap_or_default();
    let mode = |mode: Option<ModeYaml>| mode.map_or(Mode::Enforce, Mode::from);
    RollbackLimits {
        automatic: needed.get("rollback.automatic", automatic),
        quality_drop_percent: needed.get("rollback.quality_drop_percent", quality_drop_percent),
        latency_increase_percent: needed.get("rollback.latency_increase_percent", latency_increase_percent),
        error_rate_increase_points: needed.get("rollback.error_rate_increase_points", error_rate_increase_points),
        cost_ratio: needed.get("rollback.cost_ratio", cost_ratio),
        critical_error_rate: critical_error_rate.unwrap_or(0.1),
        critical_min_requests: critical_min_requests.unwrap_or(50),
        guards: GuardModes { errors: mode(errors), latency: mode(latency), quality: mode(quality), cost: mode(cost) },
    }
}

fn models(yaml: ModelRulesYaml, needed: &mut Needed) -> ModelRules {
    let ModelRulesYaml { allow, deny, consider, regions } = yaml;
    ModelRules {
        allow: needed.get("models.allow", allow),
        deny: needed.get("models.deny", deny),
        consider: needed.get("models.consider", consider),
        regions: regions.unwrap_or_default(),
    }
}
