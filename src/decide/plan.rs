//! The plan of one tick, put together from its decisions.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::{
    case::Case,
    condition::Value,
    conditions::Conditions,
    elsewhere::Elsewhere,
    facts,
    hash::{data_sha256, sha256},
    ladder::decide,
    portfolio,
    rules::{self, Spoken},
    search,
    totals::{evidence_days, summary, totals},
};
use crate::{
    domain::{
        Finding, KnownConfigurations, Memory, ModelTable, Plan, Policy, Segment,
        plan::{Decision, InputsRef, PolicyRef, SCHEMA_VERSION},
        policy::Mode,
    },
    stats::{Observation, ServiceEvidence},
};

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub observation: &'a Observation,
    pub findings: &'a [Finding],
    pub policy: &'a Policy,
    /// Prices, regions and declared profiles.
    pub models: &'a ModelTable,
    /// What services are configured to do, by service, where it was told.
    pub configurations: &'a BTreeMap<String, KnownConfigurations>,
    /// What former ticks left behind.
    pub memory: &'a Memory,
    /// Whether the findings come from figures followed through time: without that, nobody knows that there is no trend.
    pub followed: bool,
}

/// A plan, and what the next tick has to know of this one.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub plan: Plan,
    /// As it will be when the plan is carried out.
    pub memory: Memory,
}

/// What is known of services beside what was read, by service and name of conditions.
pub type GivenFacts = BTreeMap<String, BTreeMap<String, Value>>;

/// Decides every segment of every service.
#[must_use]
pub fn plan(inputs: &Inputs<'_>) -> Planned {
    plan_given(inputs, &GivenFacts::new())
}

/// The same where more is known than any source tells, for tests of policies: what is given stands above what was read. The id of the
/// plan does not tell it.
#[must_use]
pub fn plan_given(inputs: &Inputs<'_>, given: &GivenFacts) -> Planned {
    let Inputs { observation, findings, policy, models, configurations, memory, followed } = inputs;
    let now = observation.windows.window.end();
    let evidence_days = evidence_days(observation);
    let conditions = Conditions::of(policy);
    let elsewhere = Elsewhere::of(observation, models);
    let mut by_service: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in *findings {
        if let Some(service) = &finding.service {
            by_service.entry(service).or_default().push(finding);
        }
    }
    let observed: Vec<(&String, &ServiceEvidence)> = observation.services.iter().collect();
    let decided = observed.par_iter().map(|(service, evidence)| {
        let rules = policy.rules(service);
        let findings = by_service.get(service.as_str()).map_or(&[][..], Vec::as_slice);
        let summary = summary(service, rules.mode, evidence, observation, rules.daily_budget_usd);
        let mut facts = facts::of_service(&summary, evidence, findings, observation, models, *followed);
        given.get(*service).into_iter().flatten().for_each(|(name, value)| facts.put(name, value));
        let spoken = match rules.mode {
            Mode::Off => Spoken::default(),
            Mode::Enforce | Mode::Observe => rules::speak(rules, &conditions, &facts, memory.rules.get(*service), now),
        };
        let decide = |(segment, arms): (&Segment, _)| {
            decide(&Case {
                service,
                segment: *segment,
                evidence,
                arms,
                rules,
                findings,
                evidence_days,
                configurations: configurations.get(*service),
                models,
                memory,
                now,
                elsewhere: &elsewhere,
                conditions: &conditions,
                facts: &facts,
                spoken: &spoken,
            })
        };
        let decisions: Vec<Decision> = evidence.segments.iter().map(decide).collect();
        (decisions, (summary, spoken))
    });
    let (decisions, services): (Vec<_>, Vec<_>) = decided.unzip();
    let (services, spoken): (Vec<_>, Vec<_>) = services.into_iter().unzip();
    let mut decisions: Vec<Decision> = decisions.into_iter().flatten().collect();
    let before = totals(observation, policy, &[], evidence_days);
    portfolio::ration(&mut decisions, policy, before.spend_usd_per_day);
    let mut findings = findings.to_vec();
    findings.extend(rules::told(&services, &spoken));
    let inputs = InputsRef {
        data_sha256: data_sha256(observation),
        findings_sha256: sha256(&findings),
        configurations_sha256: (!configurations.is_empty()).then(|| sha256(configurations)),
        memory_sha256: (**memory != Memory::default()).then(|| sha256(memory)),
        seed: 0,
        governance: None,
    };
    let policy_ref = policy_ref(policy);
    let id =
        sha256(&(env!("CARGO_PKG_VERSION"), SCHEMA_VERSION, &policy_ref, &inputs, sha256(&models.models()), followed))
            [..16]
            .to_owned();
    for decision in &mut decisions {
        sha256(&(&id, &decision.service, decision.segment))[..12].clone_into(&mut decision.id);
    }
    let mut memory = rules::remember(memory, &services, spoken, &decisions, now);
    search::remember(&mut memory, observation, policy, &decisions);
    let plan = Plan {
        schema_version: SCHEMA_VERSION.into(),
        id,
        inputs,
        policy: policy_ref,
        windows: observation.windows.clone(),
        source: observation.source.clone(),
        totals: totals(observation, policy, &decisions, evidence_days),
        services,
        findings,
        decisions,
    };
    Planned { plan, memory }
}

/// The rules in force, as outputs name them.
#[must_use]
pub fn policy_ref(policy: &Policy) -> PolicyRef {
    PolicyRef { name: policy.name.clone(), sha256: sha256(policy) }
}
