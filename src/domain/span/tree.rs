//! Which span took place within which: told by their times alone.

use std::cmp::Reverse;

use super::{Span, attribute};
use crate::domain::phase::Timed;

/// A span for each, those inside another one under it. Times that overlap without one holding the other stand side by side; but a part that
/// begins in its phase is of it, and ends with it at the latest: the two are measured one after the other.
pub(super) fn tree(times: &[Timed]) -> Vec<Span> {
    let mut times: Vec<&Timed> = times.iter().collect();
    // Whoever holds another comes before it; of two with the same times the phase holds its part.
    times.sort_by_key(|timed| (timed.started_at, Reverse(timed.took), timed.part.is_some()));
    let (mut done, mut open): (Vec<Span>, Vec<(Span, &Timed)>) = (Vec::new(), Vec::new());
    for timed in times {
        let mut span = of(timed);
        while let Some((last, whole)) = open.last() {
            if timed.part.is_some()
                && whole.part.is_none()
                && timed.phase == whole.phase
                && span.started_at <= last.ended_at
            {
                span.ended_at = span.ended_at.min(last.ended_at);
                break;
            }
            if last.ended_at >= span.ended_at && last.ended_at > span.started_at {
                break;
            }
            close(&mut open, &mut done);
        }
        open.push((span, timed));
    }
    while !open.is_empty() {
        close(&mut open, &mut done);
    }
    done
}

fn close(open: &mut Vec<(Span, &Timed)>, done: &mut Vec<Span>) {
    if let Some((span, _)) = open.pop() {
        open.last_mut().map_or(done, |(parent, _)| &mut parent.children).push(span);
    }
}

fn of(timed: &Timed) -> Span {
    let mut attributes = vec![attribute("optimizer.phase", timed.phase.name())];
    if timed.part.is_none() {
        let budget = timed.phase.budget();
        attributes.push(attribute("optimizer.phase.budget_ms", u64::try_from(budget.as_millis()).unwrap_or(u64::MAX)));
        attributes.push(attribute("optimizer.phase.over_budget", timed.took > budget));
    }
    Span {
        name: timed.name(),
        started_at: timed.started_at,
        ended_at: timed.ended_at(),
        attributes,
        events: Vec::new(),
        dropped_events: 0,
        error: None,
        children: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::phase::Phase;

    fn timed(phase: Phase, part: Option<&'static str>, from: i64, to: i64) -> Timed {
        let started_at = Timestamp::from_second(from).unwrap();
        Timed { phase, part, started_at, took: Duration::from_secs((to - from).unsigned_abs()) }
    }

    fn shown(spans: &[Span]) -> String {
        let one = |span: &Span| {
            if span.children.is_empty() {
                return span.name.to_owned();
            }
            format!("{}({})", span.name, shown(&span.children))
        };
        spans.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_lies_within_another_is_under_it() {
        use Phase::{Act, Decide, Observe};
        let times = [
            timed(Act, Some("push"), 12, 14),
            timed(Act, None, 10, 20),
            timed(Observe, None, 0, 5),
            timed(Observe, Some("fetch"), 0, 5),
            timed(Act, Some("read back"), 14, 20),
            timed(Decide, None, 5, 10),
        ];
        assert_eq!(shown(&tree(&times)), "observe(fetch) decide act(push read back)");
        assert_eq!(shown(&tree(&[])), "");
        // Two threads.
        assert_eq!(shown(&tree(&[timed(Observe, None, 0, 5), timed(Act, None, 3, 8)])), "observe act");
        // The clock was asked for the part a little later.
        let late = [timed(Act, None, 0, 5), timed(Act, Some("push"), 1, 6), timed(Observe, None, 6, 9)];
        assert_eq!(shown(&tree(&late)), "act(push) observe");
        assert_eq!(tree(&late)[0].children[0].ended_at, tree(&late)[0].ended_at);
        // Too short to be measured.
        assert_eq!(shown(&tree(&[timed(Act, Some("push"), 3, 3), timed(Act, None, 3, 3)])), "act(push)");
        assert_eq!(shown(&tree(&[timed(Observe, None, 3, 3), timed(Act, None, 3, 3)])), "observe act");
    }

    #[test]
    fn a_budget_that_is_used_up_is_not_exceeded() {
        let over = |seconds| {
            let spans = tree(&[timed(Phase::Orient, None, 0, seconds)]);
            spans[0].attributes.clone()
        };
        assert_eq!(
            over(60)[1..],
            [attribute("optimizer.phase.budget_ms", 60_000), attribute("optimizer.phase.over_budget", false)]
        );
        assert_eq!(over(61)[2], attribute("optimizer.phase.over_budget", true));
    }
}
