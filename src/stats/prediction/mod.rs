//! What a figure will be, with an interval that holds: Student's t on the scale where its errors are even.

mod beta_binomial;
mod evidence;
mod quadrature;
mod scale;
mod student;

pub use beta_binomial::BetaBinomial;
pub use evidence::Evidence;
pub use quadrature::normal_nodes;
pub use scale::{Scale, as_rate};
pub use student::Student;
