use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

fn term(amount: f64, scale: Scale, value: f64, error: f64, shared: f64) -> Term {
    let shared = (shared != 0.0).then_some(Shared { source: 3, standard_error: shared });
    Term { amount, scale, figure: Uncertain { value, standard_error: error }, shared }
}

fn gaussian(random: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (random.random_range(f64::MIN_POSITIVE..1.0), random.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// The total in simulated worlds.
fn simulated(terms: &[Term], worlds: usize) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    (0..worlds)
        .map(|_| {
            let common = gaussian(&mut random);
            let of = |term: &Term, random: &mut ChaCha8Rng| {
                let shared = term.shared.map_or(0.0, |shared| shared.standard_error * common);
                let value = term.figure.value + term.figure.standard_error * gaussian(random) + shared;
                term.amount * term.scale.back(value)
            };
            terms.iter().map(|term| of(term, &mut random)).sum()
        })
        .collect()
}

#[test]
fn one_log_normal_is_met_exactly() {
    for error in [0.01, 0.3, 1.0] {
        let found = total(&[term(2.0, Scale::Log, 1.0, error, 0.0)]).unwrap();
        let half = normal_quantile(0.95) * error;
        assert!((found.estimate.low / (2.0 * (1.0 - half).exp()) - 1.0).abs() < 1e-6, "{error}: {found:?}");
        assert!((found.estimate.high / (2.0 * (1.0 + half).exp()) - 1.0).abs() < 1e-6, "{error}: {found:?}");
        // The same error, told as a shared one.
        let shared = total(&[term(2.0, Scale::Log, 1.0, 0.0, error)]).unwrap();
        assert!((shared.estimate.high / found.estimate.high - 1.0).abs() < 1e-9);
        assert!((shared.skewness / found.skewness - 1.0).abs() < 1e-6);
        // What is saved is the mirror image.
        let saved = total(&[term(-2.0, Scale::Log, 1.0, error, 0.0)]).unwrap();
        assert!((saved.estimate.low + found.estimate.high).abs() < 1e-9);
    }
}

#[test]
fn normals_add_up_as_normals() {
    let terms = [
        term(3.0, Scale::Linear, 2.0, 0.5, 0.2),
        term(-1.0, Scale::Linear, 4.0, 0.3, 0.4),
        term(2.0, Scale::Linear, 1.0, 0.1, 0.0),
    ];
    let found = total(&terms).unwrap();
    assert!((found.estimate.value - 4.0).abs() < 1e-12);
    let variance = 1.5_f64.powi(2) + 0.3_f64.powi(2) + 0.2_f64.powi(2) + (0.6_f64 - 0.4).powi(2);
    assert!((found.standard_deviation - variance.sqrt()).abs() < 1e-9);
    assert!((found.estimate.high - 4.0 - normal_quantile(0.95) * variance.sqrt()).abs() < 1e-6);
}

#[test]
fn errors_in_common_do_not_average_out() {
    let portfolio = |own: f64, shared: f64| -> f64 {
        let terms: Vec<Term> = (0..100).map(|_| term(1.0, Scale::Log, 0.0, own, shared)).collect();
        let found = total(&terms).unwrap();
        found.standard_deviation / found.estimate.value
    };
    assert!(portfolio(0.3, 0.0) < 0.035);
    assert!(portfolio(0.0, 0.3) > 0.3);
}

#[test]
fn intervals_hold_in_simulation() {
    let spend: Vec<Term> =
        (0..40).map(|i| term(1.0 + f64::from(i % 7), Scale::Log, f64::from(i % 5) * 0.3, 0.4, 0.25)).collect();
    let saving: Vec<Term> = (0..10)
        .flat_map(|i| {
            let requests = 100.0 * (1.0 + f64::from(i));
            [term(requests, Scale::Linear, 0.02, 0.001, 0.0), term(-requests, Scale::Log, 0.01_f64.ln(), 0.3, 0.3)]
        })
        .collect();
    let one = vec![term(1000.0, Scale::Linear, 0.03, 0.002, 0.0), term(-1000.0, Scale::Log, 0.01_f64.ln(), 0.6, 0.5)];
    let two = vec![term(1.0, Scale::Log, 0.0, 0.8, 0.0), term(-1.0, Scale::Log, 0.5, 0.7, 0.0)];
    for (name, terms) in [("spend", spend), ("saving", saving), ("one", one), ("two against", two)] {
        let found = total(&terms).unwrap();
        let worlds = simulated(&terms, 40_000);
        let share = |inside: &dyn Fn(f64) -> bool| {
            worlds.iter().filter(|value| inside(**value)).count() as f64 / worlds.len() as f64
        };
        let (below, above) = (share(&|value| value < found.estimate.low), share(&|value| value > found.estimate.high));
        println!("{name}: {below:.3} below, {above:.3} above, skewness {:.2}", found.skewness);
        let mean = worlds.iter().sum::<f64>() / worlds.len() as f64;
        assert!((mean - found.estimate.value).abs() < 0.03 * found.standard_deviation, "{name}");
        // Each tail is 5 %; the difference of two wide log-normals has no shifted log-normal shape.
        assert!((below + above - 0.10).abs() < 0.02, "{name}: {below} {above}");
        assert!((0.02..0.08).contains(&below) && (0.02..0.08).contains(&above), "{name}: {below} {above}");
    }
}

#[test]
fn nonsense_and_nothing() {
    let nothing = total(&[]).unwrap();
    assert_eq!((nothing.estimate.low, nothing.estimate.high), (0.0, 0.0));
    assert_eq!(total(&[term(1.0, Scale::Logit, 0.0, 0.1, 0.0)]), Err(NoTotal::Share { place: 0 }));
    for wrong in [
        term(f64::NAN, Scale::Log, 0.0, 0.1, 0.0),
        term(1.0, Scale::Log, 0.0, -0.1, 0.0),
        term(1.0, Scale::Log, f64::INFINITY, 0.1, 0.0),
        term(1.0, Scale::Log, 0.0, 0.1, f64::NAN),
    ] {
        assert_eq!(total(&[wrong]), Err(NoTotal::NotFinite { place: 0 }));
    }
    assert_eq!(total(&[term(1.0, Scale::Log, 600.0, 1.0, 0.0)]), Err(NoTotal::Overflow));
    let certain = total(&[term(5.0, Scale::Linear, 2.0, 0.0, 0.0)]).unwrap();
    assert!((certain.estimate.low - 10.0).abs() < 1e-12 && (certain.estimate.high - 10.0).abs() < 1e-12);
}
