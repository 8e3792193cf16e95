//! Where an Orchestrator keeps what.

use url::Url;

use crate::{
    domain::service_id::ServiceId,
    http::{Endpoint, HttpError, Peer},
};

/// Base address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base(Endpoint);

impl Base {
    /// `allow_plain` lets the token and the configurations cross a network unencrypted.
    pub fn new(base: &str, allow_plain: bool) -> Result<Self, HttpError> {
        Endpoint::new(Peer::Orchestrator, base, allow_plain).map(Self)
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.0
    }

    pub(super) fn configurations(&self) -> Url {
        self.0.with(&["api", "v1", "configurations"])
    }

    pub(super) fn service(&self, service: &ServiceId) -> Url {
        self.0.with(&["api", "v1", "configurations", service.as_str()])
    }

    pub(super) fn rollback(&self, service: &ServiceId) -> Url {
        self.0.with(&["api", "v1", "configurations", service.as_str(), "rollback"])
    }

    /// How messages call it.
    #[must_use]
    pub fn shown(&self) -> String {
        self.0.shown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let service = ServiceId::new("chat.eu").unwrap();
        let at = |base| Base::new(base, false).map(|base| base.rollback(&service).to_string());
        assert_eq!(at("https://o.example").unwrap(), "https://o.example/api/v1/configurations/chat.eu/rollback");
        assert_eq!(at("https://o.example/x/").unwrap(), "https://o.example/x/api/v1/configurations/chat.eu/rollback");
    }
}
