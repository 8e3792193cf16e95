//! Where an Orchestrator is.

use url::{Host, Url};

use super::OrchestratorError;
use crate::domain::service_id::ServiceId;

/// Base address. Encrypted, on this machine, or allowed in the clear by somebody who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    url: Url,
    local: bool,
}

impl Base {
    /// `allow_plain` lets the token and the configurations cross a network unencrypted.
    pub fn new(base: &str, allow_plain: bool) -> Result<Self, OrchestratorError> {
        let unreadable = || OrchestratorError::Address { text: without_secrets(base) };
        let url = Url::parse(base).map_err(|_| unreadable())?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(OrchestratorError::SecretInAddress);
        }
        let local = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => return Err(unreadable()),
        };
        match url.scheme() {
            "https" => {}
            "http" if local || allow_plain => {}
            "http" => return Err(OrchestratorError::Unencrypted { shown: url.to_string() }),
            _ => return Err(unreadable()),
        }
        Ok(Self { url, local })
    }

    /// Whether the connection stays on this machine.
    pub(super) fn is_local(&self) -> bool {
        self.local
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(super) fn configurations(&self) -> Url {
        self.with(&["api", "v1", "configurations"])
    }

    pub(super) fn service(&self, service: &ServiceId) -> Url {
        self.with(&["api", "v1", "configurations", service.as_str()])
    }

    pub(super) fn rollback(&self, service: &ServiceId) -> Url {
        self.with(&["api", "v1", "configurations", service.as_str(), "rollback"])
    }

    /// Each segment is encoded where it has to be.
    fn with(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        url.path_segments_mut().expect("an address with a host has a path").pop_if_empty().extend(segments);
        url
    }

    /// How messages call it.
    #[must_use]
    pub fn shown(&self) -> String {
        self.url.to_string()
    }
}

/// What nobody can read as an address may still hold a password.
fn without_secrets(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, rest)| format!("…@{rest}"))
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
        for local in ["http://127.0.0.1:1", "http://localhost", "http://[::1]:9/"] {
            assert!(Base::new(local, false).unwrap().is_local(), "{local}");
        }
        for plain in ["http://o.example", "http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example"] {
            assert!(matches!(at(plain), Err(OrchestratorError::Unencrypted { .. })), "{plain}");
            assert!(!Base::new(plain, true).unwrap().is_local(), "{plain}");
        }
        for secret in ["https://me:you@o.example", "https://me@o.example", "https://o.example?token=x"] {
            assert!(matches!(at(secret), Err(OrchestratorError::SecretInAddress)), "{secret}");
        }
        for wrong in ["o.example", "ftp://o.example", "https://", "file:///etc", "me:secret@o.example"] {
            let error = Base::new(wrong, true).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
