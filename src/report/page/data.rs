//! How good the data is that everything rests on.

use crate::{
    domain::{
        format::{count, counted, percent},
        material::Material,
        page::{Cell, Section, Table},
        plan::{SourceSummary, Totals, Windows},
    },
    report::words,
};

pub(super) fn section(material: &Material) -> Option<Section> {
    let plan = material.plan.as_ref().map(|plan| (&plan.windows, &plan.source));
    let analysed = material.analyses.last().map(|analysis| (&analysis.windows, &analysis.source));
    let evaluated = material.evaluations.last().map(|evaluation| (&evaluation.windows, &evaluation.source));
    let (windows, source) = plan.or(analysed).or(evaluated)?;
    let totals = material.plan.as_ref().map(|plan| &plan.totals);
    Some(Section {
        id: "data".into(),
        title: title(source),
        text: text(windows, source, totals),
        charts: Vec::new(),
        tables: vec![rows(source), coverage(material, totals)].into_iter().filter(|one| !one.rows.is_empty()).collect(),
    })
}

fn title(source: &SourceSummary) -> String {
    let rejected = source.rows_rejected();
    let read = counted(source.rows_read, "row");
    if rejected == 0 {
        return format!("All of the {read} that were read could be used or lie outside the time");
    }
    let share = rejected as f64 / source.rows_read.max(1) as f64;
    format!("{} of the {read} that were read were rejected ({})", count(rejected), percent(share))
}

fn text(windows: &Windows, source: &SourceSummary, totals: Option<&Totals>) -> Vec<String> {
    let mut text: Vec<String> = words::read(windows, source)
        .into_iter()
        .filter(|(label, _)| *label != "rejected")
        .map(|(label, line)| format!("{}: {line}.", super::findings::capital(label)))
        .collect();
    if let Some(totals) = totals {
        text.push(format!(
            "{} of the requests carry a quality score; the cost of {} is unknown.",
            percent(totals.quality_coverage),
            if totals.unpriced_share > 0.0 { percent(totals.unpriced_share) } else { "none".to_owned() }
        ));
    }
    text
}

fn rows(source: &SourceSummary) -> Table {
    let mut table = Table::new("Rows", &["rows", "#number", "#share"]);
    let mut add = |what: String, number: u64| {
        let share = number as f64 / source.rows_read.max(1) as f64;
        let cells = [Cell::number(number as f64, count(number)), Cell::number(share, percent(share))];
        table.rows.push(std::iter::once(Cell::text(what)).chain(cells).collect());
    };
    add("read".into(), source.rows_read);
    add("used".into(), source.rows_used);
    add("outside the time".into(), source.rows_outside);
    add("duplicates".into(), source.rows_duplicate);
    for (reason, number) in &source.rejected {
        add(format!("rejected: {reason}"), *number);
    }
    for (what, number) in &source.passed_over {
        add(format!("passed over, no requests: {what}"), *number);
    }
    for (reason, number) in source.scores.iter().flat_map(|scores| &scores.rejected) {
        add(format!("scores rejected: {reason}"), *number);
    }
    table
}

/// Services of which something is not known.
fn coverage(material: &Material, totals: Option<&Totals>) -> Table {
    let mut table =
        Table::new("Services of which something is not known", &["service", "#scored", "what is not known"]);
    for service in material.plan.iter().flat_map(|plan| &plan.services) {
        let lacks = [
            (service.quality.is_none(), "quality"),
            (service.cost_per_request_usd.is_none(), "cost"),
            (service.latency_p95_ms.is_none(), "latency"),
            (service.error_rate.is_none(), "failures"),
            (service.spend.projected_usd.is_none(), "spend of the day"),
        ];
        let lacks: Vec<&str> = lacks.into_iter().filter_map(|(lacks, what)| lacks.then_some(what)).collect();
        if !lacks.is_empty() && totals.is_some() {
            table.rows.push(vec![
                Cell::text(service.service.clone()),
                Cell::number(service.quality_coverage, percent(service.quality_coverage)),
                Cell::text(lacks.join(", ")),
            ]);
        }
    }
    table
}
