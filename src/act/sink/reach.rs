//! When what is there is what was asked for. One answer for all sinks.

use super::{Deployed, Expected, Rollback, State, Strategy, Write};

/// How a state of a service stands to what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Reached,
    /// The sink has taken it on, and is not there yet.
    Underway,
    Not,
}

impl Write {
    /// Configurations are compared by value. Who wrote it does not matter: what is as wanted needs no second write.
    #[must_use]
    pub fn reach(&self, found: &Deployed) -> Reach {
        let same = found.configuration.same_as(&self.configuration);
        let rest = match (&self.baseline, &found.baseline) {
            (Some(wanted), Some(found)) if self.percentage < 100 => wanted.same_as(found),
            _ => true,
        };
        // A copy of the traffic is not a share of it, though both may be 5 %.
        let mirrors = |strategy| strategy == Strategy::Shadow;
        if found.strategy.is_some_and(|strategy| mirrors(strategy) != mirrors(self.strategy)) && self.percentage < 100 {
            return Reach::Not;
        }
        match found.state {
            State::Pending if same && rest => Reach::Underway,
            State::Pending | State::Failed => Reach::Not,
            // Of a configuration that was taken back, only what all traffic has says where it is.
            State::RolledBack if found.percentage < 100 => Reach::Not,
            _ if same && rest && self.is_share(found.percentage) => Reach::Reached,
            State::InProgress if same && rest && self.is_ours(found) && found.percentage < self.percentage => {
                Reach::Underway
            }
            _ => Reach::Not,
        }
    }

    /// Written by this very step: it took the place of what was expected, in the name of our decision.
    fn is_ours(&self, found: &Deployed) -> bool {
        let Expected::Version(expected) = &self.expected else { return false };
        found.previous_version.as_ref() == Some(expected) && found.decision_id.as_ref() == Some(&self.decision_id)
    }

    /// A sink that walks by itself may be further along.
    fn is_share(&self, percentage: u8) -> bool {
        percentage == self.percentage || (percentage > self.percentage && self.progression.contains(&percentage))
    }
}

impl Rollback {
    #[must_use]
    pub fn reach(&self, found: &Deployed) -> Reach {
        let back = found.for_all().is_some_and(|all| all.same_as(&self.configuration));
        match found.state {
            State::Pending if back => Reach::Underway,
            State::Pending | State::Failed => Reach::Not,
            _ if back => Reach::Reached,
            _ => Reach::Not,
        }
    }
}
