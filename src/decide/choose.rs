//! The choice among candidates that passed every constraint: Pareto front, soft constraints, then weights.

use super::candidates::Weighed;
use crate::stats::compare::Measures;

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

/// Probability that `rival` is better than `measures` in cost, latency and quality at once, the three taken as independent; none where
/// one is unknown.
fn probability_dominated(measures: &Measures, rival: &Measures) -> Option<f64> {
    let cheaper = rival.cost?.minus(&measures.cost?).probability_at_most(0.0);
    let faster = rival.log_latency_p95?.minus(&measures.log_latency_p95?).probability_at_most(0.0);
    let better = measures.quality?.minus(&rival.quality?).probability_at_most(0.0);
    Some(cheaper * faster * better)
}

/// Fills in how likely each allowed candidate is worse in everything than the present arm or another allowed one.
pub(super) fn judge_dominance(incumbent: &Weighed, others: &mut [Weighed]) {
    let allowed: Vec<(usize, Measures)> = others
        .iter()
        .enumerate()
        .filter(|(_, weighed)| weighed.allowed())
        .map(|(index, weighed)| (index, weighed.measures))
        .collect();
    for (index, measures) in &allowed {
        let rivals = allowed.iter().filter(|(other, _)| other != index).map(|(_, rival)| rival);
        let most = rivals
            .chain([&incumbent.measures])
            .filter_map(|rival| probability_dominated(measures, rival))
            .max_by(f64::total_cmp);
        others[*index].candidate.dominated = most;
    }
}

/// The position that breaks the fewest soft constraints, and of those the one with the largest weighted improvement; the first by
/// name among equals.
pub(super) fn best(others: &[Weighed], among: &[usize]) -> Option<usize> {
    among.iter().copied().rev().max_by(|a, b| {
        let soft = |index: &usize| std::cmp::Reverse(others[*index].soft_failures());
        let improvement = |index: &usize| others[*index].candidate.improvement.unwrap_or(f64::NEG_INFINITY);
        soft(a).cmp(&soft(b)).then(improvement(a).total_cmp(&improvement(b)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::interval::Uncertain;

    #[test]
    fn domination_needs_one_strict_gain_and_no_loss() {
        assert!(dominates(&[1.0, 2.0, 3.0], &[1.0, 2.0, 4.0]));
        assert!(!dominates(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]));
        assert!(!dominates(&[0.0, 2.0, 5.0], &[1.0, 2.0, 4.0]));
    }

    #[test]
    fn dominance_of_a_twin_is_a_coin_thrown_three_times() {
        let estimate = |value: f64| Some(Uncertain { value, standard_error: 0.1 });
        let twin =
            Measures { cost: estimate(1.0), log_latency_p95: estimate(7.0), quality: estimate(0.8), errors: None };
        assert!((probability_dominated(&twin, &twin).unwrap() - 0.125).abs() < 1e-12);
        let better = Measures { cost: estimate(0.0), log_latency_p95: estimate(6.0), quality: estimate(1.8), ..twin };
        assert!(probability_dominated(&twin, &better).unwrap() > 0.999);
        assert_eq!(probability_dominated(&twin, &Measures { quality: None, ..better }), None);
    }
}
