//! `optimizer state gc`: what is over and old goes to Parquet files, and only then from the store. Killed at any point, every row is in
//! the store or in the archive, or in both; the next `gc` goes on.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::moving::Moving;
use crate::{
    act::Intent,
    cli::{
        Failure, acting::acquire, holder::tick_id, logging, operator::OperatorArgs, plan::duration, rights, sink,
        state::StateArgs,
    },
    domain::format::{self, counted},
    state::{Open, Over, Space, Stale, StateError, Store, Table, Wanted},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer state gc --archive archive --dry-run --reason 'how much?'
  optimizer state gc --archive /var/lib/optimizer/archive --older-than 30d --yes --reason 'weekly'
  duckdb -c \"SELECT made_at, body FROM 'archive/plans-*.parquet' WHERE id LIKE '4c0f%'\"

What is moved: plans with their decisions, reports of runs, writes that are settled, and rollouts that ended 400 days ago or longer with
their evidence. What stays whatever its age: everything under way and the plans it came from, the newest 100 plans, configurations,
services, baselines, what ticks remember, and the audit log.")]
pub(super) struct GcArgs {
    /// Folder of the Parquet files, made where there is none
    #[arg(long, value_name = "FOLDER")]
    archive: PathBuf,
    /// From which age on; rollouts stay for 400 days at least, because decisions look back at them
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = duration)]
    older_than: SignedDuration,
    /// Only say how much it would be
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(flatten)]
    state: StateArgs,
    /// How long to wait for a run that acts at the moment
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    wait: SignedDuration,
    /// Take this for the present time, RFC 3339 with a zone: for replays and demonstrations
    #[arg(long, value_name = "TIME", env = "OPTIMIZER_NOW")]
    now: Option<Timestamp>,
}

/// Decisions look back 90 days at changes; people compare with the year before.
const ROLLOUT_DAYS: i64 = 400;

/// Plans that stay, however old.
const NEWEST_PLANS: i64 = 100;

pub(super) fn run(arguments: &GcArgs) -> Result<(), Failure> {
    let reason = arguments.operator.reason()?;
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let ages = Ages::new(now, arguments.older_than);
    if arguments.dry_run {
        let mut store = arguments.state.open(Open::AsItIs)?;
        let in_use = in_use(&mut store)?;
        let mut text = String::new();
        for what in Over::ALL {
            let ids = store.over(what, ages.stale(what, &in_use))?;
            text += &format!("  {:<9} {}\n", name(what), format::count(ids.len() as u64));
        }
        return sink::print(&format!("Over and old; nothing was moved:\n{text}"));
    }
    let older = format::hours(arguments.older_than.as_secs_f64() / 3600.0);
    arguments.operator.confirm(&format!(
        "Move what is over for longer than {older} to `{}`, and delete it from the store",
        arguments.archive.display()
    ))?;
    let mut store = arguments.state.open(Open::Existing)?;
    let by = rights::allow(&mut store, crate::domain::rights::Permission::Administer, "state gc")?;
    let id = tick_id(now);
    logging::run_is(&id);
    let lease = acquire(&mut store, &id, arguments.wait)?;
    let mut moving = Moving { id, now, by, reason: &reason, moved: BTreeMap::new(), files: 0 };
    let done = moving.all(&mut store, &lease, &arguments.archive, &ages);
    let done = done.and_then(|()| Ok(store.give_back()?));
    let released = store.release(lease);
    let space = done?;
    released?;
    sink::print(&told(&moving, arguments, space))
}

/// From when on what is old.
pub(super) struct Ages {
    before: String,
    rollouts_before: String,
}

impl Ages {
    fn new(now: Timestamp, older_than: SignedDuration) -> Self {
        let before = |age: SignedDuration| {
            let then = now.checked_sub(age).unwrap_or(Timestamp::MIN);
            then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
        };
        let rollouts = SignedDuration::from_hours(24 * ROLLOUT_DAYS).max(older_than);
        Self { before: before(older_than), rollouts_before: before(rollouts) }
    }

    pub(super) fn stale<'a>(&'a self, what: Over, in_use: &'a BTreeSet<String>) -> Stale<'a> {
        let before = if what == Over::Rollouts { &self.rollouts_before } else { &self.before };
        Stale { before, newest_plans: NEWEST_PLANS, in_use }
    }
}

/// Rollouts under way, and those that a write is open of.
pub(super) fn in_use(store: &mut Store) -> Result<BTreeSet<String>, StateError> {
    let open = Wanted { state: Some("open"), ..Wanted::default() };
    let mut ids: BTreeSet<String> = store.documents(Table::Rollouts, open)?.into_iter().map(|row| row.id).collect();
    for row in store.documents(Table::Intents, open)? {
        let unreadable = |cause| StateError::Unreadable { what: format!("the entry `{}`", row.id), cause };
        ids.insert(serde_json::from_str::<Intent>(&row.body).map_err(unreadable)?.rollout);
    }
    Ok(ids)
}

pub(super) fn name(what: Over) -> &'static str {
    match what {
        Over::Plans => "plans",
        Over::Ticks => "runs",
        Over::Intents => "writes",
        Over::Rollouts => "rollouts",
    }
}

fn told(moving: &Moving<'_>, arguments: &GcArgs, space: Option<Space>) -> String {
    if moving.moved.is_empty() {
        return "Nothing is over and old enough.\n".to_owned();
    }
    let rows = moving.moved.values().sum();
    let mut text = format!(
        "Moved {} to {} in `{}`:\n",
        counted(rows, "row"),
        counted(moving.files as u64, "file"),
        arguments.archive.display()
    );
    for (table, rows) in &moving.moved {
        text += &format!("  {table:<9} {}\n", format::count(*rows));
    }
    match space.filter(|space| space.free > 0) {
        Some(Space { free, given_back: true }) => text += &format!("{} went back to the disk.\n", megabytes(free)),
        Some(Space { free, given_back: false }) => {
            text +=
                &format!("The store keeps its size: {} of it are free, and used for what comes.\n", megabytes(free));
        }
        None => {}
    }
    text
}

fn megabytes(bytes: i64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
