//! A run as a span.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Attribute, Span, SpanEvent, attribute, tree::tree};
use crate::domain::{
    fault::Exit,
    format::visible,
    phase::{Phase, Timed},
    plan::SourceSummary,
    run::{Alert, Did, RunReport, Scope, StepLine},
};

/// Events that a span holds. More than that are counted.
const MOST_EVENTS: usize = 128;

/// A run that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Ran<'a> {
    pub id: &'a str,
    pub scope: Scope,
    pub dry_run: bool,
    /// What it did; none where it did not get that far.
    pub report: Option<&'a RunReport>,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    /// What it did meanwhile, in any order.
    pub times: &'a [Timed],
    /// What was read; none where nothing could be.
    pub source: Option<&'a SourceSummary>,
    pub exit: Exit,
    /// What standard error says of it; none where all went well.
    pub trouble: Option<&'a str>,
}

/// The root `tick`, with the phases under it. What became of rollouts is told as events of the last `act`, what wants a person as events
/// of the root. Both have the time at which that span ended: when each took place is in the audit log.
#[must_use]
pub fn tick(ran: &Ran<'_>) -> Span {
    let mut children = tree(ran.times);
    let steps = ran.report.iter().flat_map(|report| &report.steps).filter(|step| step.did != Did::Held);
    let alerts = ran.report.iter().flat_map(|report| &report.alerts);
    let mut root = Span {
        name: "tick",
        started_at: ran.started_at,
        ended_at: ran.ended_at,
        attributes: of_run(ran),
        events: Vec::new(),
        dropped_events: 0,
        error: error(ran),
        children: Vec::new(),
    };
    let acted = children.iter_mut().rfind(|span| span.name == Phase::Act.name());
    happened(acted.unwrap_or(&mut root), steps, "rollout.step", of_step);
    happened(&mut root, alerts, "alert", of_alert);
    if let Some(observed) = children.iter_mut().find(|span| span.name == Phase::Observe.name()) {
        observed.attributes.extend(ran.source.iter().flat_map(|source| of_source(source)));
    }
    if let Some(decided) = children.iter_mut().rfind(|span| span.name == Phase::Decide.name()) {
        decided.attributes.extend(ran.report.iter().flat_map(|report| of_plan(report)));
    }
    root.children = children;
    root
}

/// One that another run kept from acting did what it should.
fn error(ran: &Ran<'_>) -> Option<String> {
    match ran.exit {
        Exit::Fine | Exit::Held => None,
        exit => Some(ran.trouble.map_or_else(|| format!("exit code {}", exit as u8), visible)),
    }
}

fn happened<T>(span: &mut Span, what: impl Iterator<Item = T>, name: &'static str, of: impl Fn(T) -> Vec<Attribute>) {
    for each in what {
        if span.events.len() < MOST_EVENTS {
            span.events.push(SpanEvent { name, at: span.ended_at, attributes: of(each) });
        } else {
            span.dropped_events = span.dropped_events.saturating_add(1);
        }
    }
}

fn of_run(ran: &Ran<'_>) -> Vec<Attribute> {
    let mut attributes = vec![
        attribute("optimizer.run.id", ran.id),
        attribute("optimizer.run.scope", ran.scope.name()),
        attribute("optimizer.run.dry_run", ran.dry_run),
        attribute("process.exit.code", u64::from(ran.exit as u8)),
    ];
    attributes.extend(ran.report.iter().flat_map(|report| of_report(report)));
    attributes
}

fn of_report(report: &RunReport) -> Vec<Attribute> {
    let mut attributes = vec![
        attribute("optimizer.sink", report.sink.as_str()),
        attribute("optimizer.not_begun", report.not_begun.len() as u64),
        attribute("optimizer.alerts", report.alerts.len() as u64),
    ];
    attributes.extend(report.data_until.map(|until| attribute("optimizer.data_until", until.to_string())));
    attributes.extend(of_plan(report));
    // Rollouts under way, by what became of them.
    let mut did: BTreeMap<&str, u64> = BTreeMap::new();
    for step in &report.steps {
        *did.entry(step.did.name()).or_default() += 1;
    }
    let name = |did: &str| format!("optimizer.steps.{}", did.replace(' ', "_"));
    attributes.extend(did.into_iter().map(|(did, count)| (name(did).into(), count.into())));
    attributes
}

fn of_plan(report: &RunReport) -> Vec<Attribute> {
    let plan = report.plan.iter();
    plan.flat_map(|plan| {
        [
            attribute("optimizer.plan.id", plan.id.as_str()),
            attribute("optimizer.plan.decisions", plan.decisions),
            attribute("optimizer.plan.moving", plan.moving),
        ]
    })
    .collect()
}

fn of_source(source: &SourceSummary) -> [Attribute; 2] {
    [
        attribute("optimizer.source.rows_read", source.rows_read),
        attribute("optimizer.source.rows_rejected", source.rejected.values().sum::<u64>()),
    ]
}

fn of_step(step: &StepLine) -> Vec<Attribute> {
    vec![
        attribute("optimizer.service", visible(&step.service)),
        attribute("optimizer.rollout", step.rollout.as_str()),
        attribute("optimizer.did", step.did.name()),
        attribute("optimizer.from", step.from.as_str()),
        attribute("optimizer.to", step.to.as_str()),
        attribute("optimizer.share_percent.before", u64::from(step.share_before)),
        attribute("optimizer.share_percent.after", u64::from(step.share_after)),
    ]
}

fn of_alert(alert: &Alert) -> Vec<Attribute> {
    let service = alert.service.iter().map(|service| attribute("optimizer.service", visible(service)));
    let rest = [
        attribute("optimizer.alert.kind", alert.kind.name()),
        attribute("optimizer.alert.message", visible(&alert.message)),
    ];
    service.chain(rest).collect()
}

#[cfg(test)]
mod tests;
