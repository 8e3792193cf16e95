//! How wide and how colourful the page is.

use std::io::IsTerminal;

use super::logging::no_color;
use crate::report::Screen;

/// Columns of a table that goes to a file or a pipe.
pub(super) const PAGE_WIDTH: u16 = 100;

/// The page on standard output.
pub(super) fn screen() -> Screen {
    let terminal = std::io::stdout().is_terminal();
    let width = terminal.then(terminal_size::terminal_size).flatten().map_or(PAGE_WIDTH, |(width, _)| width.0);
    Screen {
        width: width.clamp(40, PAGE_WIDTH),
        color: terminal && !no_color() && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// A page that is the same everywhere.
pub(super) fn plain() -> Screen {
    Screen { width: PAGE_WIDTH, color: false }
}
