//! A page for people who are not at the terminal. It is data: `report --format json` writes it as it stands, and HTML and Markdown show
//! the same cells, so no figure can differ between the three. `docs/schema/report.v1.json` describes it.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the JSON form.
pub const SCHEMA_VERSION: &str = "report/v1";

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// Always `report/v1`.
    pub schema_version: Cow<'static, str>,
    /// The most important thing to know, as a sentence.
    pub title: String,
    /// What the page was made from, and of which time it speaks.
    pub about: Vec<Fact>,
    /// The figures to remember.
    pub headline: Vec<Headline>,
    pub sections: Vec<Section>,
    /// What would have been shown had it been given, and how to give it.
    pub not_given: Vec<String>,
}

/// A label and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    pub label: String,
    pub text: String,
}

/// One figure in large.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Headline {
    pub label: String,
    pub figure: Cell,
    /// What to compare it with, or how sure it is.
    pub note: String,
    pub tone: Tone,
}

/// How something is to be taken. Never told by colour alone: the words say it too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    #[default]
    Plain,
    Good,
    Bad,
}

/// One subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Section {
    /// Stable, for links: `spend`.
    pub id: String,
    /// What was found, as a sentence.
    pub title: String,
    /// Paragraphs.
    pub text: Vec<String>,
    pub charts: Vec<Chart>,
    pub tables: Vec<Table>,
}

/// Rows of cells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Table {
    pub title: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    pub title: String,
    /// Numbers stand right.
    pub number: bool,
}

/// What is shown, with the exact value where it is a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
}

/// A plot, with everything it shows as a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Chart {
    /// Unique on the page.
    pub id: String,
    /// What is to be seen, as a sentence.
    pub title: String,
    /// How to read it.
    pub caption: String,
    pub x: Axis,
    pub y: Axis,
    /// The first lies below the others.
    pub series: Vec<Series>,
    pub marks: Vec<Mark>,
    pub table: Table,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Axis {
    /// Without the unit.
    pub label: String,
    pub unit: Unit,
    pub scale: Scale,
    /// What has to be visible even where no point lies there.
    pub include: Vec<f64>,
    /// At most so much is shown; what lies beyond is drawn at the edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<[f64; 2]>,
    /// Names of rows, of the values 0, 1, 2 …; empty for numbers.
    pub names: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    #[default]
    Linear,
    Log,
}

/// What the values of an axis are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Seconds since 1970, UTC.
    Time,
    Usd,
    Milliseconds,
    /// A share, `0..=1`.
    Share,
    /// A score, `0..=1`.
    Score,
    /// `after / before − 1`.
    Change,
    /// A difference of shares.
    Points,
    Count,
    /// A multiple.
    Times,
    /// The place of a name.
    Name,
}

/// What belongs together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    pub name: String,
    pub draw: Draw,
    pub ink: Ink,
    pub points: Vec<Point>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Draw {
    /// Points joined; a missing value is a gap.
    Line,
    /// Held until the next point.
    Step,
    /// Between the low and the high end.
    Band,
    /// Columns from zero.
    Columns,
    /// A shape each, with its interval.
    Dots(Shape),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    Circle,
    Ring,
    Square,
    Triangle,
    Diamond,
    Cross,
}

/// Which colour, and with it which dash; the page maps them to what can be told apart by everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ink {
    /// What the plot is about.
    Main,
    /// What stands beside it.
    Second,
    /// What is new or chosen.
    Third,
    /// What was to be expected: dashed.
    Usual,
    /// A limit, or harm.
    Limit,
    /// What is not measured: dashed.
    Ahead,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    pub x: f64,
    /// Null where nothing was measured.
    pub y: Option<f64>,
    /// Interval of `y`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y_interval: Option<[f64; 2]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_interval: Option<[f64; 2]>,
    /// Written beside it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

/// A line across the plot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    pub across: Across,
    /// Where, on the axis it crosses.
    pub at: f64,
    /// Short: it is written on the plot.
    pub text: String,
    pub ink: Ink,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Across {
    /// Upright, at a value of x.
    X,
    /// Level, at a value of y.
    Y,
}

impl Cell {
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), value: None }
    }

    /// A dash for what is no number: JSON has none for it.
    #[must_use]
    pub fn number(value: f64, text: impl Into<String>) -> Self {
        if value.is_finite() { Self { text: text.into(), value: Some(value) } } else { Self::text("–") }
    }

    /// A dash where nothing is known.
    #[must_use]
    pub fn known(value: Option<f64>, show: impl Fn(f64) -> String) -> Self {
        value.map_or_else(|| Self::text("–"), |value| Self::number(value, show(value)))
    }
}

impl Table {
    /// Titles with a `#` in front stand over numbers.
    #[must_use]
    pub fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        let column =
            |title: &&str| Column { title: title.trim_start_matches('#').to_owned(), number: title.starts_with('#') };
        Self { title: title.into(), columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }
}

impl Axis {
    #[must_use]
    pub fn of(label: impl Into<String>, unit: Unit) -> Self {
        Self { label: label.into(), unit, scale: Scale::Linear, include: Vec::new(), within: None, names: Vec::new() }
    }

    #[must_use]
    pub fn including(mut self, values: impl IntoIterator<Item = f64>) -> Self {
        self.include.extend(values.into_iter().filter(|value| value.is_finite()));
        self
    }
}

impl Point {
    #[must_use]
    pub fn at(x: f64, y: Option<f64>) -> Self {
        Self { x, y, y_interval: None, x_interval: None, label: String::new() }
    }

    #[must_use]
    pub fn between(mut self, interval: Option<[f64; 2]>) -> Self {
        self.y_interval = interval;
        self
    }
}
