//! What is wrong: findings, worst first.

use super::{
    chart::seconds,
    ticks::{MINUTES, moment},
    worth::findings,
};
use crate::domain::{
    Finding, Severity,
    format::{counted, quantity, short},
    material::Material,
    page::{Cell, Section, Table},
};

/// The sentence of a finding, with the name of its service in front.
pub(super) fn sentence(finding: &Finding) -> String {
    match &finding.service {
        Some(service) => format!("{}: {}", short(service), finding.summary),
        None => capital(&finding.summary),
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub(super) fn section(material: &Material) -> Option<Section> {
    if material.plan.is_none() && material.analyses.is_empty() {
        return None;
    }
    let all = findings(material);
    let grave = all.iter().filter(|finding| finding.severity >= Severity::Medium).count() as u64;
    let title = match (all.len(), grave) {
        (0, _) => "No findings: everything is within its limits".to_owned(),
        (found, 0) => format!("{}, none of them grave", counted(found as u64, "finding")),
        (1, _) => "One finding needs a look".to_owned(),
        (found, grave) if found as u64 == grave => format!("{} need a look", counted(grave, "finding")),
        (found, grave) => format!("{grave} of {} need a look", counted(found as u64, "finding")),
    };
    let mut table =
        Table::new("Findings, worst first", &["severity", "service", "finding", "since (UTC)", "#requests"]);
    for finding in all {
        table.rows.push(vec![
            Cell::text(finding.severity.to_string()),
            Cell::text(finding.service.clone().unwrap_or_else(|| "all services".to_owned())),
            Cell::text(finding.summary.clone()),
            Cell::text(finding.evidence.since.map_or_else(|| "–".to_owned(), |at| moment(seconds(at), MINUTES))),
            Cell::known(Some(finding.requests as f64).filter(|requests| *requests > 0.0), quantity),
        ]);
    }
    Some(Section { id: "findings".into(), title, text: Vec::new(), charts: Vec::new(), tables: vec![table] })
}
