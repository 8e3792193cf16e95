//! What has to be written for a rollout to come to a step, or back.

use crate::domain::{
    policy::RolloutStrategy,
    rollout::Rollout,
    service_id::{ServiceId, ServiceIdError},
};

use super::{
    intent::What,
    sink::{Expected, Job, Operation, Rollback, Scope, Target, Write, idempotency_key},
};

/// Who walks through the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progression {
    /// Each run writes the next one.
    Client,
    /// The sink does, and is watched.
    Server,
}

/// Who writes, as sinks record it.
pub const WRITTEN_BY: &str = concat!("llm-auto-optimizer/", env!("CARGO_PKG_VERSION"));

/// The job. `expected` is what the sink shows now; none where it knows no such service.
pub fn job(
    rollout: &Rollout,
    what: &What,
    expected: Option<&str>,
    progression: Progression,
    error_limit: f64,
) -> Result<Job, ServiceIdError> {
    let service = ServiceId::new(&rollout.service)?;
    // The same decision begun again after it was dropped is another write.
    let begun = format!("{}@{}", rollout.id, rollout.started_at);
    let key = |step, operation| idempotency_key(&service, &begun, number(rollout, step), operation);
    Ok(match what {
        What::Expose { step } => {
            let at = rollout.steps[*step];
            let share = at.written_percent();
            let operation = if expected.is_none() { Operation::Create } else { Operation::Replace };
            let shares = rollout.steps.iter().map(|step| step.share_percent).filter(|each| *each >= share);
            let strategy = match rollout.strategy {
                RolloutStrategy::Shadow if at.mirrored_percent == 0 => RolloutStrategy::Canary,
                strategy => strategy,
            };
            Job::Write(Write {
                key: key(*step, operation),
                expected: expected.map_or(Expected::Absent, |version| Expected::Version(version.to_owned())),
                configuration: rollout.to.configuration.clone(),
                baseline: Some(rollout.from.configuration.clone()),
                percentage: share,
                strategy,
                progression: match progression {
                    Progression::Client => vec![share],
                    Progression::Server => shares.collect(),
                },
                interval_minutes: rollout.steps[*step].bake_minutes,
                rollback_on_error_rate: (progression == Progression::Server).then_some(error_limit),
                decision_id: rollout.id.clone(),
                rationale: rollout.reason.clone(),
                requested_by: WRITTEN_BY.to_owned(),
                config_version: rollout.to.id.clone(),
                service,
            })
        }
        // The sink does not go back by itself, so it is given what was there before.
        What::RollBack { because } if rollout.rollback_refused.is_some() => Job::Write(Write {
            key: key(usize::MAX, Operation::Replace),
            expected: Expected::Version(expected.or(rollout.deployed.as_deref()).unwrap_or_default().to_owned()),
            configuration: rollout.from.configuration.clone(),
            baseline: None,
            percentage: 100,
            strategy: RolloutStrategy::Immediate,
            progression: vec![100],
            interval_minutes: 0,
            rollback_on_error_rate: None,
            decision_id: rollout.id.clone(),
            rationale: because.clone(),
            requested_by: WRITTEN_BY.to_owned(),
            config_version: rollout.from.id.clone(),
            service,
        }),
        What::RollBack { because } => Job::Rollback(Rollback {
            key: key(usize::MAX, Operation::Rollback),
            expected: expected.or(rollout.deployed.as_deref()).unwrap_or_default().to_owned(),
            target: rollout.from.in_sink.clone().map_or(Target::Previous, Target::Version),
            scope: if rollout.share_percent() == 100 { Scope::All } else { Scope::Canary },
            reason: because.clone(),
            configuration: rollout.from.configuration.clone(),
            config_version: Some(rollout.from.id.clone()),
            decision_id: rollout.id.clone(),
            requested_by: WRITTEN_BY.to_owned(),
            service,
        }),
    })
}

/// The number of a step in its key. After a restart the same step is another write.
fn number(rollout: &Rollout, step: usize) -> u32 {
    rollout.restarts.wrapping_mul(1_000).wrapping_add(u32::try_from(step).unwrap_or(999))
}
