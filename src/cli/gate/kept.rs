//! A side that is kept by the hour.

use std::collections::BTreeSet;

use crate::{
    domain::Window,
    observe::{Baseline, KeptHour},
    stats::{
        Rollup,
        gate::{KeptRequests, Requests, kept_requests},
    },
};

/// What stands for the hours of a stored baseline, and how many of them are left out because the other side has the same.
pub(super) fn hours(baseline: &Baseline, time: Option<Window>, others: &[i64]) -> (Requests, u64) {
    let taken: BTreeSet<i64> = others.iter().map(|minute| minute.div_euclid(60)).collect();
    let hour = |kept: &KeptHour| kept.start.as_second().div_euclid(3_600);
    let inside = |kept: &&KeptHour| time.is_none_or(|time| (time.start()..time.end()).contains(&kept.start));
    let all = || {
        baseline
            .services
            .iter()
            .flat_map(|(service, hours)| hours.iter().filter(inside).map(move |kept| (service, kept)))
    };
    let dropped: BTreeSet<i64> = all().map(|(_, kept)| hour(kept)).filter(|hour| taken.contains(hour)).collect();
    let rollups: Vec<(&str, i64, Rollup)> = all()
        .filter(|(_, kept)| !taken.contains(&hour(kept)))
        .filter_map(|(service, kept)| Some((service.as_str(), 60 * hour(kept), kept.rollup()?)))
        .collect();
    let kept = rollups.iter().map(|(service, minute, rollup)| KeptRequests { service, minute: *minute, rollup });
    (kept_requests(kept), dropped.len() as u64)
}
