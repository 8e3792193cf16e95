//! Gauges of what is under way.

use super::text::{Family, Kind};
use crate::domain::{rollout::Purpose, status::StatusReport};

pub(super) fn standing(status: &StatusReport) -> Vec<Family<'_>> {
    let open = || status.rollouts.iter().map(|each| &each.rollout).filter(|rollout| rollout.stage.is_open());
    let of_all = status.frozen.iter().find(|frozen| frozen.service.is_none());
    let state = match of_all {
        Some(frozen) if frozen.everything => "stopped",
        Some(_) => "paused",
        None => "going",
    };
    vec![
        Family::new(
            Kind::Gauge,
            "optimizer_control_loop_state",
            "1 for the state that operators put all services in, 0 for the others.",
        )
        .all(["going", "paused", "stopped"].map(|each| (vec![("state", each)], f64::from(u8::from(each == state))))),
        Family::new(
            Kind::Gauge,
            "optimizer_frozen",
            "1 for each service that an operator froze; the service is * for all of them.",
        )
        .all(status.frozen.iter().map(|frozen| {
            let reach = if frozen.everything { "everything" } else { "forward" };
            (vec![("service", frozen.service.as_deref().unwrap_or("*")), ("reach", reach)], 1.0)
        })),
        Family::new(Kind::Gauge, "optimizer_resting", "Seconds for which a service still rests after rollbacks.").all(
            status.resting.iter().map(|resting| {
                let left = resting.until.duration_since(status.at).as_secs_f64().max(0.0);
                (vec![("service", resting.service.as_str())], left)
            }),
        ),
        Family::new(Kind::Gauge, "optimizer_deployments_active", "Rollouts under way.")
            .one(Some(open().count() as f64)),
        Family::new(
            Kind::Gauge,
            "optimizer_deployment_share_ratio",
            "Share of the traffic that a rollout under way has, 0 to 1.",
        )
        .all(open().map(|rollout| {
            let labels = vec![("service", rollout.service.as_str()), ("purpose", purpose(rollout.purpose))];
            (labels, f64::from(rollout.share_percent()) / 100.0)
        })),
        Family::new(Kind::Gauge, "optimizer_sink_left_alone", "Whether a sink is spared after failures.").all(
            status
                .sinks
                .iter()
                .map(|sink| (vec![("sink", sink.sink.as_str())], f64::from(u8::from(sink.left_alone_until.is_some())))),
        ),
    ]
}

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Change => "change",
        Purpose::Restore => "restore",
        Purpose::Trial => "trial",
    }
}
