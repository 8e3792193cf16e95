//! `optimizer policy`: check files, test them, print the schema.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::{Failure, files, sink};
use crate::{
    decide::{
        self, Inputs,
        examples::{Difference, Example, verdict},
    },
    domain::{KnownConfigurations, Memory, ModelTable, Policy, format::counted},
    orient,
};

#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Report everything that is wrong with a policy file, each with its line
    Check {
        /// Policy, price table or policy tests in YAML, or a folder of them
        file: PathBuf,
        /// Price table that named models are looked up in [default: policies/models.yaml, else the built-in one]
        #[arg(long, value_name = "FILE", env = "OPTIMIZER_MODELS")]
        models: Option<PathBuf>,
    },
    /// Run the examples of a file, and report which are not decided as expected; exits with 1 if any is not
    Test {
        /// Policy tests in YAML; `policy schema --tests` describes them
        file: PathBuf,
        /// Policy file, instead of the one the tests name
        #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
        policy: Option<PathBuf>,
        /// Price table [default: policies/models.yaml, else the built-in one]
        #[arg(long, value_name = "FILE", env = "OPTIMIZER_MODELS")]
        models: Option<PathBuf>,
        /// How to print the result
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Print the JSON Schema of policy files, for editors
    Schema {
        /// The one of policy tests instead
        #[arg(long)]
        tests: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(arguments: PolicyArgs) -> Result<(), Failure> {
    match arguments.command {
        PolicyCommand::Check { file, models } => {
            let mut text = String::new();
            let table = files::models(models.as_deref())?;
            for (name, checked) in files::check(&file)? {
                match checked {
                    files::Checked::Policy(policy) => {
                        text += &format!("{name}: fine ({})\n", describe(&policy));
                        for warning in decide::policy::unpriced(&policy, &table) {
                            text += &format!("{name}: warning: {warning}\n");
                        }
                    }
                    files::Checked::Prices(count) => text += &format!("{name}: fine ({count} prices)\n"),
                    files::Checked::Tests(count) => text += &format!("{name}: fine ({count} tests)\n"),
                }
            }
            sink::print(&text)
        }
        PolicyCommand::Test { file, policy, models, format } => {
            let examples = files::examples(&file)?;
            let policy = match (&policy, &examples.policy) {
                (None, Some(named)) => files::policy_beside(&file, named)?,
                (path, _) => files::policy(path.as_deref())?,
            };
            let table = files::models(models.as_deref())?;
            let run = |example| Outcome::of(example, &policy, &table);
            let outcomes: Vec<Outcome> = examples.examples.iter().map(run).collect();
            let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
            sink::print(&match format {
                Format::Json => serde_json::to_string_pretty(&outcomes).expect("outcomes are plain data") + "\n",
                Format::Text => written(&file.display().to_string(), &outcomes),
            })?;
            if failed == 0 {
                return Ok(());
            }
            let message = format!("{failed} of {} failed", counted(outcomes.len() as u64, "test"));
            Err(Failure::unmet(message, "change the policy, or what the tests expect of it"))
        }
        PolicyCommand::Schema { tests } => {
            let schema = if tests { decide::policy::examples_schema() } else { decide::policy::schema() };
            let schema = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
            sink::print(&(schema + "\n"))
        }
    }
}

/// What became of one example.
#[derive(Debug, Serialize)]
struct Outcome {
    name: String,
    line: Option<usize>,
    passed: bool,
    differences: Vec<Difference>,
    /// Why the plan decided as it did.
    reason: String,
}

impl Outcome {
    fn of(example: &Example, policy: &Policy, models: &ModelTable) -> Self {
        let mut reason = String::new();
        let differences = match example.given.observation() {
            None => vec![Difference {
                what: "now",
                expected: "a time with a day before it".to_owned(),
                got: example.given.now.to_string(),
            }],
            Some(observation) => {
                let mut findings = orient::findings(&observation, None, policy).findings;
                findings.extend(example.given.findings.iter().cloned());
                let given = &example.given;
                let rules = BTreeMap::from([(given.service.clone(), given.memory.clone())]);
                let memory = Memory { rules, ..Memory::default() };
                let known = given.configuration.clone().map(|current| {
                    let current = KnownConfigurations { current: Some(current), ..KnownConfigurations::default() };
                    (given.service.clone(), current)
                });
                let inputs = Inputs {
                    observation: &observation,
                    findings: &findings,
                    policy,
                    models,
                    configurations: &known.into_iter().collect(),
                    memory: &memory,
                    followed: given.followed,
                };
                let facts = BTreeMap::from([(given.service.clone(), given.facts.clone())]);
                let planned = decide::plan_given(&inputs, &facts);
                reason = planned.plan.decisions.first().map(|decision| decision.reason.clone()).unwrap_or_default();
                let mut differences = unknown_rules(example, policy);
                differences.extend(verdict(example, &planned.plan));
                differences
            }
        };
        Self { name: example.name.clone(), line: example.line, passed: differences.is_empty(), differences, reason }
    }
}

/// What is remembered of rules that are not there would never be asked for, and the test would show nothing.
fn unknown_rules(example: &Example, policy: &Policy) -> Vec<Difference> {
    let known = &policy.rules(&example.given.service).rules;
    let unknown = example.given.memory.keys().filter(|id| !known.iter().any(|rule| rule.id == **id));
    unknown
        .map(|id| Difference { what: "memory", expected: "a rule of the policy".to_owned(), got: format!("`{id}`") })
        .collect()
}

/// The outcomes for people, one line each, and under what failed the differences.
fn written(file: &str, outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let place = outcome.line.map_or(String::new(), |line| format!("  ({file}:{line})"));
        text += &if outcome.passed {
            format!("ok    {}\n", outcome.name)
        } else {
            format!("FAIL  {}{place}\n", outcome.name)
        };
        for Difference { what, expected, got } in &outcome.differences {
            text += &format!("        {what:<10} expected {expected}\n                   got      {got}\n");
        }
        let told = outcome.differences.iter().any(|difference| difference.what == "reason");
        if !outcome.passed && !told && !outcome.reason.is_empty() {
            text += &format!("        because    {}\n", outcome.reason);
        }
    }
    let passed = outcomes.iter().filter(|outcome| outcome.passed).count();
    text + &format!("{passed} of {} passed\n", counted(outcomes.len() as u64, "test"))
}

fn describe(policy: &Policy) -> String {
    let steps: Vec<String> = policy.default.rollout.steps_percent.iter().map(u8::to_string).collect();
    let overrides = match policy.services.len() {
        0 => "no service overrides".to_owned(),
        1 => "1 service override".to_owned(),
        many => format!("{many} service overrides"),
    };
    let counts = [(policy.default.rules.len(), "rule"), (policy.default.governance.len(), "governance policy")];
    let laid = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| match (*count, *what) {
        (1, what) => format!(", 1 {what}"),
        (many, "rule") => format!(", {many} rules"),
        (many, _) => format!(", {many} governance policies"),
    });
    format!("policy `{}`, rollout {} %{}, {overrides}", policy.name, steps.join(" → "), laid.collect::<String>())
}
