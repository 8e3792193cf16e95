//! Who may do what: roles, what they allow, and what a proof of identity is worth.

use std::{collections::BTreeMap, fmt, str::FromStr};

/// What somebody is there for. Each may do all that the ones before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Runs, applies, rolls back, pauses and stops.
    Operator,
    /// Grants roles, ends what others stopped, and moves whole stores.
    Admin,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| "a role is viewer, operator or admin".to_owned())
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Runs, and plans that are kept.
    TriggerOptimization,
    /// Apply, pauses, the end of one's own stop and of pauses, baselines.
    ModifyConfig,
    Rollback,
    Stop,
    /// Roles, the end of what others stopped, imports, deletions.
    Administer,
}

impl Permission {
    /// The least role that has it.
    #[must_use]
    pub fn needs(self) -> Role {
        match self {
            Self::TriggerOptimization | Self::ModifyConfig | Self::Rollback | Self::Stop => Role::Operator,
            Self::Administer => Role::Admin,
        }
    }

    /// Whether it is held back where too much was done in a minute. A schedule has its own pace, and an emergency does not wait.
    #[must_use]
    pub fn is_limited(self) -> bool {
        !matches!(self, Self::Stop | Self::Rollback | Self::TriggerOptimization)
    }
}

/// How somebody proved who they are, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// They say so.
    Asserted,
    /// A token whose signature holds against keys that were given.
    Signed,
    /// The database let them in under this name.
    Database,
}

impl Proof {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Asserted => "asserted",
            Self::Signed => "by a signed token",
            Self::Database => "proven by the database",
        }
    }
}

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// As roles are bound to it.
    pub name: String,
    pub proof: Proof,
}

/// As the audit log has it.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.proof.name())
    }
}

/// Characters of an identity.
const LONGEST: usize = 256;

/// Checks the form of an identity that gets a role.
pub fn identity(text: &str) -> Result<String, String> {
    let plain = text.chars().all(|character| !character.is_control() && !character.is_whitespace());
    let whole = |rest: &str| !rest.is_empty();
    let known = match text.split_once(':') {
        Some(("env" | "database", name)) => whole(name),
        Some(("kubernetes", subject)) => {
            let parts: Vec<&str> = subject.split(':').collect();
            matches!(parts.as_slice(), ["system", "serviceaccount", namespace, name] if whole(namespace) && whole(name))
        }
        _ => false,
    };
    if plain && known && text.len() <= LONGEST {
        return Ok(text.to_owned());
    }
    Err("write `env:NAME`, `kubernetes:system:serviceaccount:NAMESPACE:NAME` or `database:ROLE`".to_owned())
}

/// Who may do it, of all that somebody is: the best proven identity that has the role.
pub fn allowed<'a>(
    roles: &BTreeMap<String, Role>,
    identities: &'a [Identity],
    permission: Permission,
) -> Result<&'a Identity, Refused> {
    let of = |identity: &Identity| roles.get(&identity.name).copied().unwrap_or(Role::Viewer);
    let may = identities.iter().filter(|identity| of(identity) >= permission.needs());
    if let Some(identity) = may.max_by_key(|identity| identity.proof) {
        return Ok(identity);
    }
    let best = identities.iter().max_by_key(|identity| (of(identity), identity.proof));
    Err(Refused {
        identity: best.map_or_else(|| "nobody".to_owned(), |identity| identity.name.clone()),
        has: best.map_or(Role::Viewer, of),
        needs: permission.needs(),
        admins: roles.iter().filter(|(_, role)| **role == Role::Admin).map(|(name, _)| name.clone()).collect(),
    })
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub identity: String,
    pub has: Role,
    pub needs: Role,
    /// Who can grant it.
    pub admins: Vec<String>,
}

/// Changes of one identity in a minute, and of all.
pub const MOST_A_MINUTE: usize = 10;
pub const MOST_A_MINUTE_OF_ALL: usize = 30;

/// Milliseconds until another change is allowed; none where it is now. Both lists hold how long ago, in milliseconds, changes were
/// made: those of one identity, and all.
#[must_use]
pub fn wait(own: &[i64], all: &[i64]) -> Option<i64> {
    const MINUTE: i64 = 60_000;
    let until = |ages: &[i64], most: usize| {
        let mut recent: Vec<i64> = ages.iter().copied().filter(|age| age.abs() < MINUTE).collect();
        recent.sort_unstable();
        // Once the one that is `most` back is a minute old.
        recent.get(most - 1).map(|age| MINUTE - age)
    };
    until(own, MOST_A_MINUTE).max(until(all, MOST_A_MINUTE_OF_ALL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(name: &str, proof: Proof) -> Identity {
        Identity { name: name.to_owned(), proof }
    }

    #[test]
    fn the_best_proof_that_has_the_role_counts() {
        let roles: BTreeMap<String, Role> =
            [("env:alice".to_owned(), Role::Admin), ("database:ops".to_owned(), Role::Operator)].into();
        let both = [who("env:alice", Proof::Asserted), who("database:ops", Proof::Database)];
        let name = |permission| allowed(&roles, &both, permission).map(|identity| identity.name.as_str());
        assert_eq!(name(Permission::Rollback), Ok("database:ops"));
        assert_eq!(name(Permission::Administer), Ok("env:alice"));
        let nobody = [who("env:eve", Proof::Asserted)];
        let refused = allowed(&roles, &nobody, Permission::Stop).unwrap_err();
        assert_eq!(
            (refused.has, refused.needs, refused.admins),
            (Role::Viewer, Role::Operator, vec!["env:alice".to_owned()])
        );
        assert!(allowed(&roles, &[], Permission::TriggerOptimization).is_err());
    }

    #[test]
    fn identities_have_a_form() {
        for good in ["env:alice", "database:ops", "kubernetes:system:serviceaccount:llm:optimizer"] {
            assert!(identity(good).is_ok(), "{good}");
        }
        for bad in
            ["", "alice", "env:", "env:a b", "env:a\n", "kubernetes:llm:x", "kubernetes:system:serviceaccount:llm:"]
        {
            assert!(identity(bad).is_err(), "{bad}");
        }
        assert!(identity(&format!("env:{}", "a".repeat(300))).is_err());
    }

    #[test]
    fn a_minute_has_room_for_ten() {
        let ages: Vec<i64> = (0..10).map(|change| 1_000 * change).collect();
        assert_eq!(wait(&ages[1..], &ages), None);
        assert_eq!(wait(&ages, &ages), Some(51_000));
        assert_eq!(wait(&ages.iter().map(|age| age + 51_001).collect::<Vec<_>>(), &[]), None);
        assert_eq!(wait(&[], &(0..30).collect::<Vec<_>>()), Some(59_971));
    }
}
