//! `optimizer rights`: who may do what; and the question that every command asks before it changes anything.

mod allow;
mod identify;
mod token;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{Failure, operator::OperatorArgs, sink, state::StateArgs};
use crate::{
    act,
    domain::{
        deed::DeedDetail,
        format::visible,
        rights::{self, Permission, Role},
    },
    state::{Deed, Open, RoleChange, RoleRow, Store},
};

pub(super) use allow::{allow, of_others, run_actor};
use identify::identify;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer rights show                                               who am I to the store, and who may do what?
  optimizer rights grant database:ops admin --reason 'sets it up'     the first one makes an admin; from then on roles count
  optimizer rights grant kubernetes:system:serviceaccount:llm:optimizer operator --reason 'the CronJob'
  optimizer rights revoke env:alice --reason 'left'

Who somebody is: `database:ROLE` of a PostgreSQL store, `kubernetes:…` by OPTIMIZER_IDENTITY_TOKEN_FILE with
OPTIMIZER_IDENTITY_KEYS, and `env:NAME` by OPTIMIZER_ACTOR or USER, which anybody can set. docs/rights.md says what each is worth.")]
pub(super) struct RightsArgs {
    #[command(subcommand)]
    command: RightsCommand,
}

#[derive(Debug, Subcommand)]
enum RightsCommand {
    /// Who I am to the store, and who has which role
    Show {
        #[command(flatten)]
        state: StateArgs,
    },
    /// Give somebody a role, in the place of the one they had
    Grant {
        /// `env:NAME`, `kubernetes:system:serviceaccount:NAMESPACE:NAME` or `database:ROLE`
        #[arg(value_parser = rights::identity)]
        identity: String,
        /// viewer, operator or admin
        role: Role,
        #[command(flatten)]
        operator: OperatorArgs,
        #[command(flatten)]
        state: StateArgs,
    },
    /// Take the role back: they are a viewer then
    Revoke {
        identity: String,
        #[command(flatten)]
        operator: OperatorArgs,
        #[command(flatten)]
        state: StateArgs,
    },
}

pub(super) fn run(arguments: RightsArgs) -> Result<(), Failure> {
    match arguments.command {
        RightsCommand::Show { state } => show(&state),
        RightsCommand::Grant { identity, role, operator, state } => {
            let reason = operator.reason()?;
            operator.confirm(&format!("Make `{identity}` {} {}", article(role), role.name()))?;
            let mut store = state.open(Open::Create)?;
            let by = allow(&mut store, Permission::Administer, "rights grant")?;
            let row = RoleRow {
                identity: identity.clone(),
                role: role.name().to_owned(),
                granted_by: by.clone(),
                granted_at: act::stamp(Timestamp::now()),
                reason: reason.clone(),
            };
            change(&mut store, &by, &RoleChange::Grant(row), &format!("`{identity}` {}: {reason}", role.name()))?;
            sink::print(&format!("`{identity}` is {} {} now.\n", article(role), role.name()))
        }
        RightsCommand::Revoke { identity, operator, state } => {
            let reason = operator.reason()?;
            operator.confirm(&format!("Take the role of `{}` back", visible(&identity)))?;
            let mut store = state.open(Open::Existing)?;
            let by = allow(&mut store, Permission::Administer, "rights revoke")?;
            if store.roles()?.iter().all(|row| row.identity != identity) {
                return Err(Failure::usage(
                    format!("`{}` has no role", visible(&identity)),
                    "`optimizer rights show` lists who has one",
                ));
            }
            change(&mut store, &by, &RoleChange::Revoke(identity.clone()), &format!("`{identity}`: {reason}"))?;
            sink::print(&format!("`{identity}` has no role any more, and may look.\n"))
        }
    }
}

/// After every change there is an admin: so the first grant makes one, and the last one stays.
fn change(store: &mut Store, by: &str, change: &RoleChange, because: &str) -> Result<(), Failure> {
    let action = match change {
        RoleChange::Grant(_) => "grant",
        RoleChange::Revoke(_) => "revoke",
    };
    let detail = DeedDetail { because: Some(because.to_owned()), ..DeedDetail::default() };
    let deed = Deed {
        at: act::stamp(Timestamp::now()),
        actor: by.to_owned(),
        action: action.to_owned(),
        service: String::new(),
        body: serde_json::to_string(&detail).expect("deeds are plain data"),
    };
    if store.change_role(change, &deed, |roles| roles.iter().any(|row| row.role == Role::Admin.name()))? {
        return Ok(());
    }
    Err(Failure::usage(
        "nobody would be admin then, so nobody could grant anything any more",
        "make somebody admin first; nothing was changed",
    ))
}

fn show(state: &StateArgs) -> Result<(), Failure> {
    let mut store = state.open(Open::AsItIs)?;
    let roles = store.roles()?;
    let (known, trouble) = identify(&mut store)?;
    let mut text = String::from("To this store you are\n");
    for identity in &known {
        let role = roles.iter().find(|row| row.identity == identity.name);
        let role =
            role.map_or(if roles.is_empty() { "" } else { ", viewer" }.to_owned(), |row| format!(", {}", row.role));
        text += &format!("  {identity}{role}\n");
    }
    if let Some(why) = trouble {
        text += &format!("  and a token does not count: {why}\n");
    }
    if roles.is_empty() {
        return sink::print(&(text + "\nNobody has a role: whoever reaches the store may do everything.\n"));
    }
    text += "\nRoles; everybody else may look\n";
    for row in roles {
        let line = format!(
            "  {:<8} {}, by {} at {}: {}\n",
            row.role, row.identity, row.granted_by, row.granted_at, row.reason
        );
        text += &visible(&line);
    }
    sink::print(&text)
}

fn article(role: Role) -> &'static str {
    if role == Role::Viewer { "a" } else { "an" }
}
