//! The choice among candidates that passed every constraint: Pareto front, then weights.

use super::candidates::Weighed;

/// Cost, latency and quality turned so that smaller is better; `None` where one is unknown.
fn objectives(weighed: &Weighed) -> Option<[f64; 3]> {
    let measures = &weighed.measures;
    Some([measures.cost?.value, measures.log_latency_p95?.value, -measures.quality?.value])
}

/// Whether `a` is at least as good in everything and better in something.
fn dominates(a: &[f64; 3], b: &[f64; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| a <= b) && a.iter().zip(b).any(|(a, b)| a < b)
}

/// Positions of the allowed candidates that no other allowed one, and not the present arm, dominates.
pub(super) fn pareto_front(incumbent: &Weighed, others: &[Weighed]) -> Vec<usize> {
    let allowed: Vec<(usize, [f64; 3])> = others
        .iter()
        .enumerate()
        .filter(|(_, weighed)| weighed.allowed())
        .filter_map(|(index, weighed)| Some((index, objectives(weighed)?)))
        .collect();
    let incumbent = objectives(incumbent);
    allowed
        .iter()
        .filter(|(index, point)| {
            let beaten = allowed.iter().any(|(other, rival)| other != index && dominates(rival, point));
            !beaten && !incumbent.is_some_and(|incumbent| dominates(&incumbent, point))
        })
        .map(|(index, _)| *index)
        .collect()
}

/// The position with the largest weighted improvement; the first by name among equals.
pub(super) fn best(others: &[Weighed], among: &[usize]) -> Option<usize> {
    among.iter().copied().rev().max_by(|a, b| {
        let improvement = |index: &usize| others[*index].candidate.improvement.unwrap_or(f64::NEG_INFINITY);
        improvement(a).total_cmp(&improvement(b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domination_needs_one_strict_gain_and_no_loss() {
        assert!(dominates(&[1.0, 2.0, 3.0], &[1.0, 2.0, 4.0]));
        assert!(!dominates(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]));
        assert!(!dominates(&[0.0, 2.0, 5.0], &[1.0, 2.0, 4.0]));
    }
}
