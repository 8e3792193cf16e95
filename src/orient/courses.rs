//! The course of a service, slot after slot, as plots show it, beside what is usual at that time of day.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    domain::course::{CourseSlot, ServiceCourse, Usual},
    stats::{Rollup, history::spend},
};

const DAY: i64 = 86_400;

/// Fewer days before tell nothing about what is usual.
const FEWEST_DAYS: usize = 3;

/// The figures of every slot. `slots` are rollups by first minute since 1970, ascending.
#[must_use]
pub fn service_course(service: &str, slots: &[(i64, Rollup)]) -> ServiceCourse {
    let slot = |(minute, rollup): &(i64, Rollup)| {
        Some(CourseSlot {
            at: Timestamp::from_second(minute.checked_mul(60)?).ok()?,
            requests: rollup.requests.weight,
            spend_usd: spend(&rollup.requests, &rollup.cost),
            latency_p50_ms: rollup.latency.quantile(0.5),
            latency_p95_ms: rollup.latency.quantile(0.95),
            error_rate: rollup.error_rate(),
            quality: rollup.quality.mean(),
            usual: None,
        })
    };
    let mut slots: Vec<CourseSlot> = slots.iter().filter_map(slot).collect();
    // By time of day: only what lies before a slot may tell what was usual then.
    let mut before: BTreeMap<i64, Vec<CourseSlot>> = BTreeMap::new();
    for slot in &mut slots {
        let same = before.entry(slot.at.as_second().rem_euclid(DAY)).or_default();
        slot.usual = usual(same);
        same.push(*slot);
    }
    ServiceCourse { service: service.to_owned(), slots }
}

fn usual(before: &[CourseSlot]) -> Option<Usual> {
    let middle = |of: fn(&CourseSlot) -> Option<f64>| {
        let mut values: Vec<f64> = before.iter().filter_map(of).collect();
        values.sort_by(f64::total_cmp);
        (values.len() >= FEWEST_DAYS).then(|| f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]))
    };
    (before.len() >= FEWEST_DAYS).then(|| Usual {
        latency_p95_ms: middle(|slot| slot.latency_p95_ms),
        error_rate: middle(|slot| slot.error_rate),
        quality: middle(|slot| slot.quality),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Requests, Sketch};

    #[test]
    fn a_slot_tells_what_is_known_and_nothing_else() {
        let requests = Requests {
            rows: 4,
            weight: 4.0,
            weight_squared: 4.0,
            served: 4.0,
            succeeded: 3.0,
            provider_errors: 1.0,
            ..Requests::default()
        };
        let known = Rollup {
            requests,
            latency: Sketch::from_values([100.0, 200.0, 400.0]),
            cost: Sketch::from_values([0.01, 0.01, 0.02]),
            ..Rollup::default()
        };
        let unpriced = Rollup { requests: Requests { unpriced: 2.0, ..requests }, ..known.clone() };
        let course = service_course("a", &[(0, known), (15, unpriced)]);
        let [first, second] = &course.slots[..] else { panic!("two slots") };
        assert!((first.latency_p50_ms.unwrap() / 200.0 - 1.0).abs() < 0.011);
        assert!((first.spend_usd.unwrap() / 0.04 - 1.0).abs() < 0.011);
        assert_eq!((first.error_rate, first.quality, second.spend_usd), (Some(0.25), None, None));
        assert_eq!(second.at.as_second(), 900);
    }

    #[test]
    fn what_is_usual_comes_from_the_same_time_on_days_before() {
        let slow = |ms: f64| Rollup { latency: Sketch::from_values([ms; 9]), ..Rollup::default() };
        let day = |number: i64, ms: f64| [(1_440 * number, slow(ms)), (1_440 * number + 60, slow(9_000.0))];
        let slots: Vec<(i64, Rollup)> =
            [100.0, 300.0, 200.0, 8_000.0].into_iter().zip(0..).flat_map(|(ms, number)| day(number, ms)).collect();
        let course = service_course("a", &slots);
        let p95 = |place: usize| course.slots[place].usual.and_then(|usual| usual.latency_p95_ms);
        assert_eq!((p95(0), p95(4)), (None, None), "two days are too few");
        assert!((p95(6).unwrap() / 200.0 - 1.0).abs() < 0.011, "{:?}", p95(6));
        assert!((p95(7).unwrap() / 9_000.0 - 1.0).abs() < 0.011, "the other hour has its own");
    }
}
