//! Plain types every other folder speaks: windows, arms, findings, plans and policies. No input, output, clock or chance.

pub mod alert;
pub mod analysis;
pub mod approval;
pub mod arm;
pub mod configuration;
pub mod duration;
pub mod evaluation;
pub mod event;
pub mod fault;
pub mod finding;
pub mod format;
pub mod grain;
pub mod inspection;
pub mod memory;
pub mod metric;
pub mod plan;
pub mod policy;
pub mod policy_comparison;
pub mod price;
pub mod rollout_rules;
pub mod rollup;
pub mod rule;
pub mod service_id;
pub mod space;
pub mod window;

pub use arm::{Arm, Segment};
pub use configuration::{Configuration, KnownConfigurations, Setting};
pub use finding::{Evidence, Finding, FindingKind, Severity};
pub use grain::Grain;
pub use memory::{Memory, Remembered};
pub use metric::Metric;
pub use plan::Plan;
pub use policy::{ModelTable, Objectives, Policy, Rules};
pub use window::Window;
