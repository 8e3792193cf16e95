//! How every service does: plots of those that matter, a table of all.

use super::{
    course::{Of, of_service, subject},
    findings::sentence,
    worth::{findings, worth_a_plot},
};
use crate::{
    domain::{
        format::{counted, ms, percent, quantity, usd},
        material::Material,
        page::{Cell, Chart, Section, Table},
        plan::Plan,
    },
    report::words,
};

pub(super) fn section(material: &Material) -> Option<Section> {
    let plan = material.plan.as_ref();
    let drawn: Vec<Chart> = worth_a_plot(material)
        .iter()
        .filter_map(|service| material.course.as_ref()?.services.iter().find(|one| one.service == *service))
        .flat_map(|course| of_service(material, course))
        .collect();
    let tables: Vec<Table> = plan.map(table).into_iter().filter(|table| !table.rows.is_empty()).collect();
    if drawn.is_empty() && tables.is_empty() {
        return None;
    }
    let services = plan.map_or(0, |plan| plan.services.len());
    let with_plots = material.course.as_ref().map_or(0, |course| course.services.len());
    let mut text = Vec::new();
    if with_plots > 0 && services > with_plots {
        text.push(format!(
            "Plots show the {with_plots} services with findings, changes or the highest spend; the {} are only in the table.",
            counted((services - with_plots) as u64, "other service")
        ));
    }
    Some(Section { id: "services".into(), title: title(material, services as u64), text, charts: drawn, tables })
}

fn title(material: &Material, services: u64) -> String {
    let slow_or_bad = findings(material).into_iter().find(|finding| subject(finding).is_some_and(|of| of != Of::Cost));
    match slow_or_bad {
        Some(worst) => sentence(worst),
        None => format!("Quality and latency of {} are within their limits", counted(services, "service")),
    }
}

fn table(plan: &Plan) -> Table {
    let titles = [
        "service",
        "#requests",
        "#latency p50",
        "#latency p95",
        "#latency p99",
        "#errors",
        "#cost per request",
        "#quality",
        "#scored",
        "#spent today",
        "#by midnight",
    ];
    let length = words::length(plan.windows.window.seconds());
    let mut table = Table::new(format!("All services in the window of {length}, the dearest first"), &titles);
    let mut services: Vec<_> = plan.services.iter().collect();
    let spend =
        |service: &crate::domain::plan::ServiceSummary| service.requests * service.cost_per_request_usd.unwrap_or(0.0);
    services.sort_by(|a, b| spend(b).total_cmp(&spend(a)).then(a.service.cmp(&b.service)));
    for service in services {
        table.rows.push(vec![
            Cell::text(service.service.clone()),
            Cell::number(service.requests, quantity(service.requests)),
            Cell::known(service.latency_p50_ms, ms),
            Cell::known(service.latency_p95_ms, ms),
            Cell::known(service.latency_p99_ms, ms),
            Cell::known(service.error_rate, percent),
            Cell::known(service.cost_per_request_usd, usd),
            Cell::known(service.quality, |quality| format!("{quality:.3}")),
            Cell::number(service.quality_coverage, percent(service.quality_coverage)),
            Cell::known(service.spend.today_usd, usd),
            Cell::known(service.spend.projected_usd, usd),
        ]);
    }
    table
}
