//! Factor of a small symmetric positive definite matrix, by hand: sixteen rows need no library.

/// Lower triangle L, row by row, with L Lᵀ = the matrix.
pub(super) struct Cholesky {
    size: usize,
    lower: Vec<f64>,
}

/// Place of (row, column ≤ row) in a triangle kept row by row.
pub(super) fn place(row: usize, column: usize) -> usize {
    row * (row + 1) / 2 + column
}

impl Cholesky {
    /// From the lower triangle of the matrix. A pivot that rounding has brought to nothing is held at 1e-12 of its diagonal
    /// entry, as if the ridge were that much stronger; an entry that is no number gives `None`.
    pub fn new(size: usize, matrix: &[f64]) -> Option<Self> {
        let mut lower = matrix.to_vec();
        for column in 0..size {
            let diagonal = matrix[place(column, column)];
            let taken: f64 = (0..column).map(|k| lower[place(column, k)].powi(2)).sum();
            let pivot = (diagonal - taken).max(diagonal * 1e-12);
            if !(pivot > 0.0 && pivot.is_finite()) {
                return None;
            }
            let root = pivot.sqrt();
            lower[place(column, column)] = root;
            for row in column + 1..size {
                let taken: f64 = (0..column).map(|k| lower[place(row, k)] * lower[place(column, k)]).sum();
                lower[place(row, column)] = (lower[place(row, column)] - taken) / root;
            }
        }
        lower.iter().all(|entry| entry.is_finite()).then_some(Self { size, lower })
    }

    /// L⁻¹ v. Its squared length is vᵀ A⁻¹ v.
    pub fn forward(&self, v: &[f64]) -> Vec<f64> {
        let mut solved = v.to_vec();
        for row in 0..self.size {
            let taken: f64 = (0..row).map(|k| self.lower[place(row, k)] * solved[k]).sum();
            solved[row] = (solved[row] - taken) / self.lower[place(row, row)];
        }
        solved
    }

    /// A⁻¹ v.
    pub fn solve(&self, v: &[f64]) -> Vec<f64> {
        let mut solved = self.forward(v);
        for row in (0..self.size).rev() {
            let taken: f64 = (row + 1..self.size).map(|k| self.lower[place(k, row)] * solved[k]).sum();
            solved[row] = (solved[row] - taken) / self.lower[place(row, row)];
        }
        solved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves() {
        // [[4, 2, 0.6], [2, 5, 1], [0.6, 1, 3]] x = [1, 2, 3]; numpy 2.4.6.
        let factor = Cholesky::new(3, &[4.0, 2.0, 5.0, 0.6, 1.0, 3.0]).unwrap();
        let x = factor.solve(&[1.0, 2.0, 3.0]);
        for (row, want) in [[4.0, 2.0, 0.6], [2.0, 5.0, 1.0], [0.6, 1.0, 3.0]].iter().zip([1.0, 2.0, 3.0]) {
            let got: f64 = row.iter().zip(&x).map(|(a, b)| a * b).sum();
            assert!((got - want).abs() < 1e-14);
        }
        let quadratic: f64 = factor.forward(&[1.0, 2.0, 3.0]).iter().map(|v| v * v).sum();
        assert!((quadratic - (x[0] + 2.0 * x[1] + 3.0 * x[2])).abs() < 1e-13);
    }

    #[test]
    fn a_singular_matrix_is_held_and_no_number_is_refused() {
        let factor = Cholesky::new(2, &[1.0, 1.0, 1.0]).unwrap();
        assert!(factor.solve(&[1.0, 1.0]).iter().all(|entry| entry.is_finite()));
        assert!(Cholesky::new(2, &[1.0, f64::NAN, 1.0]).is_none());
        assert!(Cholesky::new(1, &[0.0]).is_none());
    }
}
