//! Tumbling windows on a terminal.

use super::Screen;
use crate::domain::{
    format::{count, ms, percent, usd},
    rollup::WindowLine,
};

/// One line a window; `every` is the length of the windows.
#[must_use]
pub fn rollups(lines: &[WindowLine], every: &str, screen: Screen) -> String {
    let room = usize::from(screen.width).saturating_sub(76).max(12);
    let mut text = format!(
        "  {:<17} {:>9} {:>7} {:>9} {:>9} {:>9}  {:>5}\n",
        format!("{every} from (UTC)"),
        "requests",
        "failed",
        "p50",
        "p95",
        "spend",
        "score"
    );
    let unknown = || "unknown".to_owned();
    for line in lines {
        let name = match &line.model {
            Some(model) => format!("{} · {model}", line.service),
            None => line.service.clone(),
        };
        let name = squeezed(&name, room);
        let mut from = line.start.strftime("%Y-%m-%d %H:%M").to_string();
        // The source was not asked for all of it, so it cannot be held against the others.
        from.push_str(if line.whole { "" } else { "*" });
        text += &format!(
            "  {from:<17} {:>9} {:>7} {:>9} {:>9} {:>9}  {:>5}  {name}\n",
            count(line.requests.round() as u64),
            line.error_rate.map_or_else(unknown, percent),
            line.latency_p50_ms.map_or_else(unknown, ms),
            line.latency_p95_ms.map_or_else(unknown, ms),
            line.spend_usd.map_or_else(unknown, usd),
            line.quality.map_or_else(|| "–".to_owned(), |quality| format!("{quality:.3}")),
        );
    }
    if lines.iter().any(|line| !line.whole) {
        text += "\n  * reaches past the lookback: only a part of the window was read\n";
    }
    text
}

/// A name in so many columns: its beginning tells the service and its end the model.
fn squeezed(name: &str, room: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= room {
        return name.to_owned();
    }
    let end = room / 2;
    let start = room - end - 1;
    letters[..start].iter().chain(&['…']).chain(&letters[letters.len() - end..]).collect()
}
