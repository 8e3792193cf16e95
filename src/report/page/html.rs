//! A page as one HTML file: no script, no network, nothing beside it. Every text goes through the one place that escapes.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{ink, plot};
use crate::domain::{
    format::{counted, visible},
    page::{Cell, Chart, Draw, Headline, Page, Section, Series, Shape, Table, Tone},
};

const STYLE: &str = include_str!("style.css");

/// Nothing may be fetched and nothing run, whatever a text may bring.
const SECURITY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// Above this many rows a table is folded up.
const LONG: usize = 12;

/// Longer tables of plots stay folded in print: ninety-six slots of each plot would fill a book.
const PRINTED: usize = 30;

/// The page as HTML.
#[must_use]
pub fn page_html(page: &Page) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(SECURITY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="optimizer report";
                title { (visible(&page.title)) }
                style { (PreEscaped(STYLE)) (PreEscaped(ink::rules())) }
            }
            body {
                header {
                    h1 { (visible(&page.title)) }
                    dl.about {
                        @for fact in &page.about { dt { (visible(&fact.label)) } dd { (visible(&fact.text)) } }
                    }
                }
                main {
                    @if !page.headline.is_empty() {
                        div.cards { @for one in &page.headline { (headline(one)) } }
                    }
                    @if page.sections.len() > 2 {
                        nav aria-label="Sections" {
                            ol { @for one in &page.sections { li { a href={ "#" (one.id) } { (visible(&one.title)) } } } }
                        }
                    }
                    @for one in &page.sections { (section(one)) }
                }
                footer { @for line in &page.not_given { p { (visible(line)) } } }
            }
        }
    };
    markup.into_string() + "\n"
}

fn headline(one: &Headline) -> Markup {
    let class = match one.tone {
        Tone::Plain => "card",
        Tone::Good => "card good",
        Tone::Bad => "card bad",
    };
    html! {
        div class=(class) {
            span { (visible(&one.label)) }
            b { (visible(&one.figure.text)) }
            span { (visible(&one.note)) }
        }
    }
}

fn section(one: &Section) -> Markup {
    html! {
        section id=(one.id) {
            h2 { (visible(&one.title)) }
            @for text in &one.text { p { (visible(text)) } }
            @if !one.charts.is_empty() {
                div.charts { @for one in &one.charts { (chart(one)) } }
            }
            @for one in &one.tables {
                @if one.rows.len() > LONG { (folded(one, &one.title, None)) } @else { (table(one)) }
            }
        }
    }
}

fn chart(chart: &Chart) -> Markup {
    let drawing = plot::drawing(chart);
    let (title, caption) = (format!("{}-title", chart.id), format!("{}-caption", chart.id));
    html! {
        figure id=(chart.id) {
            figcaption {
                h3 { (visible(&chart.title)) }
                p { (visible(&chart.caption)) }
            }
            @if let Some((drawing, width, height)) = drawing {
                svg viewBox={ "0 0 " (width) " " (height) } role="img" aria-labelledby={ (title) " " (caption) } {
                    title id=(title) { (visible(&chart.title)) }
                    desc id=(caption) { (visible(&chart.caption)) }
                    (PreEscaped(drawing))
                }
                @if chart.series.len() > 1 { (legend(&chart.series)) }
            }
            (folded(&chart.table, "The same in numbers", (chart.table.rows.len() > PRINTED).then_some("long")))
        }
    }
}

fn legend(series: &[Series]) -> Markup {
    html! {
        ul.legend {
            @for one in series.iter().filter(|one| !one.name.is_empty()) {
                li { i class=(ink::class(one.ink)) aria-hidden="true" { (glyph(one)) } (visible(&one.name)) }
            }
        }
    }
}

/// How a series looks, as letters.
fn glyph(series: &Series) -> &'static str {
    match series.draw {
        Draw::Line | Draw::Step => ink::dash(series.ink),
        Draw::Band => "▒",
        Draw::Columns => "▮",
        Draw::Dots(Shape::Circle) => "●",
        Draw::Dots(Shape::Ring) => "○",
        Draw::Dots(Shape::Square) => "■",
        Draw::Dots(Shape::Triangle) => "▲",
        Draw::Dots(Shape::Diamond) => "◆",
        Draw::Dots(Shape::Cross) => "✕",
    }
}

fn folded(one: &Table, title: &str, class: Option<&str>) -> Markup {
    if one.rows.is_empty() {
        return html! {};
    }
    html! {
        details class=[class] {
            summary { (visible(title)) " (" (counted(one.rows.len() as u64, "row")) ")" }
            (table(&Table { title: String::new(), ..one.clone() }))
        }
    }
}

fn table(one: &Table) -> Markup {
    if one.rows.is_empty() {
        return html! {};
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label=(if one.title.is_empty() { "Table".to_owned() } else { visible(&one.title) }) {
            table {
                @if !one.title.is_empty() { caption { (visible(&one.title)) } }
                thead { tr {
                    @for column in &one.columns { th scope="col" class=[column.number.then_some("n")] { (visible(&column.title)) } }
                } }
                tbody { @for row in &one.rows { tr {
                    @for (cell, column) in row.iter().zip(&one.columns) { td class=[class(cell, column.number)] { (visible(&cell.text)) } }
                } } }
            }
        }
    }
}

/// Sentences need some width to be read.
fn class(cell: &Cell, number: bool) -> Option<&'static str> {
    match (number, cell.text.len()) {
        (true, _) => Some("n"),
        (false, ..=20) => Some("t"),
        (false, 40..) => Some("w"),
        (false, _) => None,
    }
}
