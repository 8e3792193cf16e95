//! Panels and nodes on which the densities of several arms are integrated together.

/// Nodes of a panel.
pub(super) const NODES: usize = 8;
/// Positive half of the Gauss–Legendre nodes of order 8 on `-1..=1`, and their weights (NIST DLMF table 3.5.2).
const HALF: [(f64, f64); 4] = [
    (0.183_434_642_495_649_78, 0.362_683_783_378_361_66),
    (0.525_532_409_916_329, 0.313_706_645_877_886_9),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_43),
    (0.960_289_856_497_536_2, 0.101_228_536_290_377_06),
];
/// More panels than 32 arms of widths nine decades apart can need.
const MOST_PANELS: usize = 4096;

/// Nodes and weights on `0..=1`, and for every node the weights that integrate from the left end up to it.
pub(super) struct Rule {
    pub node: [f64; NODES],
    pub weight: [f64; NODES],
    pub up_to: [[f64; NODES]; NODES],
}

impl Rule {
    pub fn new() -> Self {
        let signed = |place: usize| if place < 4 { (-HALF[3 - place].0, HALF[3 - place].1) } else { HALF[place - 4] };
        let legendre: [[f64; NODES + 1]; NODES] = std::array::from_fn(|place| polynomials(signed(place).0));
        // The interpolating polynomial in Legendre form, integrated: ∫ Pₙ = (Pₙ₊₁ − Pₙ₋₁) / (2n + 1).
        let up_to = |node: usize, from: usize| {
            let sum: f64 =
                (1..NODES).map(|n| legendre[from][n] * (legendre[node][n + 1] - legendre[node][n - 1])).sum();
            signed(from).1 / 4.0 * (1.0 + legendre[node][1] + sum)
        };
        Self {
            node: std::array::from_fn(|place| f64::midpoint(1.0, signed(place).0)),
            weight: std::array::from_fn(|place| signed(place).1 / 2.0),
            up_to: std::array::from_fn(|node| std::array::from_fn(|from| up_to(node, from))),
        }
    }
}

/// P₀(x) … P₈(x).
fn polynomials(x: f64) -> [f64; NODES + 1] {
    let mut values = [1.0, x, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    for n in 1..NODES {
        let degree = n as f64;
        values[n + 1] = ((2.0 * degree + 1.0) * x * values[n] - degree * values[n - 1]) / (degree + 1.0);
    }
    values
}

/// Ends of panels from `low` to `high`: as narrow as the narrowest arm nearby asks, wider with the distance from it.
/// `arms` holds centre and width of each; `ends` are places no panel may reach across.
pub(super) fn panels(low: f64, high: f64, arms: &[(f64, f64)], ends: &[f64]) -> Vec<f64> {
    let mut places = vec![low];
    let mut at = low;
    while at < high && places.len() < MOST_PANELS {
        let narrowest = arms
            .iter()
            .map(|(centre, width)| (1.3 * width).max(0.5 * (at - centre).abs()))
            .fold(f64::INFINITY, f64::min);
        let mut next = at + narrowest.max(1e-13 * at.abs()).max(f64::MIN_POSITIVE);
        for end in ends.iter().chain([&high]) {
            if *end > at && *end < next {
                next = *end;
            }
        }
        if next <= at {
            break;
        }
        at = next;
        places.push(at);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_exact_for_polynomials() {
        let rule = Rule::new();
        for power in 0..16 {
            let whole: f64 = (0..NODES).map(|place| rule.weight[place] * rule.node[place].powi(power)).sum();
            assert!((whole - 1.0 / f64::from(power + 1)).abs() < 1e-14, "{power}");
        }
        for power in 0..8 {
            for node in 0..NODES {
                let part: f64 = (0..NODES).map(|place| rule.up_to[node][place] * rule.node[place].powi(power)).sum();
                assert!(
                    (part - rule.node[node].powi(power + 1) / f64::from(power + 1)).abs() < 1e-14,
                    "{power} {node}"
                );
            }
        }
    }

    #[test]
    fn panels_end_where_they_should() {
        let places = panels(-10.0, 10.0, &[(0.0, 1.0), (3.0, 1e-6)], &[0.0, 1.0]);
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]) && places.contains(&0.0) && places.contains(&1.0));
        assert_eq!((places[0], *places.last().unwrap()), (-10.0, 10.0));
        assert!(places.len() < 150, "{}", places.len());
        assert_eq!(panels(1.0, 1.0, &[(0.0, 1.0)], &[]), [1.0]);
    }
}
