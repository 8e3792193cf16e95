//! From what was given to the page.

use super::{
    data, decisions, deeds, evaluation, findings, gate, headline, models, rollouts, services, spend, timeline,
};
use crate::{
    domain::{
        material::Material,
        page::{Fact, Page, SCHEMA_VERSION, Section},
    },
    report::words,
};

/// The page of everything that was given. Sections without data are left out, and the end says what was not given.
#[must_use]
pub fn page(material: &Material) -> Page {
    let mut sections: Vec<Section> = Vec::new();
    sections.extend(findings::section(material));
    sections.extend(gate::sections(material));
    sections.extend(spend::section(material));
    sections.extend(rollouts::section(material));
    sections.extend(decisions::section(material));
    sections.extend(models::section(material));
    sections.extend(services::section(material));
    sections.extend(timeline::section(material));
    sections.extend(evaluation::sections(material));
    sections.extend(deeds::section(material));
    sections.extend(data::section(material));
    Page {
        schema_version: SCHEMA_VERSION.into(),
        title: headline::title(material, &sections),
        about: about(material),
        headline: headline::figures(material),
        sections,
        not_given: not_given(material),
    }
}

fn about(material: &Material) -> Vec<Fact> {
    let fact = |label: &str, text: String| Fact { label: label.to_owned(), text };
    let mut facts = vec![fact("made from", material.given.join("; "))];
    if let Some(plan) = &material.plan {
        let window = &plan.windows.window;
        facts.push(fact(
            "now",
            format!(
                "{} → {} UTC ({})",
                words::instant(window.start()),
                words::instant(window.end()),
                words::length(window.seconds())
            ),
        ));
        facts.push(fact("plan", format!("{} under policy {}", plan.id, plan.policy.name)));
    }
    if material.older_plans > 0 {
        let older = crate::domain::format::counted(material.older_plans, "plan");
        facts.push(fact("left aside", format!("{older} of an older window")));
    }
    facts
}

fn not_given(material: &Material) -> Vec<String> {
    let lacks = [
        (
            material.plan.is_none(),
            "decisions and models: add a plan (`optimizer plan --format json`), or `--from` a request log",
        ),
        (material.course.is_none(), "the course of spend, latency and quality over time: add `--from` a request log"),
        (
            material.rollouts.is_empty() && material.runs.is_empty() && material.statuses.is_empty(),
            "rollouts and their evidence: add `--state` a store, or documents of `run` and `status`",
        ),
        (material.gates.is_empty(), "gate results: add a document of `optimizer gate --json`"),
        (
            material.evaluations.is_empty(),
            "off-policy evaluation: add a document of `optimizer evaluate --format json`",
        ),
    ];
    let lacks: Vec<&str> = lacks.into_iter().filter_map(|(lacks, how)| lacks.then_some(how)).collect();
    if lacks.is_empty() { Vec::new() } else { vec![format!("Not given, so not shown: {}.", lacks.join("; "))] }
}
