//! The policies and the price table that ship inside the binary, so that `extends: balanced` works anywhere.

/// Names that `extends` knows without a file, the most careful first.
pub const PROFILES: [&str; 3] = ["conservative", "balanced", "aggressive"];

/// What messages call them, in the same order; each begins with what [`super::layers`] recognises.
pub(super) const LABELS: [&str; 3] = ["built-in conservative", "built-in balanced", "built-in aggressive"];

/// The price table that ships with the optimizer, `policies/models.yaml`.
pub const MODELS: &str = include_str!("../../../policies/models.yaml");

/// The text of a built-in profile, the same bytes as in `policies/`.
#[must_use]
pub fn profile(name: &str) -> Option<&'static str> {
    Some(match name {
        "conservative" => include_str!("../../../policies/conservative.yaml"),
        "balanced" => include_str!("../../../policies/balanced.yaml"),
        "aggressive" => include_str!("../../../policies/aggressive.yaml"),
        _ => return None,
    })
}
