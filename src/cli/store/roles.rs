//! What rows of roles have to be.

use crate::{
    domain::rights::{self, Role},
    state::RoleRow,
};

const AGAIN: &str = "grant it again with `optimizer rights grant`";

/// Whose row is wrong, why, and what to do.
pub(super) fn problems(roles: &[RoleRow]) -> Vec<(String, String, &'static str)> {
    let mut found = Vec::new();
    for row in roles {
        if row.role.parse::<Role>().is_err() {
            found.push((row.identity.clone(), format!("`{}` is no role, and allows nothing", row.role), AGAIN));
        }
        if let Err(form) = rights::identity(&row.identity) {
            found.push((row.identity.clone(), format!("nobody can be that; {form}"), AGAIN));
        }
    }
    if !roles.is_empty() && roles.iter().all(|row| row.role != Role::Admin.name()) {
        let by_hand = "docs/rights.md says how to make somebody one by hand";
        found.push((String::new(), "nobody is admin".to_owned(), by_hand));
    }
    found
}
