//! Gauges of the run that wrote them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Figures,
    text::{Family, Kind},
};
use crate::domain::{run::AlertKind, tally::Ending};

pub(super) fn last_run<'a>(figures: &Figures<'a>) -> Vec<Family<'a>> {
    let Figures { version, run, ending, ended_at, phases, source, tally, .. } = *figures;
    let mut alerts: BTreeMap<&str, u64> = AlertKind::ALL.iter().map(|kind| (kind.name(), 0)).collect();
    for alert in &run.alerts {
        *alerts.entry(alert.kind.name()).or_default() += 1;
    }
    let at = |time: Timestamp| time.as_millisecond() as f64 / 1000.0;
    vec![
        Family::new(Kind::Gauge, "optimizer_build_info", "Always 1; the version is a label.")
            .with(vec![("version", version)], 1.0),
        Family::new(
            Kind::Gauge,
            "optimizer_last_run_timestamp_seconds",
            "End of the last run that held the lease, seconds since 1970.",
        )
        .one(Some(at(ended_at))),
        Family::new(Kind::Gauge, "optimizer_last_run_success", "Whether the last run went well.")
            .with(vec![("scope", run.scope.name())], f64::from(u8::from(ending == Ending::Fine))),
        Family::new(
            Kind::Gauge,
            "optimizer_last_success_timestamp_seconds",
            "End of the last run that went well, seconds since 1970.",
        )
        .one(tally.last_fine_at.map(at)),
        Family::new(Kind::Gauge, "optimizer_phase_duration_seconds", "How long each part of the last run took.")
            .all(phases.iter().map(|(phase, took)| (vec![("phase", phase.name())], took.as_secs_f64()))),
        Family::new(Kind::Gauge, "optimizer_alerts", "What wanted a person in the last run, by kind.")
            .all(alerts.into_iter().map(|(kind, count)| (vec![("kind", kind)], count as f64))),
        Family::new(
            Kind::Gauge,
            "optimizer_data_until_timestamp_seconds",
            "End of the traffic that the last run read, seconds since 1970.",
        )
        .one(run.data_until.map(at)),
        Family::new(Kind::Gauge, "optimizer_source_rows_read", "Rows that the last run read.")
            .one(source.map(|source| source.rows_read as f64)),
        Family::new(
            Kind::Gauge,
            "optimizer_source_rows_rejected",
            "Rows that no statistic of the last run saw, by reason.",
        )
        .all(source.iter().flat_map(|source| {
            let by_reason = source.rejected.iter();
            by_reason.map(|(reason, count)| (vec![("reason", reason.as_str())], *count as f64))
        })),
    ]
}
