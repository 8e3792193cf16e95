//! A page as GitHub-flavoured Markdown: the same cells, with a short line of blocks in the place of a plot.

use super::ticks::shown;
use crate::{
    domain::{
        format::{counted, visible},
        page::{Chart, Draw, Page, Table},
    },
    report::{markdown::cell, sparkline::sparkline},
};

/// Longer ones are left to HTML and JSON: nobody reads them in a comment.
const LONGEST: usize = 40;

/// The page as Markdown.
#[must_use]
pub fn page_markdown(page: &Page) -> String {
    let mut text = format!("# {}\n\n", line(&page.title));
    for fact in &page.about {
        text += &format!("- **{}**: {}\n", line(&fact.label), line(&fact.text));
    }
    if !page.headline.is_empty() {
        text += "\n| figure | | |\n|---|---:|---|\n";
        for one in &page.headline {
            text += &format!("| {} | {} | {} |\n", line(&one.label), line(&one.figure.text), line(&one.note));
        }
    }
    for section in &page.sections {
        text += &format!("\n## {}\n", line(&section.title));
        for paragraph in &section.text {
            text += &format!("\n{}\n", line(paragraph));
        }
        for chart in &section.charts {
            text += &plot(chart);
        }
        for one in &section.tables {
            text += &table(one, &one.title);
        }
    }
    for one in &page.not_given {
        text += &format!("\n*{}*\n", line(one));
    }
    text
}

fn line(text: &str) -> String {
    cell(&visible(text))
}

fn plot(chart: &Chart) -> String {
    let mut text = format!("\n### {}\n\n{}\n", line(&chart.title), line(&chart.caption));
    let lines = chart.series.iter().filter(|series| matches!(series.draw, Draw::Line | Draw::Columns));
    for series in lines.filter(|series| series.points.len() > 8) {
        let values: Vec<Option<f64>> = series.points.iter().map(|point| point.y).collect();
        let known = || values.iter().copied().flatten();
        let (Some(low), Some(high)) = (known().reduce(f64::min), known().reduce(f64::max)) else { continue };
        let (low, high) = (shown(chart.y.unit, low), shown(chart.y.unit, high));
        text += &format!(
            "\n`{}` {}: {} … {}\n",
            sparkline(&values, LONGEST),
            line(if series.name.is_empty() { &chart.y.label } else { &series.name }),
            line(&low),
            line(&high)
        );
    }
    text + &table(&chart.table, "")
}

fn table(table: &Table, title: &str) -> String {
    let mut text = if title.is_empty() { String::new() } else { format!("\n**{}**\n", line(title)) };
    match table.rows.len() {
        0 => return String::new(),
        rows if rows > LONGEST && title.is_empty() => return text,
        _ => {}
    }
    let (titles, rules): (Vec<String>, Vec<&str>) =
        table.columns.iter().map(|column| (line(&column.title), if column.number { "---:" } else { "---" })).unzip();
    text += &format!("\n| {} |\n| {} |\n", titles.join(" | "), rules.join(" | "));
    for row in table.rows.iter().take(LONGEST) {
        let cells: Vec<String> = row.iter().map(|cell| line(&cell.text)).collect();
        text += &format!("| {} |\n", cells.join(" | "));
    }
    if table.rows.len() > LONGEST {
        let more = counted((table.rows.len() - LONGEST) as u64, "more row");
        text += &format!("\n… and {more}; the HTML and JSON forms have them all\n");
    }
    text
}
