//! Rollouts as changes of the past, which plans learn from.

use jiff::{SignedDuration, Timestamp};

use super::stamp;
use crate::{
    domain::{
        memory::{KEPT_DAYS, Outcome, PastChange},
        rollout::{Rollout, Stage},
    },
    state::{StateError, Store, Table, Wanted},
};

/// Changes that plans look back at; the newest are enough.
const MOST: i64 = 5_000;

/// What was changed in the time before `now` that plans look back at, oldest first.
pub fn past_changes(store: &mut Store, now: Timestamp) -> Result<Vec<PastChange>, StateError> {
    let since = now.saturating_sub(SignedDuration::from_hours(24 * KEPT_DAYS)).unwrap_or(Timestamp::MIN);
    let since = stamp(since);
    let rows =
        store.documents(Table::Rollouts, Wanted { since: Some(&since), limit: Some(MOST), ..Wanted::default() })?;
    let mut changes = Vec::new();
    for row in rows {
        let rollout: Rollout = serde_json::from_str(&row.body)
            .map_err(|cause| StateError::Unreadable { what: format!("rollout {}", row.id), cause })?;
        changes.extend(of(&rollout));
    }
    changes.sort_by(|a, b| (a.at, &a.service, a.segment).cmp(&(b.at, &b.service, b.segment)));
    Ok(changes)
}

/// None of a rollout that never reached production, or became somebody else's.
fn of(rollout: &Rollout) -> Vec<PastChange> {
    let outcome = match &rollout.stage {
        Stage::Proposed | Stage::Dropped { .. } | Stage::Overtaken { .. } => return Vec::new(),
        Stage::Canary { .. } => Outcome::Open,
        Stage::Full { .. } => Outcome::Kept { effects: rollout.effects.clone() },
        Stage::RolledBack { because, .. } => Outcome::RolledBack { because: because.clone() },
    };
    let share = rollout.steps.iter().map(|step| step.share_percent).max().unwrap_or(0);
    let change = |subject: &crate::domain::rollout::Subject| PastChange {
        at: rollout.started_at,
        service: rollout.service.clone(),
        segment: subject.segment,
        from: subject.from.clone(),
        to: subject.to.clone(),
        share_percent: f64::from(share),
        outcome: outcome.clone(),
    };
    rollout.subjects.iter().map(change).collect()
}
