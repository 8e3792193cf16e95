//! A bound on work.

/// Steps still allowed. A step is one likelihood or one prediction, both at most O(n³) with n at most 64 points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    left: u64,
}

/// The steps ran out before there was an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfBudget;

impl Budget {
    #[must_use]
    pub fn new(steps: u64) -> Self {
        Self { left: steps }
    }

    /// Takes one step.
    pub fn spend(&mut self) -> Result<(), OutOfBudget> {
        self.left = self.left.checked_sub(1).ok_or(OutOfBudget)?;
        Ok(())
    }

    #[must_use]
    pub fn left(self) -> u64 {
        self.left
    }
}
