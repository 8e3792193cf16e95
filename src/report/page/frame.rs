//! The empty plot: how large it is, where values lie on it, its axes and its grid.

use plotters::{
    coord::{Shift, types::RangedCoordf64},
    prelude::{Cartesian2d, DrawingArea, PathElement, SVGBackend, Text},
    style::{
        Color as _, FontFamily, FontStyle, IntoTextStyle as _, RGBColor, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    ink::{GRID, MUTED, TEXT},
    ticks::{Tick, ticks},
};
use crate::domain::page::{Axis, Chart, Draw, Scale, Unit};

/// The drawing counts in halves of a unit, because it rounds to whole numbers.
const FINE: i32 = 2;
pub(super) const WIDTH: i32 = 480 * FINE;
/// Height of a line of text, in the drawing's numbers.
pub(super) const LINE: i32 = 20 * FINE;
/// 15.5 units: legible where a phone shows the plot at two thirds of its size.
const LETTERS: f64 = 15.5 * FINE as f64;
/// No figure is that large; whatever is said to be is drawn at the edge.
const HUGE: f64 = 1e100;
/// Height of a row with a name.
pub(super) const ROW: i32 = 48 * FINE;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Plane<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Where everything lies.
pub(super) struct Frame {
    pub x: Span,
    pub y: Span,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
    pub height: i32,
}

/// The values of an axis that are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub low: f64,
    pub high: f64,
    scale: Scale,
}

impl Span {
    /// Where a value lies; of a logarithmic axis what is not above zero lies at its low end.
    pub(super) fn place(self, value: f64) -> f64 {
        let placed = |value: f64| match self.scale {
            Scale::Linear => value,
            Scale::Log => value.max(self.low).log10(),
        };
        placed(value.clamp(self.low, self.high))
    }

    fn range(self) -> std::ops::Range<f64> {
        self.place(self.low)..self.place(self.high)
    }

    pub(super) fn holds(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// How wide a text is at most, as the wider of the usual fonts have it; there is no font to ask.
pub(super) fn wide(text: &str) -> i32 {
    (text.chars().map(letter).sum::<f64>() * LETTERS).ceil() as i32
}

/// Of a line's height.
fn letter(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' => 0.36,
        'f' | 'r' | 't' | '(' | ')' | '-' | '/' => 0.45,
        '%' | 'm' | 'w' | 'M' | 'W' | '@' => 1.0,
        '+' | '−' | '±' | '×' | '=' | '…' => 0.85,
        'A'..='Z' => 0.78,
        ' '..='\u{24f}' => 0.65,
        // Of other scripts letters may be as wide as they are high.
        _ => 1.3,
    }
}

pub(super) fn letters(colour: RGBColor, across: HPos, along: VPos) -> TextStyle<'static> {
    // The backend divides by this on writing.
    let font = (FontFamily::SansSerif, LETTERS * 1.24, FontStyle::Normal).into_text_style(&(1, 1));
    TextStyle { color: colour.to_backend_color(), ..font }.pos(Pos::new(across, along))
}

impl Frame {
    /// None where there is nothing to be drawn.
    pub(super) fn of(chart: &Chart) -> Option<Self> {
        let x = span(chart, &chart.x, |point| (Some(point.x), point.x_interval))?;
        let y = match chart.y.names.len() {
            0 => span(chart, &chart.y, |point| (point.y, point.y_interval))?,
            rows => Span { low: -0.5, high: rows as f64 - 0.5, scale: Scale::Linear },
        };
        let named = !chart.y.names.is_empty();
        let plot = if named { ROW * i32::try_from(chart.y.names.len()).ok()? } else { 178 * FINE };
        let y_ticks = ticks(&chart.y, y.low, y.high, 5);
        let widest = y_ticks.iter().map(|(_, text)| wide(text)).max().unwrap_or(0);
        let left = if named { 8 * FINE } else { widest + 10 * FINE };
        let right = WIDTH - 14 * FINE;
        // As many as can stand side by side.
        let most = match chart.x.unit {
            Unit::Time => 6,
            _ => 5,
        };
        let x_ticks = ticks(&chart.x, x.low, x.high, most);
        let days = x_ticks.iter().any(|(_, text)| text.contains('\n'));
        let top = LINE + 8 * FINE;
        let bottom = top + plot;
        let below = LINE * if days { 3 } else { 2 } + 8 * FINE;
        Some(Self { x, y, x_ticks, y_ticks, left, top, right, bottom, height: bottom + below })
    }

    /// Draws axes, ticks and grid; what is given back takes values.
    pub(super) fn draw<'a>(&self, root: &Area<'a>, chart: &Chart) -> Plane<'a> {
        let (x, y) = ((self.left, self.right), (self.bottom, self.top));
        let coordinates = Cartesian2d::<RangedCoordf64, RangedCoordf64>::new(
            self.x.range(),
            self.y.range(),
            (x.0..x.1, if chart.y.names.is_empty() { y.0..y.1 } else { y.1..y.0 }),
        );
        let plane = root.clone().apply_coord_spec(coordinates);
        for (value, text) in &self.x_ticks {
            let at = self.across(&plane, *value);
            line(root, [(at, self.top), (at, self.bottom)], GRID, 1);
            for (row, part) in (0..).zip(text.split('\n')) {
                let half = wide(part) / 2;
                let below = (at.clamp(half, WIDTH - half), self.bottom + 6 * FINE + row * LINE);
                write(root, part, below, &letters(TEXT, HPos::Center, VPos::Top));
            }
        }
        for (value, text) in &self.y_ticks {
            let at = self.along(&plane, *value);
            line(root, [(self.left, at), (self.right, at)], GRID, 1);
            write(root, text, (self.left - 6 * FINE, at), &letters(TEXT, HPos::Right, VPos::Center));
        }
        write(root, &chart.y.label, (2 * FINE, 2 * FINE), &letters(MUTED, HPos::Left, VPos::Top));
        let below = (self.right, self.height - 6 * FINE);
        write(root, &chart.x.label, below, &letters(MUTED, HPos::Right, VPos::Bottom));
        line(root, [(self.left, self.bottom), (self.right, self.bottom)], MUTED, FINE as u32);
        plane
    }

    /// Writes the names of rows, which go before whatever lies there.
    pub(super) fn names(&self, root: &Area<'_>, plane: &Plane<'_>, chart: &Chart) {
        for (row, name) in chart.y.names.iter().enumerate() {
            let at = self.along(plane, row as f64) - ROW / 2 + 3 * FINE;
            write(root, &fitting(name, WIDTH - 3 * self.left), (self.left, at), &letters(TEXT, HPos::Left, VPos::Top));
        }
    }

    /// Where a value of x lies on the drawing.
    pub(super) fn across(&self, plane: &Plane<'_>, value: f64) -> i32 {
        plane.map_coordinate(&(self.x.place(value), self.y.place(self.y.low))).0
    }

    /// Where a value of y lies on the drawing.
    pub(super) fn along(&self, plane: &Plane<'_>, value: f64) -> i32 {
        plane.map_coordinate(&(self.x.place(self.x.low), self.y.place(value))).1
    }

    pub(super) fn edges(&self) -> [i32; 4] {
        [self.left, self.top, self.right, self.bottom]
    }
}

/// A text cut to a width.
pub(super) fn fitting(text: &str, width: i32) -> String {
    if wide(text) <= width {
        return text.to_owned();
    }
    let mut room = f64::from(width) / LETTERS - letter('…');
    let fits = |next: &char| {
        room -= letter(*next);
        room >= 0.0
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Nothing here can fail: the drawing is text in memory.
pub(super) const DRAWN: &str = "a drawing in memory takes everything";

pub(super) fn line(root: &Area<'_>, ends: [(i32, i32); 2], colour: RGBColor, width: u32) {
    root.draw(&PathElement::new(ends.to_vec(), colour.stroke_width(width))).expect(DRAWN);
}

pub(super) fn write(root: &Area<'_>, text: &str, at: (i32, i32), style: &TextStyle<'_>) {
    if !text.is_empty() {
        root.draw(&Text::new(text.to_owned(), at, style.clone())).expect(DRAWN);
    }
}

/// What an axis has to show, with a little room.
fn span(
    chart: &Chart,
    axis: &Axis,
    of: impl Fn(&crate::domain::page::Point) -> (Option<f64>, Option<[f64; 2]>),
) -> Option<Span> {
    let log = axis.scale == Scale::Log;
    let mut values: Vec<f64> = axis.include.clone();
    for point in chart.series.iter().flat_map(|series| &series.points) {
        let (value, interval) = of(point);
        values.extend(value);
        values.extend(interval.into_iter().flatten());
    }
    values.retain(|value| value.abs() < HUGE && (!log || *value > 1.0 / HUGE));
    if let Some([least, most]) = axis.within {
        for value in &mut values {
            *value = value.clamp(least, most);
        }
    }
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    if log {
        let room = (high / low).powf(0.08).max(1.3);
        return Some(Span { low: low / room, high: high * room, scale: Scale::Log });
    }
    if axis.unit == Unit::Time {
        // One moment alone needs some time around it.
        let room = if high > low { 0.0 } else { 1_800.0 };
        return Some(Span { low: low - room, high: high + room, scale: Scale::Linear });
    }
    let columns = chart.series.iter().any(|series| matches!(series.draw, Draw::Columns));
    let width = if high > low { high - low } else { high.abs().max(1e-9) };
    let floor = if low >= 0.0 && (columns || low - 0.06 * width < 0.0) { 0.0 } else { low - 0.06 * width };
    let ceiling = high + 0.08 * width;
    let ceiling =
        if matches!(axis.unit, Unit::Share | Unit::Score) && high <= 1.0 { ceiling.min(1.0) } else { ceiling };
    Some(Span { low: floor, high: if ceiling > floor { ceiling } else { floor + width }, scale: Scale::Linear })
}
