//! Weeks that are over: rollouts that were completed, their evidence and writes, the configurations, runs and deeds they left.

use jiff::{SignedDuration, Timestamp};
use optimizer::{
    act::stamp,
    state::{Commit, Deed, Document, Table, Wanted},
};

use super::flight::Flight;

/// Runs of a week, one every quarter of an hour.
pub const TICKS: u64 = 7 * 24 * 4;
/// Steps of a rollout, each with a write and a deed.
const STEPS: usize = 4;
/// Rollouts that a run tells of, on average: each takes four hours, and services take turns.
const TOLD: usize = 24;

/// One more week before the newest one that is there, copied from what real ticks of this flight left. Each service had one rollout.
pub fn week(flight: &mut Flight, week: u32, services: usize) {
    let now = flight.now;
    let mut one = |table| {
        let wanted = Wanted { limit: Some(1), ..Wanted::default() };
        flight.store.documents(table, wanted).expect("a store").remove(0)
    };
    let [rollout, evidence, intent, configuration] =
        [Table::Rollouts, Table::Evidence, Table::Intents, Table::Configurations].map(&mut one);
    let run = told(flight, TOLD);
    let at = |part: usize, of: usize| -> Timestamp {
        let back = 7.0 * 24.0 * (f64::from(week) + 1.0 - part as f64 / of as f64);
        now - SignedDuration::from_secs_f64(3600.0 * back)
    };
    let mut commit = Commit::default();
    for place in 0..services {
        let at = at(place, services);
        let service = format!("service-{place:04}");
        let id = format!("{:016x}", 0x1000_0000 + u64::from(week) * 1_000_000 + place as u64);
        let mut copy = |table, like: &Document, id: String, state: &str| {
            let body = like.body.replace(&rollout.id, &id).replace(&rollout.service, &service);
            let document = Document {
                id,
                service: service.clone(),
                state: state.into(),
                generation: 0,
                changed_at: stamp(at),
                body,
            };
            commit.documents.push((table, document));
        };
        copy(Table::Rollouts, &rollout, id.clone(), "closed");
        copy(Table::Evidence, &evidence, id.clone(), "closed");
        copy(Table::Configurations, &configuration, format!("{service}@{id}"), "proven");
        for step in 0..STEPS {
            copy(Table::Intents, &intent, format!("{id}-{step}"), "settled");
        }
        for action in ["expose"; STEPS].into_iter().chain(["complete"]) {
            let body = format!(
                "{{\"rollout\":\"{id}\",\"from\":\"3e1be79742dd\",\"to\":\"b8bc1d3e1172\",\
                 \"because\":\"cost per request −98 %, latency p95 −20 %, quality −3 %\"}}"
            );
            let (actor, action, service) = (format!("run {week}-{place}"), action.to_owned(), service.clone());
            commit.deeds.push(Deed { at: stamp(at), actor, action, service, body });
        }
    }
    for tick in 0..TICKS as usize {
        let id = format!("past-{week:03}-{tick:03}");
        let (state, changed_at, body) = ("ended".to_owned(), stamp(at(tick, TICKS as usize)), run.clone());
        let document = Document { id, service: String::new(), state, generation: 0, changed_at, body };
        commit.documents.push((Table::Ticks, document));
    }
    flight.store.commit(None, &commit).expect("nobody else writes");
}

/// The report of a run that did something, with so many lines.
fn told(flight: &mut Flight, lines: usize) -> String {
    let newest = Wanted { limit: Some(20), ..Wanted::default() };
    let runs = flight.store.documents(Table::Ticks, newest).expect("a store");
    let reports = runs.iter().map(|run| serde_json::from_str::<serde_json::Value>(&run.body).expect("a report"));
    let mut report =
        reports.into_iter().find(|report| report["steps"][0].is_object()).expect("runs that did something");
    report["steps"] = vec![report["steps"][0].clone(); lines].into();
    report.to_string()
}
