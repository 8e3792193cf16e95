//! `optimizer pause`, `resume` and `stop`: an operator's word, which holds for every run that follows and for the one under way.

use clap::Args;
use jiff::Timestamp;

use super::{Failure, acting::ActingArgs, operator::OperatorArgs, rights, sink, state::StateArgs};
use crate::{
    act::{self, Word, rollout::Reach, tick::Heed},
    domain::rights::Permission,
    state::Open,
};

/// What somebody says, of what is kept where.
#[derive(Debug, Args)]
struct WordArgs {
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(flatten)]
    state: StateArgs,
    /// Take this for the present time, RFC 3339 with a zone: for replays and demonstrations
    #[arg(long, value_name = "TIME", env = "OPTIMIZER_NOW")]
    now: Option<Timestamp>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer pause checkout --reason 'sale until Monday'   nothing goes forward there; harm is still taken back
  optimizer pause --reason 'change freeze'                the same for all services")]
pub(super) struct PauseArgs {
    /// The service [default: all of them]
    service: Option<String>,
    #[command(flatten)]
    word: WordArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer resume checkout --reason 'sale is over'
  optimizer resume --reason 'incident 812 is closed'      after `pause` or `stop` without a service")]
pub(super) struct ResumeArgs {
    /// The service [default: what was said of all of them]
    service: Option<String>,
    #[command(flatten)]
    word: WordArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer stop --reason 'incident 812'                  nothing is written any more, whatever happens
  optimizer stop --roll-back --reason 'incident 812' --sink https://orchestrator
                                                          and everything under way goes back first")]
pub(super) struct StopArgs {
    /// Take back everything under way
    #[arg(long)]
    roll_back: bool,
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(flatten)]
    acting: ActingArgs,
}

pub(super) fn pause(arguments: &PauseArgs) -> Result<(), Failure> {
    let reason = arguments.word.operator.reason()?;
    let about = about(arguments.service.as_deref());
    arguments.word.operator.confirm(&format!("Pause {about}"))?;
    let mut store = arguments.word.state.open(Open::Create)?;
    let by = rights::allow(&mut store, Permission::ModifyConfig, "pause")?;
    let said = Word { by: &by, reason: &reason, now: arguments.word.now.unwrap_or_else(Timestamp::now) };
    act::freeze(&mut store, arguments.service.as_deref(), Reach::Forward, said)?;
    sink::print(&format!(
        "Paused {about}: nothing goes forward, and what does harm is still taken back.\n`optimizer resume` ends it.\n"
    ))
}

pub(super) fn resume(arguments: &ResumeArgs) -> Result<(), Failure> {
    let reason = arguments.word.operator.reason()?;
    let about = about(arguments.service.as_deref());
    arguments.word.operator.confirm(&format!("Resume {about}"))?;
    let mut store = arguments.word.state.open(Open::Existing)?;
    // Whoever stopped everything had a reason, and only they or an admin know that it is gone.
    let stopped = act::frozen(&mut store, arguments.service.as_deref())?.filter(|it| it.reach == Reach::Everything);
    let of_others = match &stopped {
        Some(freeze) => rights::of_others(&mut store, &freeze.said.by)?,
        None => false,
    };
    let permission = if of_others { Permission::Administer } else { Permission::ModifyConfig };
    let by = rights::allow(&mut store, permission, if of_others { "resume after a stop of others" } else { "resume" })?;
    let said = Word { by: &by, reason: &reason, now: arguments.word.now.unwrap_or_else(Timestamp::now) };
    if act::thaw(&mut store, arguments.service.as_deref(), said)? {
        return sink::print(&format!("Resumed {about}: the next run goes on.\n"));
    }
    Err(Failure::usage(format!("nothing was said of {about}"), "`optimizer status` shows what is paused or stopped"))
}

pub(super) fn stop(arguments: &StopArgs) -> Result<(), Failure> {
    let reason = arguments.operator.reason()?;
    let question = if arguments.roll_back { "Take back everything under way, and stop" } else { "Stop everything" };
    arguments.operator.confirm(question)?;
    let mut store = arguments.acting.state.open(Open::Create)?;
    let by = rights::allow(&mut store, Permission::Stop, "stop")?;
    let word = Word { by: &by, reason: &reason, now: arguments.acting.now() };
    // First of all: from now on no run writes anything.
    act::freeze(&mut store, None, Reach::Everything, word)?;
    drop(store);
    sink::print("Stopped: no run writes anything any more. `optimizer resume` ends it.\n")?;
    if !arguments.roll_back {
        return Ok(());
    }
    arguments.acting.act(&by, Heed::Nobody, |acting| acting.tick.take_back(None, &reason).map_err(Failure::from))
}

fn about(service: Option<&str>) -> String {
    service
        .map_or_else(|| "all services".to_owned(), |service| format!("`{}`", crate::domain::format::visible(service)))
}
