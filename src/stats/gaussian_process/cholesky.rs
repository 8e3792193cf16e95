//! The Cholesky factor of a small covariance matrix.

/// The lower triangle L of A = L·Lᵀ, row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct Cholesky {
    size: usize,
    /// Row i starts at i·(i + 1) / 2 and has i + 1 entries.
    lower: Vec<f64>,
}

/// Added to the diagonal, relative to its mean, when rounding has made the matrix indefinite: from the first to the last, × 100.
const JITTER: [f64; 5] = [0.0, 1e-12, 1e-10, 1e-8, 1e-6];

impl Cholesky {
    /// Factors the symmetric matrix whose entry at row i, column j ≤ i is `entry(i, j)`. None if it is not positive definite
    /// even after a millionth of the mean diagonal was added, or not finite.
    pub fn of(size: usize, entry: impl Fn(usize, usize) -> f64) -> Option<Self> {
        let matrix: Vec<f64> = (0..size).flat_map(|i| (0..=i).map(move |j| (i, j))).map(|(i, j)| entry(i, j)).collect();
        let mean = (0..size).map(|i| matrix[row(i) + i]).sum::<f64>() / size.max(1) as f64;
        JITTER.iter().find_map(|jitter| factored(size, &matrix, jitter * mean)).map(|lower| Self { size, lower })
    }

    /// L⁻¹·b.
    #[must_use]
    pub fn forward(&self, mut b: Vec<f64>) -> Vec<f64> {
        for i in 0..self.size {
            let known = dot(&self.lower[row(i)..row(i) + i], &b[..i]);
            b[i] = (b[i] - known) / self.lower[row(i) + i];
        }
        b
    }

    /// A⁻¹·b.
    #[must_use]
    pub fn solve(&self, b: Vec<f64>) -> Vec<f64> {
        let mut b = self.forward(b);
        for i in (0..self.size).rev() {
            b[i] /= self.lower[row(i) + i];
            let (done, pivot) = b.split_at_mut(i);
            for (value, factor) in done.iter_mut().zip(&self.lower[row(i)..row(i) + i]) {
                *value -= factor * pivot[0];
            }
        }
        b
    }

    /// ln det A.
    #[must_use]
    pub fn log_determinant(&self) -> f64 {
        2.0 * (0..self.size).map(|i| self.lower[row(i) + i].ln()).sum::<f64>()
    }
}

fn factored(size: usize, matrix: &[f64], jitter: f64) -> Option<Vec<f64>> {
    let mut lower = matrix.to_vec();
    for i in 0..size {
        let (above, current) = lower.split_at_mut(row(i));
        for j in 0..i {
            let other = &above[row(j)..=row(j) + j];
            current[j] = (current[j] - dot(&current[..j], &other[..j])) / other[j];
        }
        let square = current[i] + jitter - dot(&current[..i], &current[..i]);
        // Also false for NaN.
        if !(square > 0.0 && square.is_finite()) {
            return None;
        }
        current[i] = square.sqrt();
    }
    Some(lower)
}

fn row(i: usize) -> usize {
    i * (i + 1) / 2
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_a_system_worked_by_hand() {
        // A = [[4, 2], [2, 3]], so L = [[2, 0], [1, √2]], det A = 8; A·(1, 2)ᵀ = (8, 8)ᵀ.
        let matrix = [[4.0, 2.0], [2.0, 3.0]];
        let factor = Cholesky::of(2, |i, j| matrix[i][j]).unwrap();
        assert_eq!(factor.lower, [2.0, 1.0, 2.0_f64.sqrt()]);
        let solution = factor.solve(vec![8.0, 8.0]);
        assert!((solution[0] - 1.0).abs() < 1e-12 && (solution[1] - 2.0).abs() < 1e-12, "{solution:?}");
        assert!((factor.log_determinant() - 8.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn a_singular_matrix_gets_jitter_and_a_hopeless_one_is_refused() {
        assert!(Cholesky::of(3, |_, _| 1.0).is_some());
        assert_eq!(Cholesky::of(2, |i, j| if i == j { 1.0 } else { 5.0 }), None);
        assert_eq!(Cholesky::of(2, |_, _| f64::NAN), None);
        assert_eq!(Cholesky::of(2, |_, _| f64::INFINITY), None);
    }
}
