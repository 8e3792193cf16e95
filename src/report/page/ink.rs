//! The colours of plots. In the drawing they are those of a light page; the style sheet maps each to a variable, for dark pages and print.

use plotters::style::RGBColor;

use crate::domain::page::Ink;

/// Text and axes.
pub(super) const TEXT: RGBColor = RGBColor(0x1F, 0x24, 0x2A);
pub(super) const MUTED: RGBColor = RGBColor(0x59, 0x5F, 0x67);
pub(super) const GRID: RGBColor = RGBColor(0xE3, 0xE6, 0xEA);

pub(super) const fn colour(ink: Ink) -> RGBColor {
    // Told apart by people who see no red or no green; each also has a dash, a width or a shape of its own.
    match ink {
        Ink::Main => RGBColor(0x00, 0x72, 0xB2),
        Ink::Second => RGBColor(0xA6, 0x3D, 0x7F),
        Ink::Third => RGBColor(0x00, 0x79, 0x5A),
        Ink::Usual => RGBColor(0x6B, 0x6B, 0x6B),
        Ink::Limit => RGBColor(0xC8, 0x50, 0x00),
        Ink::Ahead => RGBColor(0x00, 0x70, 0xB4),
    }
}

/// Its name in the style sheet.
pub(super) fn class(ink: Ink) -> &'static str {
    match ink {
        Ink::Main => "main",
        Ink::Second => "second",
        Ink::Third => "third",
        Ink::Usual => "usual",
        Ink::Limit => "limit",
        Ink::Ahead => "ahead",
    }
}

/// A line of it, as letters.
pub(super) fn dash(ink: Ink) -> &'static str {
    match ink {
        Ink::Main | Ink::Second | Ink::Third => "━",
        Ink::Usual => "╌╌",
        Ink::Limit => "━╌",
        Ink::Ahead => "┈┈",
    }
}

const INKS: [Ink; 6] = [Ink::Main, Ink::Second, Ink::Third, Ink::Usual, Ink::Limit, Ink::Ahead];

/// The rules that turn the colours of the drawing into those of the page.
pub(super) fn rules() -> String {
    let fixed = [("text", TEXT), ("muted", MUTED), ("grid", GRID)];
    let named = INKS.map(|ink| (class(ink), colour(ink)));
    let rule = |(name, RGBColor(red, green, blue)): (&str, RGBColor)| {
        let hex = format!("#{red:02X}{green:02X}{blue:02X}");
        format!("svg [fill=\"{hex}\"]{{fill:var(--{name})}}svg [stroke=\"{hex}\"]{{stroke:var(--{name})}}\n")
    };
    let dashed = [(Ink::Usual, "10 8"), (Ink::Ahead, "4 7"), (Ink::Limit, "16 6 4 6")];
    let dash = |(ink, dash): (Ink, &str)| {
        let RGBColor(red, green, blue) = colour(ink);
        format!("svg polyline[stroke=\"#{red:02X}{green:02X}{blue:02X}\"]{{stroke-dasharray:{dash}}}\n")
    };
    fixed.into_iter().chain(named).map(rule).chain(dashed.into_iter().map(dash)).collect()
}
