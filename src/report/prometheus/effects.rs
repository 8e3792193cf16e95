//! What completed changes came to.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::text::{Family, Kind};
use crate::domain::{
    plan::Measure,
    rollout::{Purpose, Rollout, Stage},
    status::RolloutStatus,
};

/// What the last completed change of each service did, against the configuration that served beside it.
pub(super) fn effects(rollouts: &[RolloutStatus]) -> Vec<Family<'_>> {
    let mut last: BTreeMap<&str, (Timestamp, &Rollout)> = BTreeMap::new();
    for RolloutStatus { rollout, .. } in rollouts {
        let Stage::Full { since } = rollout.stage else { continue };
        if rollout.purpose != Purpose::Change {
            continue;
        }
        let newest = last.entry(&rollout.service).or_insert((since, rollout));
        if since > newest.0 {
            *newest = (since, rollout);
        }
    }
    let last: Vec<&Rollout> = last.into_values().map(|(_, rollout)| rollout).collect();
    // Less is better of everything but quality.
    let family = |name, help, measure, sign: f64| {
        Family::new(Kind::Gauge, name, help).all(last.iter().filter_map(|rollout| {
            Some((vec![("service", rollout.service.as_str())], sign * rollout.effects.get(&measure)?))
        }))
    };
    vec![
        family(
            "optimizer_quality_improvement",
            "Relative gain of quality by the last completed change, measured while both configurations served.",
            Measure::Quality,
            1.0,
        ),
        family(
            "optimizer_latency_reduction",
            "Relative loss of latency p95 by the last completed change, measured while both configurations served.",
            Measure::LatencyP95Ms,
            -1.0,
        ),
        family(
            "optimizer_cost_reduction",
            "Relative loss of cost per request by the last completed change, measured while both configurations served.",
            Measure::CostPerRequestUsd,
            -1.0,
        ),
    ]
}
