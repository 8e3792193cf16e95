//! Whether the 90 % intervals of the predictor hold on real rows that it has not seen.
//!
//! Every interval is for the mean (or percentile) of the rows held back, so it has to cover their sampling error as well as
//! its own. Rows are dealt out at random over and over; the intervals of one dealing and of the next are not independent, so
//! the share is more certain than for one dealing, but less than its `n` suggests.

mod borrowed;
mod data;
mod own;
mod priced;
mod tally;

use std::path::Path;

use serde_json::json;

use crate::table::{Table, rounded};

pub use tally::Line;

/// Times that the rows are dealt out.
const DEALS: u64 = 200;

/// All lines, from the folder of the public data.
#[must_use]
pub fn run(folder: &Path) -> Vec<Line> {
    let mut lines = own::lines(folder);
    lines.extend(borrowed::lines(folder));
    lines.extend(priced::lines(folder));
    lines
}

/// The part `predictor`.
pub fn print(as_json: bool) {
    let columns = ["what", "intervals", "covered", "share", "median_width", "abstained", "aimed", "met"];
    let mut table = Table::new("predictor: 90 % intervals on rows kept back", &columns);
    for line in run(&crate::public::path("")) {
        let met = (0.85..=0.95).contains(&line.share);
        table.push(vec![
            json!(line.what),
            json!(line.n),
            json!(line.covered),
            rounded(line.share, 3),
            rounded(line.median_width, 3),
            json!(line.abstained),
            json!(line.aimed),
            json!(if line.aimed { json!(met) } else { json!(null) }),
        ]);
    }
    table.print(as_json);
}
