//! What a model would do in a service where it has never, or hardly, served: from the services where both it and the present
//! model did.

mod borrow;
mod outcome;
mod pooling;
mod spread;

pub use borrow::{Elsewhere, Own, Unknown, effect, from_own, predict};
pub use outcome::{Basis, Prediction};
pub use pooling::{Pooled, paule_mandel};
pub use spread::Spread;
