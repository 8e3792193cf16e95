//! `optimizer rollback`: undo, by hand.

use clap::Args;

use super::{
    Failure,
    acting::{Acting, ActingArgs},
    operator::OperatorArgs,
    rights,
};
use crate::{
    act::tick::Heed,
    domain::{format::visible, rights::Permission, rollout::Stage},
    state::Open,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer rollback checkout --reason 'users complain' --sink https://orchestrator
                               what is under way goes back; where nothing is, the last proven configuration is restored
  optimizer rollback checkout --to 6a3e8a647e32 --reason 'as it was in March' --sink https://orchestrator")]
pub(super) struct RollbackArgs {
    service: String,
    /// The version to go back to, as `optimizer status --explain SERVICE` lists them [default: the last one that is proven]
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(flatten)]
    acting: ActingArgs,
}

pub(super) fn run(arguments: &RollbackArgs) -> Result<(), Failure> {
    let (reason, service) = (arguments.operator.reason()?, arguments.service.as_str());
    let to = arguments.to.as_deref().map_or("what served before".to_owned(), |to| format!("version {}", visible(to)));
    arguments.operator.confirm(&format!("Bring all traffic of `{}` back to {to}", visible(service)))?;
    let because = format!("by hand: {reason}");
    let by = rights::allow(&mut arguments.acting.state.open(Open::Create)?, Permission::Rollback, "rollback")?;
    arguments.acting.act(&by, Heed::Nobody, |acting| {
        let under_way = acting
            .tick
            .rollouts()?
            .into_iter()
            .find(|rollout| rollout.service == service && rollout.stage != Stage::Proposed);
        if let Some(rollout) = under_way
            && arguments.to.as_ref().is_none_or(|to| rollout.from.id.starts_with(to.as_str()))
        {
            acting.tick.take_back(Some(service), &because)?;
            return Ok(());
        }
        restore(arguments, acting, &because)
    })
}

fn restore(arguments: &RollbackArgs, acting: &mut Acting<'_, '_>, because: &str) -> Result<(), Failure> {
    let service = arguments.service.as_str();
    if acting.tick.rollouts()?.iter().any(|rollout| rollout.service == service) {
        return Err(Failure::usage(
            format!("a rollout of `{}` is under way, and did not begin with that version", visible(service)),
            "leave out `--to`: it then goes back to where it came from; a second rollback goes further",
        ));
    }
    let versions = acting.tick.versions(acting.store, service)?;
    let present = acting.tick.in_force(service).map_err(|why| {
        Failure::acted(
            crate::domain::fault::Exit::Sink,
            format!("what is in force cannot be read: {why}"),
            "check the sink",
        )
    })?;
    let Some(present) = present else {
        return Err(Failure::usage(
            format!("the sink has no configuration that all traffic of `{}` gets", visible(service)),
            "look at it there: somebody else's rollout may be under way",
        ));
    };
    let fits = |id: &str| match &arguments.to {
        Some(to) => id.starts_with(to.as_str()),
        None => true,
    };
    let wanted = versions.iter().find(|(version, state)| {
        version.id != present.id && fits(&version.id) && (arguments.to.is_some() || state != "failed")
    });
    let Some((version, _)) = wanted else {
        let known: Vec<String> = versions.iter().map(|(version, state)| format!("{} ({state})", version.id)).collect();
        let hint = if known.is_empty() {
            "this program has changed nothing there, so it knows nothing to go back to".to_owned()
        } else {
            format!("known are {}; in force is {}", known.join(", "), present.id)
        };
        return Err(Failure::usage(format!("no such version of `{}` to go back to", visible(service)), hint));
    };
    Ok(acting.tick.restore(service, present, version.clone(), because)?)
}
