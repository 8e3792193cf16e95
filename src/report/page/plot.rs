//! A chart as a drawing. Colours, text and shapes are written so that a style sheet can change them.

use plotters::{
    element::{Circle, Cross, PathElement, Polygon, Rectangle, TriangleMarker},
    prelude::{IntoDrawingArea as _, SVGBackend},
    style::{
        Color as _,
        text_anchor::{HPos, VPos},
    },
};

use super::{
    frame::{Area, DRAWN, Frame, LINE, Plane, ROW, WIDTH, letters, line, wide, write},
    ink::{TEXT, colour},
};
use crate::domain::page::{Across, Chart, Draw, Ink, Point, Series, Shape};

/// Half the size of a shape.
const DOT: i32 = 11;

/// The drawing inside of an `svg` element, and its width and height; none where there is nothing to draw.
pub(super) fn drawing(chart: &Chart) -> Option<(String, i32, i32)> {
    let frame = Frame::of(chart)?;
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (WIDTH as u32, frame.height as u32)).into_drawing_area();
        let plane = frame.draw(&root, chart);
        let mut pen = Pen {
            frame: &frame,
            root: &root,
            plane: &plane,
            rows: chart.y.names.len(),
            taken: Vec::new(),
            crossed: Vec::new(),
        };
        let named = !chart.y.names.is_empty();
        for mark in chart.marks.iter().filter(|_| named) {
            pen.mark(mark.across, mark.at, &mark.text, mark.ink);
        }
        frame.names(&root, &plane, chart);
        for series in &chart.series {
            pen.series(series);
        }
        for mark in chart.marks.iter().filter(|_| !named) {
            pen.mark(mark.across, mark.at, &mark.text, mark.ink);
        }
        for point in chart.series.iter().flat_map(|series| &series.points) {
            pen.label(point);
        }
        root.present().expect(DRAWN);
    }
    // What stands around the drawing is the page's own.
    let inside = text.split_once('>').map_or("", |(_, inside)| inside);
    let inside = inside.trim_end().strip_suffix("</svg>").unwrap_or(inside);
    Some((inside.to_owned(), WIDTH, frame.height))
}

/// The room that words take, where they begin, and on which side of it they stand.
type Place = ([i32; 4], (i32, i32), HPos);

struct Pen<'f, 'a> {
    frame: &'f Frame,
    root: &'f Area<'a>,
    plane: &'f Plane<'a>,
    /// Rows with a name.
    rows: usize,
    /// Where words and shapes stand already: left, top, right, bottom.
    taken: Vec<[i32; 4]>,
    /// Where lines run, about: words rather stand elsewhere.
    crossed: Vec<[i32; 4]>,
}

impl Pen<'_, '_> {
    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        (self.frame.x.place(x), self.frame.y.place(y))
    }

    fn series(&mut self, series: &Series) {
        for point in &series.points {
            let ys = point.y_interval.into_iter().flatten().chain(point.y);
            for (x, y) in ys.map(|y| (self.frame.across(self.plane, point.x), self.frame.along(self.plane, y))) {
                self.crossed.push([x - 6, y - 6, x + 6, y + 6]);
            }
        }
        match series.draw {
            Draw::Line => self.lines(series),
            Draw::Step => self.steps(series),
            Draw::Band => self.band(series),
            Draw::Columns => self.columns(series),
            Draw::Dots(shape) => {
                for point in &series.points {
                    self.dot(point, shape, series.ink);
                }
            }
        }
    }

    /// Stretches without a gap.
    fn path(&self, points: Vec<(f64, f64)>, ink: Ink) {
        let (colour, width) = (colour(ink), if matches!(ink, Ink::Main | Ink::Limit) { 5 } else { 4 });
        match points[..] {
            [] => {}
            // Alone between two gaps, it would not be seen as a line.
            [only] => self.plane.draw(&Circle::new(only, 5, colour.filled())).expect(DRAWN),
            _ => self.plane.draw(&PathElement::new(points, colour.stroke_width(width))).expect(DRAWN),
        }
    }

    fn lines(&self, series: &Series) {
        let mut stretch = Vec::new();
        for point in &series.points {
            match point.y {
                Some(y) => stretch.push(self.place(point.x, y)),
                None => self.path(std::mem::take(&mut stretch), series.ink),
            }
        }
        self.path(stretch, series.ink);
    }

    fn steps(&self, series: &Series) {
        let mut path: Vec<(f64, f64)> = Vec::new();
        for (x, y) in series.points.iter().filter_map(|point| Some(self.place(point.x, point.y?))) {
            path.extend(path.last().map(|last| (x, last.1)));
            path.push((x, y));
        }
        self.path(path, series.ink);
    }

    fn band(&self, series: &Series) {
        let ends =
            |point: &Point| point.y_interval.map(|[low, high]| (self.place(point.x, low), self.place(point.x, high)));
        for stretch in series.points.split(|point| point.y_interval.is_none()) {
            let (low, mut high): (Vec<_>, Vec<_>) = stretch.iter().filter_map(ends).unzip();
            high.reverse();
            if low.len() > 1 {
                let outline: Vec<(f64, f64)> = low.into_iter().chain(high).collect();
                self.plane.draw(&Polygon::new(outline, colour(series.ink).mix(0.22))).expect(DRAWN);
            }
        }
    }

    fn columns(&self, series: &Series) {
        let gaps = series.points.windows(2).map(|pair| pair[1].x - pair[0].x).filter(|gap| *gap > 0.0);
        let gap = gaps.reduce(f64::min).unwrap_or(86_400.0);
        let bottom = self.frame.along(self.plane, 0.0);
        for (x, y) in series.points.iter().filter_map(|point| Some((point.x, point.y?))) {
            let [from, to] = [x + 0.1 * gap, x + 0.9 * gap].map(|at| self.frame.across(self.plane, at));
            let corners = [(from, self.frame.along(self.plane, y)), (to.max(from + 1), bottom)];
            self.root.draw(&Rectangle::new(corners, colour(series.ink).filled())).expect(DRAWN);
        }
    }

    fn dot(&mut self, point: &Point, shape: Shape, ink: Ink) {
        let Some(y) = point.y else { return };
        let colour = colour(ink);
        let [x_at, y_at] = [self.frame.across(self.plane, point.x), self.frame.along(self.plane, y)];
        if let Some([low, high]) = point.x_interval {
            let ends = [low, high].map(|end| (self.frame.across(self.plane, end), y_at));
            line(self.root, ends, colour, 4);
            self.taken.push([ends[0].0, y_at - 4, ends[1].0, y_at + 4]);
        }
        if let Some([low, high]) = point.y_interval {
            let ends = [low, high].map(|end| (x_at, self.frame.along(self.plane, end)));
            line(self.root, ends, colour, 4);
            self.taken.push([x_at - 4, ends[1].1, x_at + 4, ends[0].1]);
        }
        let at = (x_at, y_at);
        match shape {
            Shape::Circle => self.root.draw(&Circle::new(at, DOT, colour.filled())),
            Shape::Ring => self.root.draw(&Circle::new(at, DOT, colour.stroke_width(5))),
            Shape::Triangle => self.root.draw(&TriangleMarker::new(at, DOT + 5, colour.filled())),
            Shape::Cross => self.root.draw(&Cross::new(at, DOT - 1, colour.stroke_width(6))),
            Shape::Square => {
                let corners = [(x_at - DOT, y_at - DOT), (x_at + DOT, y_at + DOT)];
                self.root.draw(&Rectangle::new(corners, colour.filled()))
            }
            Shape::Diamond => {
                let far = DOT + 5;
                let corners = [(x_at, y_at - far), (x_at + far, y_at), (x_at, y_at + far), (x_at - far, y_at)];
                self.root.draw(&Polygon::new(corners, colour.filled()))
            }
        }
        .expect(DRAWN);
        self.taken.push([x_at - DOT, y_at - DOT, x_at + DOT, y_at + DOT]);
    }

    fn mark(&mut self, across: Across, at: f64, text: &str, ink: Ink) {
        let [left, top, right, bottom] = self.frame.edges();
        let (span, colour) = match across {
            Across::X => (self.frame.x, colour(ink)),
            Across::Y => (self.frame.y, colour(ink)),
        };
        if !span.holds(at) {
            return;
        }
        let ends = match across {
            Across::X => {
                let x = self.frame.across(self.plane, at);
                [(x, top), (x, bottom)]
            }
            Across::Y => {
                let y = self.frame.along(self.plane, at);
                [(left, y), (right, y)]
            }
        };
        let style = colour.stroke_width(4);
        // Beside the names of rows, not through them.
        for row in 0..self.rows {
            let middle = self.frame.along(self.plane, row as f64);
            let piece = vec![(ends[0].0, middle - ROW / 8), (ends[0].0, middle + ROW / 2)];
            self.root.draw(&PathElement::new(piece, style)).expect(DRAWN);
        }
        if self.rows == 0 {
            self.root.draw(&PathElement::new(ends.to_vec(), style)).expect(DRAWN);
        }
        let places: Vec<(i32, i32, HPos)> = match across {
            Across::X => {
                let (x, leans) = (ends[0].0, ends[0].0 > i32::midpoint(left, right));
                let (x, side) = if leans { (x - 8, HPos::Right) } else { (x + 8, HPos::Left) };
                (0..5).map(|row| (x, top + 4 + row * LINE, side)).collect()
            }
            Across::Y => {
                let rows = [ends[0].1 - LINE, ends[0].1 + 6];
                let sides = [(left + 6, HPos::Left), (right - 4, HPos::Right)];
                sides.into_iter().flat_map(|(x, side)| rows.map(|y| (x, y, side))).collect()
            }
        };
        self.words(text, &places);
    }

    fn label(&mut self, point: &Point) {
        let Some(y) = point.y.filter(|_| !point.label.is_empty()) else { return };
        let [_, _, right, _] = self.frame.edges();
        let (x, y) = (self.frame.across(self.plane, point.x), self.frame.along(self.plane, y));
        let fits = x + 3 * DOT / 2 + wide(&point.label) <= right;
        let (x, side) = if fits { (x + 3 * DOT / 2 + 4, HPos::Left) } else { (x - 3 * DOT / 2 - 4, HPos::Right) };
        let beside = [0, -LINE, LINE, -2 * LINE, 2 * LINE].map(|shift| (x, y - LINE / 2 + shift, side));
        self.words(&point.label, &beside);
    }

    /// Writes where there is room; nowhere, if there is none: the table below the plot has it all.
    fn words(&mut self, text: &str, places: &[(i32, i32, HPos)]) {
        let clear = self.free(text, places, &[&self.taken, &self.crossed]);
        if let Some((room, at, side)) = clear.or_else(|| self.free(text, places, &[&self.taken])) {
            write(self.root, text, at, &letters(TEXT, side, VPos::Top));
            self.taken.push(room);
        }
    }

    /// The first place that nothing of these lies in.
    fn free(&self, text: &str, places: &[(i32, i32, HPos)], filled: &[&Vec<[i32; 4]>]) -> Option<Place> {
        let [_, top, _, bottom] = self.frame.edges();
        places.iter().find_map(|(x, y, side)| {
            let from = if matches!(side, HPos::Right) { x - wide(text) } else { *x };
            let room = [from, *y, from + wide(text), y + LINE];
            let inside = room[0] >= 0 && room[2] <= WIDTH && room[1] >= top - 2 && room[3] <= bottom + 2;
            let apart = |other: &[i32; 4]| {
                room[2] < other[0] || other[2] < room[0] || room[3] <= other[1] || other[3] <= room[1]
            };
            (inside && filled.iter().copied().flatten().all(apart)).then_some((room, (*x, *y), *side))
        })
    }
}
