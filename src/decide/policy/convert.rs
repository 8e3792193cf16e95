//! The written form to the domain types, every field destructured: a new one does not build until somebody decided
//! what becomes of it.

use crate::domain::policy::{
    Constraints, DecisionLimits, Evidence, Mode, ModelRules, Objectives, RollbackLimits, RolloutSteps, Rules,
    Thresholds,
};

use super::shape::{
    ConstraintsYaml, DecisionYaml, EvidenceYaml, LimitYaml, ModelRulesYaml, ObjectivesYaml, RollbackYaml, RolloutYaml,
    RulesYaml, ThresholdsYaml,
};

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

/// Everything that applies to one service.
pub(super) fn rules(yaml: RulesYaml, needed: &mut Needed) -> Rules {
    let RulesYaml {
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
    } = yaml;
    Rules {
        mode: Mode::from(needed.get("mode", mode)),
        objectives: self::objectives(objectives.unwrap_or_default(), needed),
        thresholds: self::thresholds(thresholds.unwrap_or_default(), needed),
        constraints: self::constraints(constraints.unwrap_or_default(), needed),
        evidence: self::evidence(evidence.unwrap_or_default(), needed),
        decision: self::decision(decision.unwrap_or_default(), needed),
        rollout: self::rollout(rollout.unwrap_or_default(), needed),
        rollback: self::rollback(rollback.unwrap_or_default(), needed),
        models: self::models(models.unwrap_or_default(), needed),
        daily_budget_usd: needed.get("daily_budget_usd", daily_budget_usd.map(LimitYaml::amount)),
        monthly_budget_usd: monthly_budget_usd.and_then(LimitYaml::amount),
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
    let ConstraintsYaml { quality_drop_percent, latency_increase_percent, error_rate, cost_per_request_usd } = yaml;
    let cost = cost_per_request_usd.map(LimitYaml::amount);
    Constraints {
        quality_drop_percent: needed.get("constraints.quality_drop_percent", quality_drop_percent),
        latency_increase_percent: needed.get("constraints.latency_increase_percent", latency_increase_percent),
        error_rate: needed.get("constraints.error_rate", error_rate),
        cost_per_request_usd: needed.get("constraints.cost_per_request_usd", cost),
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
    let RolloutYaml { steps_percent, bake_minutes } = yaml;
    RolloutSteps {
        steps_percent: needed.get("rollout.steps_percent", steps_percent),
        bake_minutes: needed.get("rollout.bake_minutes", bake_minutes),
    }
}

fn rollback(yaml: RollbackYaml, needed: &mut Needed) -> RollbackLimits {
    let RollbackYaml {
        automatic,
        quality_drop_percent,
        latency_increase_percent,
        error_rate_increase_points,
        cost_ratio,
    } = yaml;
    RollbackLimits {
        automatic: needed.get("rollback.automatic", automatic),
        quality_drop_percent: needed.get("rollback.quality_drop_percent", quality_drop_percent),
        latency_increase_percent: needed.get("rollback.latency_increase_percent", latency_increase_percent),
        error_rate_increase_points: needed.get("rollback.error_rate_increase_points", error_rate_increase_points),
        cost_ratio: needed.get("rollback.cost_ratio", cost_ratio),
    }
}

fn models(yaml: ModelRulesYaml, needed: &mut Needed) -> ModelRules {
    let ModelRulesYaml { allow, deny, consider } = yaml;
    ModelRules {
        allow: needed.get("models.allow", allow),
        deny: needed.get("models.deny", deny),
        consider: needed.get("models.consider", consider),
    }
}
