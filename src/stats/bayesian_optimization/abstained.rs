//! Why nothing is proposed.

use std::fmt;

/// Reasons to leave a service's settings alone. Dimensions and constraints are counted from 0, as the caller listed them.
#[derive(Debug, Clone, PartialEq)]
pub enum Abstained {
    /// The space or the present configuration makes no sense.
    Space { dimension: usize, fault: SpaceFault },
    /// No value is both inside the policy's range and within a step of the present one.
    NothingWithinStep { dimension: usize },
    /// The present value is not allowed, and the dimension never varied, so where to bring it back to cannot be learnt.
    PresentNotAllowed { dimension: usize },
    /// Too few distinct configurations have usable evidence.
    TooFewConfigurations { have: usize, need: usize },
    /// The present configuration itself was never measured, so nothing can be compared with it.
    PresentUnmeasured,
    /// All observations have the present values in every dimension.
    NothingVaried,
    /// All measured objectives are the same number, which noise does not do: nothing to learn from.
    ConstantObjective,
    /// A constraint was measured on too few distinct configurations: unknown is not good.
    ConstraintUnmeasured { constraint: usize, have: usize, need: usize },
    /// Numbers so extreme that no process fits them.
    Unfit,
    /// The safe intervals hold only the present configuration.
    NothingToMove,
    /// No value near enough holds all constraints with the asked probability; the best one found does with this one.
    NoneFeasible { best: f64, need: f64 },
    /// The best expected improvement is too small.
    NoGain { best: f64, need: f64 },
    /// The step budget ran out.
    OutOfBudget,
}

/// What is wrong with a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpaceFault {
    /// None or too many dimensions, or a present configuration with a different number of values.
    Dimensions,
    NotFinite,
    /// The smallest value is not below the largest, or no whole number lies between.
    Empty,
    /// A logarithmic scale that starts at or below 0.
    LogOfNothing,
    NegativeStep,
}

impl Abstained {
    /// A stable name for plans and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Space { .. } => "unusable_space",
            Self::NothingWithinStep { .. } => "nothing_within_step",
            Self::PresentNotAllowed { .. } => "present_not_allowed",
            Self::TooFewConfigurations { .. } => "too_few_configurations",
            Self::PresentUnmeasured => "present_unmeasured",
            Self::NothingVaried => "nothing_varied",
            Self::ConstantObjective => "constant_objective",
            Self::ConstraintUnmeasured { .. } => "constraint_unmeasured",
            Self::Unfit => "unfit",
            Self::NothingToMove => "nothing_to_move",
            Self::NoneFeasible { .. } => "none_feasible",
            Self::NoGain { .. } => "no_gain",
            Self::OutOfBudget => "out_of_budget",
        }
    }
}

impl fmt::Display for Abstained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Space { dimension, fault } => write!(f, "dimension {dimension} of the space is unusable: {fault}"),
            Self::NothingWithinStep { dimension } => {
                write!(f, "dimension {dimension}: no allowed value is within one step of the present one")
            }
            Self::PresentNotAllowed { dimension } => {
                write!(f, "dimension {dimension}: the present value is not allowed and no other was tried")
            }
            Self::TooFewConfigurations { have, need } => {
                write!(f, "{have} distinct configurations have evidence, {need} are needed")
            }
            Self::PresentUnmeasured => write!(f, "the present configuration has no evidence to compare with"),
            Self::NothingVaried => write!(f, "no setting was ever varied"),
            Self::ConstantObjective => write!(f, "all measured objectives are the same number"),
            Self::ConstraintUnmeasured { constraint, have, need } => {
                write!(f, "constraint {constraint} was measured on {have} distinct configurations, {need} are needed")
            }
            Self::Unfit => write!(f, "the observations are too extreme to fit"),
            Self::NothingToMove => write!(f, "step limits leave only the present values"),
            Self::NoneFeasible { best, need } => write!(
                f,
                "no other values within one step hold all constraints with probability {need:.2}; the best do with {best:.2}"
            ),
            Self::NoGain { best, need } => {
                write!(f, "the best expected improvement is {best:.2e}, at least {need:.2e} is needed")
            }
            Self::OutOfBudget => write!(f, "the step budget ran out"),
        }
    }
}

impl fmt::Display for SpaceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dimensions => "1 to 4 dimensions are needed, and a present value for each",
            Self::NotFinite => "a bound, step limit or present value is not a usable number",
            Self::Empty => "nothing lies between its bounds",
            Self::LogOfNothing => "a logarithmic scale needs a smallest value above 0",
            Self::NegativeStep => "its step limit is negative",
        })
    }
}

impl std::error::Error for Abstained {}
