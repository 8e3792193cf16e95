//! `optimizer explain`: the reasoning behind a decision that was stored, however long ago.

use std::path::Path;

use clap::{Args, ValueEnum};

use super::{
    Failure,
    screen::{plain, screen},
    sink,
    state::StateArgs,
};
use crate::{
    domain::{Plan, deed::DeedDetail},
    report,
    state::{DecisionRow, Open, StateError, Store},
};

const EXAMPLES: &str = "\
Examples:
  optimizer explain 9b21c0de3f5a            why this decision was made, what else was weighed, what would change it
  optimizer explain 9b21                    the same: the beginning of an id will do, where no other begins so
  optimizer explain 4c0f9a1be2d37708        the whole plan of this id";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExplainArgs {
    /// A decision or a plan: its id, or the first characters of it, at least four
    id: String,
    #[command(flatten)]
    state: StateArgs,
    /// How to print it
    #[arg(long, value_enum, default_value_t = ExplainFormat::Auto)]
    format: ExplainFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExplainFormat {
    /// Text fitted to the terminal
    Auto,
    /// Plain text of 100 columns
    Table,
    /// The plan as `plan --format json` writes it, cut down to the service
    Json,
}

/// Shorter beginnings fit too many.
const SHORTEST: usize = 4;

/// Ids that a message lists.
const LISTED: i64 = 10;

pub(super) fn run(arguments: &ExplainArgs) -> Result<(), Failure> {
    let id = arguments.id.trim().to_ascii_lowercase();
    if id.len() < SHORTEST || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::usage(
            format!("`{}` is no id", arguments.id),
            format!("ids have the digits 0 to 9 and a to f; give at least {SHORTEST} of them"),
        ));
    }
    let mut store = arguments.state.open(Open::Existing)?;
    let plans = store.plans_like(&id, LISTED)?;
    let decisions = store.decisions_like(&id, LISTED)?;
    let screen = if arguments.format == ExplainFormat::Table { plain() } else { screen() };
    match (plans.as_slice(), decisions.as_slice()) {
        ([(plan, made_at)], []) => {
            let plan = read(&mut store, plan)?;
            sink::print(&match arguments.format {
                ExplainFormat::Json => report::json(&plan),
                _ => report::table(&plan, screen) + &format!("\nMade at {made_at}.\n{}\n", how_to_explain(&plan)),
            })
        }
        ([], [decision]) => {
            let plan = read(&mut store, &decision.plan_id)?;
            let explained = match arguments.format {
                ExplainFormat::Json => report::only(&plan, &decision.service).map(|plan| report::json(&plan)),
                _ => report::explain(&plan, &decision.service, screen.width),
            };
            sink::print(&explained.unwrap_or_default())
        }
        ([], []) => Err(unknown(&arguments.id, &mut store)?),
        _ => {
            let plans = plans.iter().map(|(id, made_at)| format!("plan {id} of {made_at}"));
            let all: Vec<String> = plans.chain(decisions.iter().map(listed)).collect();
            Err(Failure::usage(
                format!("`{}` is the beginning of more than one id", arguments.id),
                format!("write more of it: {}", all.join("; ")),
            ))
        }
    }
}

fn read(store: &mut Store, id: &str) -> Result<Plan, Failure> {
    let unreadable = |cause| StateError::Unreadable { what: format!("plan {id}"), cause };
    let row = store.plan(id)?.ok_or_else(|| unreadable(serde::de::Error::custom("it is not there")))?;
    Ok(serde_json::from_str(&row.body).map_err(unreadable)?)
}

fn how_to_explain(plan: &Plan) -> String {
    match plan.decisions.iter().find(|decision| decision.action.moves()).or(plan.decisions.first()) {
        Some(decision) => {
            format!("`optimizer explain {}` tells why, of one decision; --format json has the ids of all.", decision.id)
        }
        None => "It decided nothing.".to_owned(),
    }
}

fn listed(decision: &DecisionRow) -> String {
    let DecisionRow { id, plan_id, service, segment, action } = decision;
    format!("decision {id} ({action} {service} {segment}, plan {plan_id})")
}

/// Names what there is, the nearest first.
fn unknown(id: &str, store: &mut Store) -> Result<Failure, StateError> {
    let newest = store.newest_plans(5)?;
    let hint = match newest.first() {
        None => "the store holds no plans; `optimizer plan` makes one".to_owned(),
        Some((plan, _)) => {
            let mut near = store.moving(plan, LISTED)?;
            let distance = |decision: &DecisionRow| strsim::levenshtein(&decision.id, id);
            near.sort_by_key(distance);
            let plans: Vec<String> = newest.iter().map(|(id, made_at)| format!("{id} of {made_at}")).collect();
            let decisions: Vec<String> = near.iter().take(5).map(listed).collect();
            let decisions =
                if decisions.is_empty() { "none that changes anything".to_owned() } else { decisions.join("; ") };
            format!("the newest plans are {}; decisions of the newest: {decisions}", plans.join(", "))
        }
    };
    let archived = archived(id, store)?;
    let (place, hint) = match &archived {
        Some(archived) => (" in the store", format!("{archived}; {hint}")),
        None => ("", hint),
    };
    Ok(Failure::usage(format!("no plan and no decision{place} has the id `{id}`"), hint))
}

/// Where older plans are, if any were moved. Which ones nobody remembers here, so the archive has to be asked.
fn archived(id: &str, store: &mut Store) -> Result<Option<String>, StateError> {
    let Some(row) = store.newest_deed("gc")? else { return Ok(None) };
    let detail: DeedDetail = serde_json::from_str(&row.deed.body)
        .map_err(|cause| StateError::Unreadable { what: format!("deed {}", row.seq), cause })?;
    let folder = detail.files.first().and_then(|file| Path::new(file).parent());
    let Some(folder) = folder.map(|folder| folder.display().to_string().replace('\'', "''")) else { return Ok(None) };
    let day = row.deed.at.get(..10).unwrap_or(&row.deed.at);
    let id = id.trim().to_ascii_lowercase();
    Ok(Some(format!(
        "older plans were moved to an archive, lately on {day}: duckdb -c \"SELECT p.made_at, p.body FROM '{folder}/plans-*.parquet' p \
         WHERE p.id LIKE '{id}%' OR p.id IN (SELECT plan_id FROM '{folder}/decisions-*.parquet' WHERE id LIKE '{id}%')\""
    )))
}
