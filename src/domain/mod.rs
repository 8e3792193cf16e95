//! Plain types every other folder speaks: windows, arms, findings, plans and policies. No input, output, clock or chance.

pub mod arm;
pub mod event;
pub mod fault;
pub mod finding;
pub mod format;
pub mod grain;
pub mod inspection;
pub mod parallel;
pub mod plan;
pub mod policy;
pub mod price;
pub mod rollup;
pub mod window;

pub use arm::{Arm, Segment};
pub use finding::{Finding, FindingKind, Severity};
pub use grain::Grain;
pub use plan::Plan;
pub use policy::{ModelTable, Policy, Rules};
pub use window::Window;
