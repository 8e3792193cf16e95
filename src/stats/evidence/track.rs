//! Weighted sums over blocks, and how much they vary between batches of blocks of several lengths.

use serde::{Deserialize, Serialize};

/// Lengths of a batch in minutes. The first means single blocks. A batch ends with the block that fills it.
pub const SPANS: [i64; 4] = [0, 5, 15, 60];

/// What is remembered of a series of blocks: a fixed number of numbers, however long it grows.
///
/// A block contributes its weight and, per column, a weighted sum (weight × mean difference).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// Blocks so far.
    pub blocks: f64,
    /// Sum of their weights.
    pub weight: f64,
    /// Sum of their sampling factors per side, see [`super::block::Matched::sampling`].
    pub sampling: [f64; 2],
    /// Requests compared, per side.
    pub requests: [f64; 2],
    /// Weighted sum per column.
    pub sums: Vec<f64>,
    levels: Vec<Level>,
}

/// Batches of one length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Level {
    batches: f64,
    minutes: f64,
    weight_squares: f64,
    squares: Vec<f64>,
    products: Vec<f64>,
    open_minutes: i64,
    open_weight: f64,
    open: Vec<f64>,
}

/// Variation of a column between batches of one length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Finished batches.
    pub batches: f64,
    /// Their mean length in minutes.
    pub minutes: f64,
    /// Variance of the column's sum over all blocks, were the batches independent.
    pub variance: f64,
}

impl Track {
    /// Nothing seen yet of `columns` series.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        let level = Level {
            batches: 0.0,
            minutes: 0.0,
            weight_squares: 0.0,
            squares: vec![0.0; columns],
            products: vec![0.0; columns],
            open_minutes: 0,
            open_weight: 0.0,
            open: vec![0.0; columns],
        };
        Self {
            blocks: 0.0,
            weight: 0.0,
            sampling: [0.0; 2],
            requests: [0.0; 2],
            sums: vec![0.0; columns],
            levels: vec![level; SPANS.len()],
        }
    }

    /// Adds a block of `minutes` with its weight, sampling factors, requests and weighted sums. One without weight is nothing.
    pub fn push(&mut self, minutes: i64, weight: f64, sampling: [f64; 2], requests: [f64; 2], sums: &[f64]) {
        if weight <= 0.0 || !weight.is_finite() {
            return;
        }
        self.blocks += 1.0;
        self.weight += weight;
        for side in 0..2 {
            self.sampling[side] += sampling[side];
            self.requests[side] += requests[side];
        }
        for (total, sum) in self.sums.iter_mut().zip(sums) {
            *total += sum;
        }
        for (level, span) in self.levels.iter_mut().zip(SPANS) {
            level.push(span, minutes.max(1), weight, sums);
        }
    }

    /// Weighted mean of a column. `None` without blocks.
    #[must_use]
    pub fn mean(&self, column: usize) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sums[column] / self.weight)
    }

    /// Variation of `column` per length of batch, in the order of [`SPANS`]; zero where there are fewer than two batches.
    ///
    /// Linearized variance of a ratio of totals, B/(B−1) · Σ (sᵢ − m·wᵢ)² (Cochran, "Sampling Techniques", 1977, §6.3), scaled
    /// from the finished batches to all blocks.
    #[must_use]
    pub fn spreads(&self, column: usize) -> [Spread; SPANS.len()] {
        let mean = self.mean(column).unwrap_or(0.0);
        std::array::from_fn(|index| {
            let level = &self.levels[index];
            if level.batches < 2.0 {
                return Spread { batches: level.batches, minutes: 0.0, variance: 0.0 };
            }
            let squares =
                level.squares[column] - 2.0 * mean * level.products[column] + mean * mean * level.weight_squares;
            let closed = (self.weight - level.open_weight).max(f64::MIN_POSITIVE);
            Spread {
                batches: level.batches,
                minutes: level.minutes / level.batches,
                variance: squares.max(0.0) * level.batches / (level.batches - 1.0) * self.weight / closed,
            }
        })
    }
}

impl Level {
    fn push(&mut self, span: i64, minutes: i64, weight: f64, sums: &[f64]) {
        self.open_minutes = self.open_minutes.saturating_add(minutes);
        self.open_weight += weight;
        for (open, sum) in self.open.iter_mut().zip(sums) {
            *open += sum;
        }
        if self.open_minutes < span {
            return;
        }
        self.batches += 1.0;
        self.minutes += self.open_minutes as f64;
        self.weight_squares += self.open_weight * self.open_weight;
        for (column, open) in self.open.iter_mut().enumerate() {
            self.squares[column] += *open * *open;
            self.products[column] += *open * self.open_weight;
            *open = 0.0;
        }
        self.open_minutes = 0;
        self.open_weight = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(values: &[f64]) -> Track {
        let mut track = Track::new(1);
        for value in values {
            track.push(1, 2.0, [1.0, 1.0], [10.0, 10.0], &[2.0 * value]);
        }
        track
    }

    #[test]
    fn independent_blocks_vary_alike_at_every_length() {
        // Alternating ±1: batches of 5 differ by ±1, so they vary less than single blocks do.
        let values: Vec<f64> = (0..240).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let spreads = track(&values).spreads(0);
        assert!((spreads[0].variance - 4.0 * 240.0 * 240.0 / 239.0).abs() < 1e-9);
        assert!(spreads[1].variance < spreads[0].variance / 4.0);
    }

    #[test]
    fn slow_waves_show_in_long_batches() {
        let values: Vec<f64> = (0..240).map(|i| if i / 15 % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let spreads = track(&values).spreads(0);
        assert!(spreads[2].variance > 14.0 * spreads[0].variance);
        assert!((spreads[2].minutes - 15.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_one_and_constants() {
        assert!(track(&[]).spreads(0)[0].batches.abs() < 1e-12);
        assert!(track(&[0.5]).spreads(0)[0].variance.abs() < 1e-12);
        assert!(track(&[0.5; 3]).spreads(0)[0].variance.abs() < 1e-12);
        let mut none = Track::new(1);
        none.push(1, 0.0, [0.0; 2], [0.0; 2], &[f64::NAN]);
        assert_eq!(none, Track::new(1));
    }
}
