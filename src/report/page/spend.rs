//! What it costs, what it will cost, and what changes save.

use super::{
    chart::{chart, finished, seconds, series, time},
    findings::sentence,
    today::today,
    worth::{findings, name},
};
use crate::domain::{
    Finding, FindingKind,
    course::CourseSlot,
    format::{change, usd},
    material::Material,
    page::{Axis, Cell, Chart, Draw, Ink, Point, Section, Shape, Table, Unit},
    plan::{Plan, ServiceSummary, SpendOutlook},
    window::day_start_before,
};

/// Services whose day is drawn.
const DAYS_DRAWN: usize = 4;

/// Of a budget: what is farther from it is in the table of all services only.
const NEAR: f64 = 0.5;

pub(super) fn section(material: &Material) -> Option<Section> {
    let mut charts = Vec::new();
    if let Some(plan) = &material.plan {
        charts.extend(total_today(material, plan));
        let mut budgeted: Vec<&ServiceSummary> =
            plan.services.iter().filter(|service| service.spend.budget_usd.is_some()).collect();
        let strain = |service: &ServiceSummary| {
            service
                .spend
                .projected_usd
                .zip(service.spend.budget_usd)
                .map_or(0.0, |(projected, budget)| projected / budget)
        };
        budgeted.sort_by(|a, b| strain(b).total_cmp(&strain(a)).then(a.service.cmp(&b.service)));
        budgeted.retain(|service| strain(service) >= NEAR);
        charts.extend(budgeted.into_iter().take(DAYS_DRAWN).filter_map(|service| of_service(material, plan, service)));
    }
    charts.extend(by_slot(material));
    charts.extend(by_day(material));
    charts.extend(material.plan.as_ref().and_then(planned));
    let mut tables: Vec<Table> = material.plan.iter().map(savings).collect();
    let (realised, how) = super::realised::realised(material);
    tables.push(realised);
    tables.retain(|table| !table.rows.is_empty());
    if charts.is_empty() && tables.is_empty() {
        return None;
    }
    let mut text = Vec::new();
    if material.plan.iter().flat_map(|plan| &plan.decisions).any(|decision| decision.action.moves()) {
        text.push("What changes save is predicted from what requests cost before, with 90 % intervals; nothing of it is spent less yet.".to_owned());
    }
    text.extend(how);
    Some(Section { id: "spend".into(), title: title(material), text, charts, tables })
}

fn budgets(material: &Material) -> Vec<&Finding> {
    let budget = |kind: FindingKind| matches!(kind, FindingKind::DailyBudget | FindingKind::MonthlyBudget);
    findings(material).into_iter().filter(|finding| budget(finding.kind)).collect()
}

fn title(material: &Material) -> String {
    if let Some(worst) = budgets(material).first() {
        return sentence(worst);
    }
    match material.plan.as_ref().map(|plan| (plan.totals.spend_usd_per_day, plan.totals.planned_spend_usd_per_day)) {
        Some((Some(now), Some(after))) if now > 0.0 && (after - now).abs() >= 0.005 * now => {
            format!(
                "Spend is {} a day; the plan would bring it to {} ({})",
                usd(now),
                usd(after),
                change(after / now - 1.0)
            )
        }
        Some((Some(now), _)) => format!("Spend is {} a day, and the plan leaves it as it is", usd(now)),
        Some((None, _)) => "What is spent is not known: requests lack a cost".to_owned(),
        None => "What was spent".to_owned(),
    }
}

/// The day of all services together, where a budget of all of them is in danger.
fn total_today(material: &Material, plan: &Plan) -> Option<Chart> {
    let finding = budgets(material)
        .into_iter()
        .find(|finding| finding.service.is_none() && finding.kind == FindingKind::DailyBudget)?;
    let course = material.course.as_ref()?;
    let midnight = day_start_before(plan.windows.window.end());
    let spent = course.spend_usd.iter().filter(|(at, _)| *at >= midnight).copied();
    let outlook = SpendOutlook {
        today_usd: None,
        projected_usd: Some(finding.observed),
        projected_interval_usd: finding.interval,
        budget_usd: Some(finding.limit),
        exhausted_at: None,
    };
    today("spend-today", sentence(finding), spent, course.slot_minutes, plan, &outlook)
}

fn of_service(material: &Material, plan: &Plan, service: &ServiceSummary) -> Option<Chart> {
    let (budget, projected) = service.spend.budget_usd.zip(service.spend.projected_usd)?;
    let midnight = day_start_before(plan.windows.window.end());
    let of = |slot: &CourseSlot| (slot.at, slot.spend_usd);
    let course =
        material.course.as_ref().and_then(|course| course.services.iter().find(|one| one.service == service.service));
    let spent = course.into_iter().flat_map(|one| &one.slots).filter(|slot| slot.at >= midnight).map(of);
    let warned = budgets(material).into_iter().find(|finding| finding.service.as_ref() == Some(&service.service));
    let title = warned.map_or_else(
        || {
            format!(
                "{}: {} by midnight is within the daily budget of {}",
                name(&service.service),
                usd(projected),
                usd(budget)
            )
        },
        sentence,
    );
    let minutes = material.course.as_ref().map_or(60, |course| course.slot_minutes);
    today(&format!("spend-today-{}", place(plan, service)), title, spent, minutes, plan, &service.spend)
}

fn place(plan: &Plan, service: &ServiceSummary) -> usize {
    plan.services.iter().position(|one| one.service == service.service).unwrap_or(0)
}

fn by_slot(material: &Material) -> Option<Chart> {
    let course = material.course.as_ref()?;
    let whole = if course.last_is_whole { &course.spend_usd[..] } else { course.spend_usd.split_last()?.1 };
    let per_hour = 60.0 / course.slot_minutes as f64;
    let points: Vec<Point> =
        whole.iter().map(|(at, spend)| Point::at(seconds(*at), spend.map(|spend| spend * per_hour))).collect();
    let known: Vec<f64> = points.iter().filter_map(|point| point.y).collect();
    let (highest, mean) = (known.iter().copied().reduce(f64::max)?, known.iter().sum::<f64>() / known.len() as f64);
    let title = format!("All services spend {} an hour on average, {} at most", usd(mean), usd(highest));
    let caption = format!("Each point is the rate of {} minutes.", course.slot_minutes);
    let mut chart =
        chart("spend-rate", title, caption, time(), Axis::of("US dollars an hour", Unit::Usd).including([0.0]));
    chart.series.push(series("", Draw::Line, Ink::Main, points));
    finished(chart)
}

fn by_day(material: &Material) -> Option<Chart> {
    let days: Vec<Point> = material.days.iter().map(|(day, spend)| Point::at(seconds(*day), *spend)).collect();
    let known: Vec<f64> = days.iter().filter_map(|point| point.y).collect();
    let highest = known.iter().copied().reduce(f64::max)?;
    let title = format!(
        "{} of known spend, {} on the dearest",
        crate::domain::format::counted(known.len() as u64, "day"),
        usd(highest)
    );
    let mut chart = chart(
        "spend-days",
        title,
        "UTC days of the stored history; days of which an hour or a cost is unknown are left out.",
        time(),
        Axis::of("US dollars a day", Unit::Usd).including([0.0]),
    );
    let last = days.last()?.x;
    chart.x = chart.x.including([last + 86_400.0]);
    chart.series.push(series("", Draw::Columns, Ink::Main, days));
    finished(chart)
}

/// What all of it costs, now and as planned.
fn planned(plan: &Plan) -> Option<Chart> {
    let totals = &plan.totals;
    let (now, after) = totals.spend_usd_per_day.zip(totals.planned_spend_usd_per_day)?;
    if now <= 0.0 || (after - now).abs() < 0.005 * now {
        return None;
    }
    let title = format!(
        "The plan would change spend by {} a day ({})",
        super::decisions::signed(after - now),
        change(after / now - 1.0)
    );
    let mut chart = chart(
        "spend-planned",
        title,
        "Of the same traffic. The interval comes from the errors of what requests cost before and after each change.",
        Axis::of("US dollars a day", Unit::Usd),
        Axis::of("", Unit::Name),
    );
    chart.y.names = vec!["now".to_owned(), "as planned".to_owned()];
    let dot = |x: f64, row: f64, interval| Point { x_interval: interval, ..Point::at(x, Some(row)) };
    chart.series.push(series("measured", Draw::Dots(Shape::Circle), Ink::Main, vec![dot(now, 0.0, None)]));
    let predicted = vec![dot(after, 1.0, totals.planned_spend_interval_usd_per_day)];
    chart.series.push(series("predicted", Draw::Dots(Shape::Diamond), Ink::Third, predicted));
    finished(chart)
}

fn savings(plan: &Plan) -> Table {
    let mut table = Table::new(
        "What the changes would do to spend",
        &["service", "segment", "change", "#US dollars a day", "#confidence"],
    );
    let mut moving: Vec<_> = plan
        .decisions
        .iter()
        .filter(|decision| decision.action.moves())
        .filter_map(|decision| Some((decision.spend_change_usd_per_day?, decision)))
        .collect();
    moving.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (dollars, decision) in moving {
        table.rows.push(vec![
            Cell::text(decision.service.clone()),
            Cell::text(decision.segment.name()),
            Cell::text(crate::report::words::what(decision)),
            Cell::number(dollars, super::decisions::signed(dollars)),
            Cell::known(decision.confidence, crate::report::words::sureness),
        ]);
    }
    table
}
