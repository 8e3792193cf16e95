//! Whether two sides can be meant to be compared.

use crate::{domain::gate::GateSide, stats::gate::Requests};

/// Why the sides look as if they were measured differently: a latency of a gateway is not that of a caller.
pub(super) fn different_layouts(baseline: &GateSide, candidate: &GateSide) -> Option<String> {
    let [before, after] = [baseline, candidate].map(|side| &side.source.layouts);
    let named = |layouts: &std::collections::BTreeSet<String>| layouts.iter().cloned().collect::<Vec<_>>().join(", ");
    // What is stored has none.
    let differ = !before.is_empty() && !after.is_empty() && before != after;
    differ.then(|| format!("the baseline is laid out as {}, the candidate as {}", named(before), named(after)))
}

/// Times that the middle of a figure may differ from one side to the other before its unit is doubted: from milliseconds to seconds it
/// is a thousand times.
const DOUBTFUL: f64 = 100.0;

/// Why the sides look as if they were in different units.
pub(super) fn suspicion(baseline: &Requests, candidate: &Requests) -> Option<String> {
    let columns =
        |side: &Requests| [&side.latency_ms, &side.ttft_ms, &side.cost_usd, &side.quality].map(|column| middle(column));
    let names = ["latencies", "times to the first token", "costs", "scores"];
    let both = columns(baseline).into_iter().zip(columns(candidate));
    names.into_iter().zip(both).find_map(|(name, (before, after))| {
        let (before, after) = before.zip(after)?;
        let times = (after / before).max(before / after);
        (times >= DOUBTFUL).then(|| {
            let which = if after > before { "larger" } else { "smaller" };
            format!("{name} of the candidate are {times:.0} times {which} than those of the baseline: are both in the same unit?")
        })
    })
}

/// The median of what is known and above zero.
fn middle(column: &[f64]) -> Option<f64> {
    let mut known: Vec<f64> = column.iter().copied().filter(|value| *value > 0.0).collect();
    let at = known.len() / 2;
    (!known.is_empty()).then(|| *known.select_nth_unstable_by(at, f64::total_cmp).1)
}
