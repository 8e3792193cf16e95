//! The scoring of change points against several annotators.

use crate::tcpd::{MARGIN, cover, f1};

fn close(got: Option<f64>, expected: f64) {
    assert!((got.unwrap() - expected).abs() < 1e-12, "{got:?} instead of {expected}");
}

#[test]
fn f1_agrees_with_worked_examples() {
    // Three annotators, one point found: union {0,10,50}, precision 1, recall (1 + 1 + 1/2)/3 = 5/6.
    close(f1(&[vec![], vec![10], vec![50]], &[10], MARGIN), 10.0 / 11.0);
    close(f1(&[vec![], vec![10], vec![50]], &[], MARGIN), 0.8);
    close(f1(&[vec![10, 20], vec![11, 20], vec![10], vec![0, 5]], &[10, 20], MARGIN), 1.0);
    assert_eq!(f1(&[], &[3], MARGIN), None);
}

#[test]
fn a_detection_counts_once() {
    // 18 and 22 are both near 20, but only one of them can have it.
    close(f1(&[vec![18, 22]], &[20], MARGIN), 2.0 * (2.0 / 3.0) / (1.0 + 2.0 / 3.0));
}

#[test]
fn cover_agrees_with_worked_examples() {
    close(cover(&[vec![3, 5]], &[3], 6), (3.0 + 2.0 * 2.0 / 3.0 + 1.0 / 3.0) / 6.0);
    close(cover(&[vec![]], &[], 7), 1.0);
    close(cover(&[vec![10, 20], vec![10], vec![0, 5]], &[10, 20], 45), 0.796_296_296_296_296_3);
    close(cover(&[vec![], vec![10], vec![40]], &[10], 45), 0.795_414_462_081_128_6);
    assert_eq!(cover(&[vec![]], &[], 0), None);
}
