//! Against scipy 1.17.1, statsmodels 0.15.0, numpy and itertools on fixed cases.

use super::*;

/// The symmetric part of the interval's half width, over the t quantile: the standard error.
fn standard_error(evidence: &Evidence, t: f64, tail: f64) -> f64 {
    let [low, high] = evidence.interval(tail).difference;
    (high.unwrap() - evidence.difference()).min(evidence.difference() - low.unwrap()) / t
}

#[test]
fn independent_rows_are_welchs_test() {
    // scipy: ttest_ind(C, B, equal_var=False, alternative="greater") and its 95 % interval. Skewness may only widen.
    let found = mean_of(Sample::of(&B), Sample::of(&C));
    assert!(found.p_values[0] >= 0.091_385_575_014_504_2 - 1e-9 && found.p_values[0] < 0.1, "{found:?}");
    let [low, high] = found.interval(0.025).difference;
    assert!(low.unwrap() <= -0.812_879_354 + 1e-6 && low.unwrap() > -1.0 && high.unwrap() >= 3.552_879_354 - 1e-6);
    assert_eq!((found.rows, found.units, found.paired, found.method), ([6, 5], [6, 5], 0, Method::Mean));
}

#[test]
fn units_on_both_sides_are_the_paired_test() {
    // scipy: ttest_rel(y, x, alternative="greater") p 0.017747447897512; its 90 % interval 0.0933889611 .. 0.5399443722.
    let (x, y) = ([5.1, 4.8, 6.2, 5.9, 7.0, 6.1], [5.4, 5.0, 6.1, 6.6, 7.5, 6.4]);
    let (ids, order) = ([1, 2, 3, 4, 5, 6], [3, 1, 2, 6, 5, 4]);
    let shuffled: Vec<f64> = order.iter().map(|id| y[*id as usize - 1]).collect();
    let found = mean_of(Sample::of(&x).units(&ids), Sample::of(&shuffled).units(&order));
    assert_eq!(found.paired, 6);
    assert!(found.p_values[0] >= 0.017_747_447 && found.p_values[0] < 0.025, "{:?}", found.p_values);
    near(
        standard_error(&found, 2.015_048_372_669_157, 0.05),
        (0.539_944_372_2 - 0.093_388_961_1) / 2.0 / 2.015_048_372_669_157,
        1e-6,
    );
}

#[test]
fn clusters_are_the_robust_variance() {
    // statsmodels: OLS on a dummy, cov_type="cluster" without correction 0.81683252; times √(K/(K − 1)), 5 clusters a side.
    let units_b = [1, 1, 2, 2, 2, 3, 4, 4, 5];
    let b = [1.0, 2.0, 2.5, 3.0, 2.8, 5.0, 4.2, 4.4, 1.5];
    let units_c = [11, 11, 12, 13, 13, 13, 14, 15, 15];
    let c = [2.0, 2.4, 3.5, 4.0, 4.8, 5.5, 6.2, 2.4, 2.5];
    let comparison =
        Comparison::new(Sample::of(&b).units(&units_b), Sample::of(&c).units(&units_c), Mix::Baseline).unwrap();
    let moments =
        influence::moments([&comparison.samples[0], &comparison.samples[1]], &comparison.layout, |side, row| {
            comparison.samples[side].values[row]
        })
        .unwrap();
    near(moments.variance(1.0).sqrt(), 0.913_246_518_958_368_6, 1e-8);
    near(moments.estimates[1] - moments.estimates[0], 0.766_666_666_7, 1e-9);
    assert!(moments.freedom(1.0) > 3.0 && moments.freedom(1.0) < 8.0, "{}", moments.freedom(1.0));
}

#[test]
fn sums_per_denominator_are_the_linearised_ratio() {
    // Cost per token by hand in numpy: R 0.1008403361, error 0.0046158014; R 0.1278571429, error 0.0058245645.
    let (cost, tokens) = ([1.0, 2.0, 3.0, 4.0, 2.0], [10.0, 18.0, 33.0, 41.0, 17.0]);
    let (cost2, tokens2) = ([1.4, 2.9, 3.3, 5.1, 2.2, 3.0], [11.0, 19.0, 30.0, 40.0, 18.0, 22.0]);
    let comparison =
        Comparison::new(Sample::of(&cost).per(&tokens), Sample::of(&cost2).per(&tokens2), Mix::Baseline).unwrap();
    let moments =
        influence::moments([&comparison.samples[0], &comparison.samples[1]], &comparison.layout, |side, row| {
            comparison.samples[side].values[row]
        })
        .unwrap();
    near(moments.estimates[0], 0.100_840_336_134_453_78, 1e-12);
    near(moments.estimates[1], 0.127_857_142_857_142_84, 1e-12);
    near(moments.variance(1.0).sqrt(), libm::hypot(0.004_615_801_4, 0.005_824_564_520), 1e-8);
}

#[test]
fn kinds_are_post_stratified() {
    // numpy: Σ πₕ means with the baseline's mix of one half each; error √Σ πₕ² s²/n on both sides.
    let b = [
        3.34, 2.67, 2.29, 3.49, 2.22, 4.76, 3.61, 3.26, 0.93, 0.48, 1.01, 3.75, 3.21, 0.74, 3.73, 1.65, 1.65, 6.18,
        3.05, 3.5,
    ];
    let c = [
        4.42, 0.9, 4.56, 14.53, 1.37, 6.32, 6.78, 6.71, 2.34, 2.84, 1.39, 3.56, 9.06, 2.09, 0.48, 3.86, 6.81, 3.09,
        11.27, 3.26, 3.79, 1.51, 2.89, 6.65,
    ];
    let kinds_b: Vec<u32> = (0..20).map(|i| i / 10).collect();
    let kinds_c: Vec<u32> = (0..24).map(|i| u32::from(i >= 8)).collect();
    let comparison =
        Comparison::new(Sample::of(&b).strata(&kinds_b), Sample::of(&c).strata(&kinds_c), Mix::Baseline).unwrap();
    let found = comparison.mean(false).unwrap();
    near(found.adjusted[0], 2.776, 1e-12);
    near(found.adjusted[1], 4.877_187_5, 1e-12);
    near(found.raw[1], c.iter().sum::<f64>() / 24.0, 1e-12);
    let moments =
        influence::moments([&comparison.samples[0], &comparison.samples[1]], &comparison.layout, |side, row| {
            comparison.samples[side].values[row]
        })
        .unwrap();
    near(moments.variance(1.0).sqrt(), 0.895_493_958_522_057_3, 1e-9);
}

#[test]
fn shares_are_fishers_test_and_newcombes_interval() {
    // scipy: fisher_exact([[9, 191], [2, 198]]); statsmodels: confint_proportions_2indep(9, 200, 2, 200, "newcomb", alpha=.1).
    let side = |hits: usize| (0..200).map(|i| f64::from(u8::from(i < hits))).collect::<Vec<f64>>();
    let (b, c) = (side(2), side(9));
    let found = mean_of(Sample::of(&b), Sample::of(&c));
    near(found.p_values[0], 0.030_906_982_912_643_54, 1e-9);
    near(found.p_values[1], 0.994_666_875_085_601_3, 1e-9);
    let [low, high] = found.interval(0.05).difference;
    near(low.unwrap(), 0.007_835_124_042_628_174, 1e-9);
    near(high.unwrap(), 0.066_498_366_973_880_87, 1e-9);
    let none = side(0);
    let nothing = mean_of(Sample::of(&none), Sample::of(&none));
    assert_eq!(nothing.p_values, [1.0, 1.0]);
    assert!(nothing.interval(0.05).difference[1].is_some_and(|high| (0.001..0.05).contains(&high)));
}

#[test]
fn pairs_of_right_and_wrong_are_mcnemars_test() {
    // scipy: binom.sf(7, 10, 0.5) for 8 against 2 discordant pairs.
    let b: Vec<f64> = (0..40).map(|i| f64::from(u8::from(!(2..20).contains(&i)))).collect();
    let c: Vec<f64> = (0..40).map(|i| f64::from(u8::from((2..10).contains(&i) || i >= 20))).collect();
    let ids: Vec<u32> = (0..40).collect();
    let found = mean_of(Sample::of(&b).units(&ids), Sample::of(&c).units(&ids));
    assert_eq!(found.method, Method::PairedShare);
    near(found.p_values[0], 0.054_687_5, 1e-12);
}

#[test]
fn quantiles_are_the_exact_test_beyond_the_common_quantile() {
    // scipy: 8 of the candidate and none of the baseline beyond the pooled 90 % quantile: hypergeom.sf(7, 80, 8, 40).
    let b: Vec<f64> = (1..=40).map(f64::from).collect();
    let c: Vec<f64> = (1..=40).map(|i| f64::from(i) + 8.5).collect();
    let found =
        Comparison::new(Sample::of(&b), Sample::of(&c), Mix::Baseline).unwrap().quantiles(&[0.9]).remove(0).unwrap();
    near(found.p_values[0], 0.002_653_025_836_656_84, 1e-9);
    let [low, high] = found.interval(0.05).difference;
    assert!(low.unwrap() > 0.0 && low.unwrap() <= 8.5 && high.unwrap() >= 8.5, "{low:?} {high:?}");
}

#[test]
fn dealing_is_what_enumeration_gives() {
    let (b, c) = ([1.0, 1.01], [3.0, 2.0, 9.0, 4.0, 5.5, 7.0, 1.5, 6.0, 2.5, 8.0, 3.5, 4.5]);
    let found = mean_of(Sample::of(&b), Sample::of(&c));
    // Complete separation: 1 / C(14, 2), where Welch's test says 0.0001.
    near(found.p_values[0], 1.0 / 91.0, 1e-9);
    assert!(found.interval(0.05).difference[0].unwrap() > 0.0 && found.interval(0.01).difference[0].unwrap() <= 0.0);
    // All of a small side at the end of the scale, where most of the others are too: C(20, 5) of C(25, 5) deals.
    let (b, c): (Vec<f64>, Vec<f64>) =
        (vec![1.0; 5], (0..20).map(|i| if i < 15 { 1.0 } else { 0.1 * f64::from(i - 14) }).collect());
    near(mean_of(Sample::of(&b), Sample::of(&c)).p_values[1], 15_504.0 / 53_130.0, 1e-9);
    // itertools over all C(15, 7) deals: 52 of 6,435 sums are as large.
    let b = [10.1, 3.36, 1.49, 0.12, 0.92, 2.86, 1.78, 0.72];
    let c = [6.54, 8.07, 5.39, 6.72, 4.96, 12.51, 4.85];
    let dealt = |b: Sample, c: Sample| {
        let comparison = Comparison::new(b, c, Mix::Baseline).unwrap();
        let samples = &comparison.samples;
        permutation::at_least([1e-300, 1.0], [&samples[0], &samples[1]], &comparison.layout, |side, row| {
            samples[side].values[row]
        })[0]
    };
    let (got, want) = (dealt(Sample::of(&b), Sample::of(&c)), 52.0 / 6435.0);
    assert!((got / want - 1.0).abs() < 0.05, "{got} for {want}");
    // itertools over all 2^10 signs: 7 of 1,024.
    let (before, after) = ([5.0; 10], [0.3, 1.2, -0.4, 0.9, 2.1, 0.7, -0.2, 1.1, 0.5, 1.6].map(|d| 5.0 + d));
    let ids: Vec<u32> = (0..10).collect();
    let (got, want) = (dealt(Sample::of(&before).units(&ids), Sample::of(&after).units(&ids)), 7.0 / 1024.0);
    assert!((got / want - 1.0).abs() < 0.2, "{got} for {want}");
}

#[test]
fn a_slow_hour_that_lies_in_one_side_is_not_a_regression() {
    // Twenty hours of ten requests, one of them slow and in the candidate: chance gives that every second time.
    let side = |first: u32, slow: u32| {
        let hours: Vec<u32> = (0..100).map(|i| first + i / 10).collect();
        let values: Vec<f64> = hours
            .iter()
            .zip(0..)
            .map(|(hour, i)| if *hour == slow { 9000.0 } else { 500.0 } + f64::from(i % 10 * 7))
            .collect();
        (values, hours)
    };
    let ((b, hours_b), (c, hours_c)) = (side(0, 99), side(10, 13));
    let comparison =
        Comparison::new(Sample::of(&b).units(&hours_b), Sample::of(&c).units(&hours_c), Mix::Baseline).unwrap();
    for evidence in comparison.quantiles(&[0.5, 0.95]).into_iter().chain([comparison.mean(false)]) {
        assert!(evidence.as_ref().unwrap().p_values[0] > 0.1, "{evidence:?}");
    }
    let rows = Comparison::new(Sample::of(&b), Sample::of(&c), Mix::Baseline).unwrap();
    assert!(rows.quantiles(&[0.95])[0].as_ref().unwrap().p_values[0] < 0.01, "as single requests it is");
}
