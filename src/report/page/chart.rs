//! Charts with the table of all they show.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ticks::shown;
use crate::domain::page::{Across, Axis, Cell, Chart, Draw, Ink, Mark, Point, Series, Table, Unit};

/// A chart to be filled.
pub(super) fn chart(
    id: impl Into<String>,
    title: impl Into<String>,
    caption: impl Into<String>,
    x: Axis,
    y: Axis,
) -> Chart {
    Chart {
        id: id.into(),
        title: title.into(),
        caption: caption.into(),
        x,
        y,
        series: Vec::new(),
        marks: Vec::new(),
        table: Table::default(),
    }
}

pub(super) fn series(name: impl Into<String>, draw: Draw, ink: Ink, points: Vec<Point>) -> Series {
    Series { name: name.into(), draw, ink, points }
}

pub(super) fn time() -> Axis {
    Axis::of("time (UTC)", Unit::Time)
}

pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

pub(super) fn mark_at(at: Timestamp, text: impl Into<String>, ink: Ink) -> Mark {
    Mark { across: Across::X, at: seconds(at), text: text.into(), ink }
}

pub(super) fn level(at: f64, text: impl Into<String>) -> Mark {
    Mark { across: Across::Y, at, text: text.into(), ink: Ink::Limit }
}

/// `low … high`.
pub(super) fn between(unit: Unit, interval: Option<[f64; 2]>) -> Cell {
    Cell::text(
        interval.map_or_else(|| "–".to_owned(), |[low, high]| format!("{} … {}", shown(unit, low), shown(unit, high))),
    )
}

/// The chart with its table; none where nothing is to be seen.
pub(super) fn finished(mut chart: Chart) -> Option<Chart> {
    chart.series.retain(|series| series.points.iter().any(|point| point.y.is_some() || point.y_interval.is_some()));
    if chart.series.is_empty() {
        return None;
    }
    let points = || chart.series.iter().flat_map(|series| &series.points);
    chart.table = if !chart.y.names.is_empty() {
        by_name(&chart)
    } else if points().any(|point| !point.label.is_empty()) {
        by_label(&chart)
    } else {
        by_x(&chart)
    };
    Some(chart)
}

fn by_name(chart: &Chart) -> Table {
    let unit = chart.x.unit;
    let mut table = Table::new("", &["", "", &format!("#{}", chart.x.label), "#90 % interval"]);
    for series in &chart.series {
        for point in &series.points {
            let name = point.y.and_then(|y| chart.y.names.get(y as usize));
            table.rows.push(vec![
                Cell::text(name.map_or("", String::as_str)),
                Cell::text(series.name.clone()),
                Cell::number(point.x, shown(unit, point.x)),
                between(unit, point.x_interval),
            ]);
        }
    }
    table
}

fn by_label(chart: &Chart) -> Table {
    let (x, y) = (format!("#{}", chart.x.label), format!("#{}", chart.y.label));
    let mut table = Table::new("", &["", "", &x, "#90 % interval", &y, "#90 % interval"]);
    for series in &chart.series {
        for point in &series.points {
            table.rows.push(vec![
                Cell::text(point.label.clone()),
                Cell::text(series.name.clone()),
                Cell::number(point.x, shown(chart.x.unit, point.x)),
                between(chart.x.unit, point.x_interval),
                Cell::known(point.y, |y| shown(chart.y.unit, y)),
                between(chart.y.unit, point.y_interval),
            ]);
        }
    }
    table
}

fn by_x(chart: &Chart) -> Table {
    let unit = chart.y.unit;
    let named = |series: &Series| format!("#{}", if series.name.is_empty() { &chart.y.label } else { &series.name });
    let titles: Vec<String> = std::iter::once(chart.x.label.clone()).chain(chart.series.iter().map(named)).collect();
    let mut table = Table::new("", &titles.iter().map(String::as_str).collect::<Vec<_>>());
    let mut rows: BTreeMap<i64, (f64, Vec<Cell>)> = BTreeMap::new();
    for (place, series) in chart.series.iter().enumerate() {
        for point in &series.points {
            // Milliseconds tell any two moments apart that a plot does.
            let (_, cells) = rows
                .entry((point.x * 1000.0).round() as i64)
                .or_insert_with(|| (point.x, vec![Cell::text("–"); chart.series.len()]));
            cells[place] = match (series.draw, point.y) {
                (Draw::Band, _) => between(unit, point.y_interval),
                (Draw::Dots(_), Some(y)) if point.y_interval.is_some() => {
                    Cell::number(y, format!("{} ({})", shown(unit, y), between(unit, point.y_interval).text))
                }
                (_, y) => Cell::known(y, |y| shown(unit, y)),
            };
        }
    }
    let row =
        |(x, cells): (f64, Vec<Cell>)| std::iter::once(Cell::number(x, shown(chart.x.unit, x))).chain(cells).collect();
    table.rows = rows.into_values().map(row).collect();
    table
}
