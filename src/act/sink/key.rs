//! The name under which a write is done at most once.

use uuid::Uuid;

use crate::domain::service_id::ServiceId;

/// Of this program's own, so that its keys meet nobody else's.
const NAMESPACE: Uuid = Uuid::from_u128(0x7d0c_64f3_5c1e_4f0a_9a35_2f6d_1b0e_c8a7);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Create,
    Replace,
    Rollback,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Rollback => "rollback",
        }
    }
}

/// The same step of the same decision has the same key in every run, on every machine.
#[must_use]
pub fn idempotency_key(service: &ServiceId, decision_id: &str, step: u32, operation: Operation) -> Uuid {
    // With lengths, or `a` + `bc` would be `ab` + `c`.
    let (service, operation) = (service.as_str(), operation.name());
    let name = format!("{}:{service}:{}:{decision_id}:{step}:{operation}", service.len(), decision_id.len());
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// For the creation that takes the place of a replacement, where the service is gone.
pub(super) fn instead(key: Uuid) -> Uuid {
    Uuid::new_v5(&key, b"create instead")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_for_one_step() {
        let key = |service: &str, decision, step, operation| {
            idempotency_key(&ServiceId::new(service).unwrap(), decision, step, operation)
        };
        let first = key("chat", "d-1", 0, Operation::Replace);
        assert_eq!(first.to_string(), "7f5634fe-eccc-5b30-94a9-f3fdf8e93ec1");
        assert_eq!(first.get_version_num(), 5);
        let others = [
            key("chat2", "d-1", 0, Operation::Replace),
            key("chat", "d-2", 0, Operation::Replace),
            key("chat", "d-1", 1, Operation::Replace),
            key("chat", "d-1", 0, Operation::Create),
            key("chat", "d-1", 0, Operation::Rollback),
            key("chat", "d-1:0", 0, Operation::Replace),
            instead(first),
        ];
        assert!(others.iter().all(|other| *other != first));
    }
}
