//! What the state store tells a page: rollouts, runs, deeds, days, and the newest plan.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    act,
    domain::{
        Grain, Policy,
        format::counted,
        material::{Deed, Material},
    },
    observe::history,
    state::{Address, Open, SlotText, StateError, Store},
};

/// Rollouts, the newest first; runs; and deeds.
const ROLLOUTS: i64 = 200;
const RUNS: i64 = 2_000;
const DEEDS: i64 = 200;

/// A store as it is, and how it is called.
pub(super) struct Opened {
    pub store: Store,
    shown: String,
}

pub(super) fn open(address: &str) -> Result<Opened, StateError> {
    let address: Address = address.parse()?;
    Ok(Opened { shown: address.shown().to_owned(), store: Store::open(&address, Open::AsItIs)? })
}

pub(super) fn read(opened: &mut Opened, policy: &Policy, material: &mut Material) -> Result<(), StateError> {
    let store = &mut opened.store;
    material.rollouts = act::rollouts(store, policy, ROLLOUTS)?;
    material.runs.extend(act::runs(store, RUNS)?);
    material.runs.sort_by_key(|run| run.started_at);
    // A document of a run may be of the same store.
    material.runs.dedup_by(|a, b| a.id == b.id);
    material.deeds = deeds(store)?;
    material.days = days(store)?;
    let (rollouts, runs) = (material.rollouts.len() as u64, material.runs.len() as u64);
    material.given.push(format!("{} ({}, {})", opened.shown, counted(rollouts, "rollout"), counted(runs, "run")));
    Ok(())
}

/// What was decided last, for where nothing newer is to be had.
pub(super) fn newest_plan(opened: &mut Opened, material: &mut Material) -> Result<(), StateError> {
    let store = &mut opened.store;
    let Some((id, _)) = store.newest_plans(1)?.into_iter().next() else { return Ok(()) };
    let Some(row) = store.plan(&id)? else { return Ok(()) };
    let plan = serde_json::from_str(&row.body)
        .map_err(|cause| StateError::Unreadable { what: format!("the plan `{id}`"), cause })?;
    material.plan = Some(plan);
    Ok(())
}

fn deeds(store: &mut Store) -> Result<Vec<Deed>, StateError> {
    let rows = store.deeds(None, None, DEEDS)?.into_iter();
    rows.map(|row| {
        let detail = serde_json::from_str(&row.deed.body)
            .map_err(|cause| StateError::Unreadable { what: format!("deed {}", row.seq), cause })?;
        let crate::state::Deed { at, actor, action, service, .. } = row.deed;
        Ok(Deed { at, actor, action, service, detail })
    })
    .collect()
}

/// Spend by day, as far as the history of deep runs has whole days.
fn days(store: &mut Store) -> Result<Vec<(Timestamp, Option<f64>)>, StateError> {
    let grain = Grain::Day;
    let heads = store.slot_heads()?;
    let whole: BTreeMap<i64, bool> = heads
        .into_iter()
        .filter(|head| head.grain == grain.name())
        .map(|head| (head.start, head.minutes == grain.minutes()))
        .collect();
    let mut days = Vec::new();
    for (start, figures) in store.slot_texts(grain.name(), i64::MIN..i64::MAX, SlotText::Figures)? {
        let spent = history::day_spend(&figures).map_err(|cause| StateError::Unreadable {
            what: format!("the history of {}", history::instant(start)),
            cause,
        })?;
        let sum = spent.iter().try_fold(0.0, |sum, one| Some(sum + one.usd?));
        days.push((history::instant(start), sum.filter(|_| whole.get(&start) == Some(&true))));
    }
    Ok(days)
}
