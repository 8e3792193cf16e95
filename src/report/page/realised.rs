//! What completed rollouts save, as far as it was measured.

use super::rollouts::{Course, courses};
use crate::{
    domain::{
        format::{change, short, usd},
        material::Material,
        page::{Cell, Table},
        plan::Measure,
        rollout::{Stage, spared},
    },
    report::words,
};

/// The savings, and how they are to be read; nothing where none was completed.
pub(super) fn realised(material: &Material) -> (Table, Option<String>) {
    let titles = ["service", "completed (UTC)", "#cost of a request", "#interval", "#saved since", "#interval"];
    let mut table = Table::new("What completed rollouts save", &titles);
    for course in courses(material) {
        table.rows.extend(saved(material, &course));
    }
    let how = (!table.rows.is_empty()).then(|| {
        "What completed rollouts save was measured while both configurations served, and is carried over to the requests since then: \
         there is nothing left to compare them with."
            .to_owned()
    });
    (table, how)
}

fn saved(material: &Material, course: &Course<'_>) -> Option<Vec<Cell>> {
    let Stage::Full { since } = course.rollout?.stage else { return None };
    let judged = course.looks.iter().rev().filter_map(|(_, step)| step.judgement.as_ref());
    let reading = judged.chain(course.standing.map(|(_, judgement)| judgement)).find_map(|judgement| {
        judgement
            .readings
            .iter()
            .find(|reading| reading.measure == Measure::CostPerRequestUsd && reading.effect.is_some())
    })?;
    let effect = reading.effect?;
    // Only what was read since then; what was not read is not known.
    let slots = material.course.iter().flat_map(|all| &all.services).filter(|one| one.service == course.service);
    let spent: Option<f64> = slots
        .flat_map(|one| &one.slots)
        .filter(|slot| slot.at >= since)
        .map(|slot| slot.spend_usd)
        .reduce(|sum, spend| sum.zip(spend).map(|(sum, spend)| sum + spend))
        .flatten();
    let saved = |effect: f64| spared(spent?, effect);
    let ends = reading.low.zip(reading.high);
    let unread = if material.course.is_some() { "no request was read since then" } else { "not read: add `--from`" };
    let range_shown = ends.map_or_else(|| "–".to_owned(), |(low, high)| format!("{} … {}", change(low), change(high)));
    let range = ends.and_then(|(low, high)| Some(format!("{} … {}", usd(saved(high)?), usd(saved(low)?))));
    Some(vec![
        Cell::text(short(course.service)),
        Cell::text(words::instant(since)),
        Cell::number(effect, change(effect)),
        Cell::text(range_shown),
        Cell::known(saved(effect), usd),
        Cell::text(range.unwrap_or_else(|| unread.to_owned())),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{
        course::{Course as Slots, CourseSlot, ServiceCourse},
        status::RolloutStatus,
    };

    /// Completed at two o'clock, at half the cost: between 60 and 40 % less.
    fn completed() -> RolloutStatus {
        let version = json!({"id": "v", "configuration": {}, "in_sink": null});
        let reading = json!({
            "measure": "cost_per_request_usd", "mode": "enforce", "verdict": "sound", "effect": -0.5, "low": -0.6, "high": -0.4,
            "margin": 1.0, "harm_shown": false, "candidate_requests": 100.0, "control_requests": 100.0, "still_needed": null,
            "design_effect": null, "missing": null
        });
        let rollout = json!({
            "id": "r", "service": "a", "reason": "", "purpose": "change", "strategy": "canary", "subjects": [], "from": version,
            "to": version, "steps": [], "started_at": "2026-01-01T00:00:00Z", "deadline": "2026-01-02T00:00:00Z",
            "stage": {"state": "full", "since": "2026-01-01T02:00:00Z"}, "deployed": null, "labels": [], "restarts": 0,
            "restarted_because": null
        });
        let judgement =
            json!({"verdict": "sound", "readings": [reading], "split": null, "unmatched": 0.0, "critical": []});
        let status = json!({"rollout": rollout, "judgement": judgement, "open_writes": 0, "counted_until": null});
        serde_json::from_value(status).expect("a status")
    }

    fn spent(hours: &[(&str, Option<f64>)]) -> Material {
        let slot = |(at, spend_usd): &(&str, Option<f64>)| CourseSlot {
            at: at.parse().expect("a time"),
            requests: 100.0,
            spend_usd: *spend_usd,
            latency_p50_ms: None,
            latency_p95_ms: None,
            error_rate: None,
            quality: None,
            usual: None,
        };
        let service = ServiceCourse { service: "a".into(), slots: hours.iter().map(slot).collect() };
        let course = Slots { slot_minutes: 60, last_is_whole: true, spend_usd: Vec::new(), services: vec![service] };
        Material { course: Some(course), rollouts: vec![completed()], ..Material::default() }
    }

    #[test]
    fn what_was_saved_is_told_of_the_requests_since_and_of_nothing_else() {
        let material = spent(&[
            ("2026-01-01T01:00:00Z", Some(99.0)),
            ("2026-01-01T02:00:00Z", Some(6.0)),
            ("2026-01-01T03:00:00Z", Some(4.0)),
        ]);
        let (table, how) = realised(&material);
        // Ten dollars at half the cost would have been twenty; at 40 % of it twenty-five, at 60 % two thirds more.
        assert!((table.rows[0][4].value.unwrap() - 10.0).abs() < 1e-9);
        assert_eq!((table.rows[0][4].text.as_str(), table.rows[0][5].text.as_str()), ("$10.0", "$6.67 … $15.0"));
        assert!(how.unwrap().contains("carried over"));
    }

    #[test]
    fn an_unknown_cost_and_no_requests_give_no_figure() {
        for hours in [&[("2026-01-01T02:00:00Z", None)][..], &[("2026-01-01T01:00:00Z", Some(1.0))]] {
            let (table, _) = realised(&spent(hours));
            assert_eq!((table.rows[0][4].value, table.rows[0][4].text.as_str()), (None, "–"));
        }
        assert_eq!(realised(&Material::default()).1, None);
    }
}
