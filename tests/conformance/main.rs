//! Runs the statistics against numbers that others made or that were made with reference libraries: 878 cases, none skipped.

mod bencher;
mod harness;
mod multiplicity;
mod own;
mod own_tables;
mod spotify;
mod spotify_sizes;
mod tails;

use harness::{Case, run};

type Check = fn(&mut Case);

/// Each suite, the number of its cases, and what runs one.
const SUITES: [(&str, usize, Check); 14] = [
    ("bencher_limits", 34, bencher::limits),
    ("bencher_descriptives", 122, bencher::descriptives),
    ("spotify_confidence_tests", 142, spotify::confidence_tests),
    ("spotify_sequential", 17, spotify::sequential),
    ("spotify_sample_size", 40, spotify_sizes::sample_size),
    ("multiplicity", 48, multiplicity::check),
    ("own_ks_two_sample", 33, own::ks),
    ("own_mann_whitney", 21, own::mann_whitney),
    ("own_welch_t", 25, own::welch),
    ("own_mann_kendall", 16, own::mann_kendall),
    ("own_psi", 21, own_tables::psi),
    ("own_two_proportions", 14, own_tables::two_proportions),
    ("own_srm_chi_squared", 15, own_tables::sample_ratio),
    ("own_distribution_tails", 330, tails::check),
];

#[test]
fn all_published_and_reference_vectors_are_met() {
    let (mut total, mut failures) = (0, Vec::new());
    for (suite, cases, check) in SUITES {
        let (ran, passed, failed) = run(suite, check);
        println!("{suite}: {passed} of {ran}");
        assert_eq!(ran, cases, "{suite} has its cases");
        total += ran;
        failures.extend(failed);
    }
    assert_eq!(total, 878);
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
