use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// 120 rows by simple arithmetic, the same as the reference computed with numpy.
fn rows() -> Vec<Sample> {
    (0..120_usize)
        .map(|i| Sample {
            propensity: [0.2, 0.5, 0.8][i % 3],
            target: [0.3, 0.2, 0.8, 0.5][i % 4],
            reward: ((i * 7) % 11) as f64 / 10.0,
            expected: Some(Expected { taken: ((i * 3) % 5) as f64 / 5.0, target: ((i * 5) % 7) as f64 / 7.0 }),
        })
        .collect()
}

#[test]
fn agrees_with_numpy() {
    for (method, limit, value, error) in [
        (Method::Weighted, None, 0.627_979_166_666_666_5, 0.069_783_680_844_173_5),
        (Method::SelfNormalised, None, 0.507_457_912_457_912_4, 0.038_755_899_202_709_16),
        (Method::DoublyRobust, None, 0.557_979_166_666_666_5, 0.066_508_440_718_333_67),
        (Method::Weighted, Some(1.5), 0.470_312_5, 0.037_849_160_391_952_82),
    ] {
        let found = evaluate(rows(), method, limit).unwrap();
        assert!((found.estimate.value - value).abs() < 1e-12, "{method:?}: {found:?}");
        assert!((found.estimate.standard_error - error).abs() < 1e-9, "{method:?}: {found:?}");
    }
}

/// Two segments, three actions: what each earns on average.
const WORTH: [[f64; 3]; 2] = [[0.2, 0.5, 0.8], [0.9, 0.6, 0.1]];
const LOGGING: [[f64; 3]; 2] = [[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]];
const TARGET: [[f64; 3]; 2] = [[0.1, 0.3, 0.6], [0.7, 0.2, 0.1]];

fn target(context: usize, action: usize) -> f64 {
    TARGET[context][action]
}

fn log(random: &mut ChaCha8Rng, requests: usize) -> Vec<Logged> {
    (0..requests)
        .map(|_| {
            let context = usize::from(random.random_bool(0.4));
            let draw: f64 = random.random();
            let action = if draw < LOGGING[context][0] {
                0
            } else {
                1 + usize::from(draw >= LOGGING[context][0] + LOGGING[context][1])
            };
            let reward = WORTH[context][action] + random.random_range(-0.3..0.3);
            Logged { context, action, propensity: LOGGING[context][action], reward }
        })
        .collect()
}

fn truth() -> f64 {
    let of = |context: usize| -> f64 { (0..3).map(|action| TARGET[context][action] * WORTH[context][action]).sum() };
    0.6 * of(0) + 0.4 * of(1)
}

#[test]
fn intervals_hold_and_the_doubly_robust_is_the_narrowest() {
    let (trials, requests) = (600, 500);
    let mut covered = [0_u32; 3];
    let mut widths = [0.0; 3];
    for seed in 0..trials {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let samples = cross_fitted(&log(&mut random, requests), 3, 5, target);
        for (place, method) in [Method::Weighted, Method::SelfNormalised, Method::DoublyRobust].into_iter().enumerate()
        {
            let interval = evaluate(samples.iter().copied(), method, None).unwrap().estimate.estimate();
            covered[place] += u32::from(interval.low <= truth() && truth() <= interval.high);
            widths[place] += interval.high - interval.low;
        }
    }
    for share in covered.map(|count| f64::from(count) / trials as f64) {
        // Three standard errors of 90 % over 600 trials are 3.7 points.
        assert!((0.86..=0.94).contains(&share), "{covered:?} of {trials}");
    }
    assert!(widths[2] < widths[1] && widths[1] < widths[0], "{widths:?}");
}

#[test]
fn doubly_robust_forgives_a_wrong_model() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let samples = cross_fitted(&log(&mut random, 20_000), 3, 2, target);
    let wrong = samples.iter().map(|sample| Sample { expected: Some(Expected { taken: 0.3, target: 0.3 }), ..*sample });
    let found = evaluate(wrong, Method::DoublyRobust, None).unwrap().estimate;
    assert!((found.value - truth()).abs() < 4.0 * found.standard_error && found.standard_error < 0.02, "{found:?}");
}

#[test]
fn constants_move_the_self_normalised_and_the_doubly_robust_along() {
    let moved = |by: f64| {
        rows().into_iter().map(move |sample| Sample {
            reward: sample.reward + by,
            expected: sample.expected.map(|e| Expected { taken: e.taken + by, target: e.target + by }),
            ..sample
        })
    };
    for method in [Method::SelfNormalised, Method::DoublyRobust] {
        let (here, there) = (evaluate(moved(0.0), method, None).unwrap(), evaluate(moved(1e9), method, None).unwrap());
        assert!((there.estimate.value - here.estimate.value - 1e9).abs() < 1e-5);
        assert!((there.estimate.standard_error / here.estimate.standard_error - 1.0).abs() < 1e-5);
    }
}

#[test]
fn abstains_with_a_reason() {
    let sample = Sample { propensity: 0.5, target: 0.5, reward: 1.0, expected: None };
    let of = |sample: Sample, count: usize, method| evaluate(std::iter::repeat_n(sample, count), method, None);
    assert_eq!(of(sample, 0, Method::Weighted), Err(Abstention::Empty));
    assert!(matches!(of(sample, 10, Method::Weighted), Err(Abstention::TooFew { .. })));
    let same = of(sample, 100, Method::Weighted).unwrap();
    assert!((same.estimate.value - 1.0).abs() < 1e-12 && same.estimate.standard_error.abs() < 1e-12);
    assert_eq!(of(Sample { target: 0.0, ..sample }, 100, Method::SelfNormalised), Err(Abstention::NoOverlap));
    assert_eq!(of(sample, 100, Method::DoublyRobust), Err(Abstention::NoModel { place: 0 }));
    assert!(matches!(
        of(Sample { target: 0.25, ..sample }, 1000, Method::Weighted),
        Err(Abstention::Imbalanced { mean_weight }) if (mean_weight - 0.5).abs() < 1e-12
    ));
    for wrong in [
        Sample { propensity: 0.0, ..sample },
        Sample { propensity: f64::NAN, ..sample },
        Sample { propensity: 1e-320, target: 1.0, ..sample },
        Sample { target: 1.5, ..sample },
        Sample { reward: f64::INFINITY, ..sample },
    ] {
        assert_eq!(of(wrong, 100, Method::Weighted), Err(Abstention::NotSound { place: 0 }));
    }
    assert_eq!(evaluate([sample], Method::Weighted, Some(f64::NAN)), Err(Abstention::Limit));
    let stranger = [Logged { context: 0, action: 9, propensity: 1.0, reward: 1.0 }];
    let samples = cross_fitted(&stranger, 3, 2, target);
    assert_eq!(evaluate(samples, Method::Weighted, None), Err(Abstention::NotSound { place: 0 }));
}

#[test]
fn one_heavy_request_is_not_enough_of_them() {
    let light = Sample { propensity: 1.0, target: 0.5, reward: 0.0, expected: None };
    let heavy = Sample { propensity: 0.001, target: 1.0, reward: 1.0, expected: None };
    let log = std::iter::repeat_n(light, 1999).chain([heavy]);
    assert!(matches!(evaluate(log, Method::SelfNormalised, None), Err(Abstention::TooFew { .. })));
}

#[test]
fn clipping_is_told() {
    let found = evaluate(rows(), Method::SelfNormalised, Some(1.0)).unwrap();
    assert!(found.clipped > 0 && found.clipped_weight > 0.0 && found.largest_weight < 0.02);
    let none = evaluate(rows(), Method::SelfNormalised, None).unwrap();
    assert_eq!((none.clipped, none.clipped_weight.abs() < 1e-12), (0, true));
}
