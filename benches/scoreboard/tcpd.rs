//! How well detected change points agree with several annotators: F1 and segmentation covering.
//!
//! Van den Burg, Williams, "An Evaluation of Change Point Detection Algorithms" (2020), arXiv 2003.06222, section 4: precision
//! against the union of all annotations, recall as the mean over annotators, covering as the mean over annotators (Arbeláez
//! et al. 2011, doi 10.1109/TPAMI.2010.161). Index 0 counts as a change point in every set.

use std::collections::BTreeSet;

/// How far apart a detection and an annotation may be and still match, in observations. The publication's value.
pub const MARGIN: usize = 5;

/// F1 of `detected` against the annotators' sets, 0..=1. Indices are zero-based, first observation of the new segment.
/// No annotators: `None`.
#[must_use]
pub fn f1(annotations: &[Vec<usize>], detected: &[usize], margin: usize) -> Option<f64> {
    if annotations.is_empty() {
        return None;
    }
    let with_zero = |set: &[usize]| set.iter().copied().chain([0]).collect::<BTreeSet<usize>>();
    let found = with_zero(detected);
    let truths: Vec<BTreeSet<usize>> = annotations.iter().map(|set| with_zero(set)).collect();
    let union: BTreeSet<usize> = truths.iter().flatten().copied().collect();
    let precision = matched(&union, &found, margin) as f64 / found.len() as f64;
    let recalls = truths.iter().map(|truth| matched(truth, &found, margin) as f64 / truth.len() as f64);
    let recall = recalls.sum::<f64>() / truths.len() as f64;
    // Zero is in every set, so neither can be zero.
    Some(2.0 * precision * recall / (precision + recall))
}

/// Annotated points that have a detection of their own: the nearest one still free, annotations in ascending order.
fn matched(truth: &BTreeSet<usize>, found: &BTreeSet<usize>, margin: usize) -> usize {
    let mut free = found.clone();
    truth
        .iter()
        .filter(|&&point| {
            let near = free.iter().copied().min_by_key(|&other| (point.abs_diff(other), other));
            near.filter(|&other| point.abs_diff(other) <= margin).is_some_and(|other| free.remove(&other))
        })
        .count()
}

/// Mean covering of the annotators' segmentations of `0..observations` by the detected one, 0..=1. `None` without
/// annotators or observations.
#[must_use]
pub fn cover(annotations: &[Vec<usize>], detected: &[usize], observations: usize) -> Option<f64> {
    if annotations.is_empty() || observations == 0 {
        return None;
    }
    let found = segments(detected, observations);
    let one = |truth: &Vec<usize>| {
        let best = |&(from, to): &(usize, usize)| {
            let overlap = |&(other_from, other_to): &(usize, usize)| {
                let common = to.min(other_to).saturating_sub(from.max(other_from));
                // Two intervals that touch: their union is as long as both less what they share.
                common as f64 / ((to - from) + (other_to - other_from) - common) as f64
            };
            (to - from) as f64 * found.iter().map(overlap).fold(0.0, f64::max)
        };
        segments(truth, observations).iter().map(best).sum::<f64>() / observations as f64
    };
    Some(annotations.iter().map(one).sum::<f64>() / annotations.len() as f64)
}

fn segments(cuts: &[usize], observations: usize) -> Vec<(usize, usize)> {
    let inner = cuts.iter().copied().filter(|&cut| cut < observations);
    let edges: Vec<usize> = inner.chain([0, observations]).collect::<BTreeSet<usize>>().into_iter().collect();
    edges.windows(2).map(|pair| (pair[0], pair[1])).collect()
}
