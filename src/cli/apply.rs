//! `optimizer apply`: begin what a stored plan decided, if nothing has moved since.

use std::collections::BTreeMap;

use clap::Args;
use jiff::SignedDuration;

use super::{
    Failure,
    acting::{Acting, ActingArgs},
    configurations,
    operator::OperatorArgs,
    plan::duration,
    rights,
};
use crate::{
    act::{
        self,
        tick::{Heed, Known, Tick},
    },
    decide,
    domain::{
        Plan,
        format::{self, visible},
        plan::{Decision, Standing},
    },
    state::{Open, StateError, Store, Table, Wanted},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer plan --from logs.parquet                            decide, and keep the plan
  optimizer apply 4c0f9a1be2d37708 --reason 'as discussed' --sink https://orchestrator
                                                                begin every change of it with its first step
  optimizer apply 4c0f --service checkout --reason 'only this'  only what concerns one service

Later steps are taken by `optimizer run`.")]
pub(super) struct ApplyArgs {
    /// The plan: its id, or the first characters of it, at least four
    plan: String,
    /// Only what it decided about this service
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// A plan over traffic that ended longer ago is stale
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    max_age: SignedDuration,
    /// What ran under which version, where the sink does not tell: YAML or JSON, one entry a version, the one in force last
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_CONFIGURATIONS")]
    configurations: Option<std::path::PathBuf>,
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(flatten)]
    acting: ActingArgs,
}

pub(super) fn run(arguments: &ApplyArgs) -> Result<(), Failure> {
    let reason = arguments.operator.reason()?;
    let mut store = arguments.acting.state.open(Open::Existing)?;
    let by = rights::allow(&mut store, crate::domain::rights::Permission::ModifyConfig, "apply")?;
    let mut plan = stored(&mut store, &arguments.plan)?;
    drop(store);
    if let Some(service) = &arguments.service {
        plan.decisions.retain(|decision| decision.service == *service);
    }
    let moving = Tick::moving(&plan);
    if moving.is_empty() {
        return Err(Failure::usage(
            format!("plan {} decided to change nothing{}", plan.id, of(arguments.service.as_deref())),
            format!("`optimizer explain {}` shows it", plan.id),
        ));
    }
    let services: Vec<String> = moving.keys().map(|service| (*service).to_owned()).collect();
    arguments.operator.confirm(&format!("Begin changes in {}", services.join(", ")))?;
    let configurations = configurations::read(arguments.configurations.as_deref())?;
    arguments.acting.act(&by, Heed::Operators, |acting| {
        let moved = moved(&plan, arguments.max_age, acting)?;
        if !moved.is_empty() {
            return Err(Failure::usage(
                format!("plan {} is stale: {}", plan.id, moved.join("; ")),
                "`optimizer plan` makes a new one; nothing was written",
            ));
        }
        let reference_ms = references(&plan);
        let known = Known { configurations: &configurations, reference_ms: &reference_ms, nothing_because: None };
        for service in &services {
            acting.tick.said("apply", service, &format!("plan {}: {reason}", plan.id));
        }
        Ok(acting.tick.begin(acting.store, &plan, &known)?)
    })
}

fn of(service: Option<&str>) -> String {
    service.map_or_else(String::new, |service| format!(" in `{}`", visible(service)))
}

fn stored(store: &mut Store, id: &str) -> Result<Plan, Failure> {
    let wanted = id.trim().to_ascii_lowercase();
    let hexadecimal = wanted.len() >= 4 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found = if hexadecimal { store.plans_like(&wanted, 3)? } else { Vec::new() };
    let [(id, _)] = found.as_slice() else {
        let newest = store.newest_plans(5)?;
        let newest: Vec<String> = newest.iter().map(|(id, made_at)| format!("{id} of {made_at}")).collect();
        let what = if found.is_empty() { "no plan has this id" } else { "more than one plan begins so" };
        return Err(Failure::usage(
            format!("{what}: `{}`", visible(id)),
            format!("the newest are {}", newest.join(", ")),
        ));
    };
    let unreadable = |cause| StateError::Unreadable { what: format!("plan {id}"), cause };
    let row = store.plan(id)?.ok_or_else(|| unreadable(serde::de::Error::custom("it is not there")))?;
    Ok(serde_json::from_str(&row.body).map_err(unreadable)?)
}

/// What is no longer as it was when the plan was made.
fn moved(plan: &Plan, max_age: SignedDuration, acting: &mut Acting<'_, '_>) -> Result<Vec<String>, Failure> {
    let mut moved = Vec::new();
    let age = acting.now.duration_since(plan.windows.window.end());
    if age > max_age {
        moved.push(format!("its traffic ended {} ago", format::hours(age.as_secs_f64() / 3600.0)));
    }
    if decide::policy_ref(acting.policy).sha256 != plan.policy.sha256 {
        moved.push(format!("the policy is another one than `{}` as it was then", visible(&plan.policy.name)));
    }
    // It knows nothing of what came after the traffic that it was made from.
    let since = act::stamp(plan.windows.window.end());
    for (service, decisions) in Tick::moving(plan) {
        let wanted = Wanted { service: Some(service), since: Some(&since), ..Wanted::default() };
        if let Some(row) = acting.store.documents(Table::Rollouts, wanted)?.first() {
            moved.push(format!("rollout {} of {} has moved since", row.id, visible(service)));
        }
        match acting.tick.in_force(service) {
            Ok(Some(present)) => {
                moved.extend(decisions.iter().filter_map(|decision| differs(decision, &present.configuration)));
            }
            Ok(None) => {}
            Err(why) => moved.push(format!("what is in force in {} cannot be read: {why}", visible(service))),
        }
    }
    Ok(moved)
}

/// Whether another model serves than the one the decision was about.
fn differs(decision: &Decision, present: &crate::domain::Configuration) -> Option<String> {
    let current = decision.current.as_ref()?;
    let model = present.get("model")?;
    (decision.segment == crate::domain::Segment::Unlabelled && model != current.model).then(|| {
        format!("{} runs {} now, and ran {} then", visible(&decision.service), visible(model), visible(&current.model))
    })
}

/// Latency p95 of what serves now, as the plan saw it.
fn references(plan: &Plan) -> BTreeMap<String, f64> {
    let p95 = |decision: &Decision| {
        let current = decision.candidates.iter().find(|candidate| candidate.standing == Standing::Current)?;
        Some((decision.service.clone(), current.latency_p95_ms?.value))
    };
    plan.decisions.iter().filter_map(p95).collect()
}
