//! Where a governance service is asked.

use url::Url;

use super::GovernanceError;
use crate::http::{Endpoint, Peer};

/// Base address and path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    endpoint: Endpoint,
    url: Url,
}

impl Address {
    pub fn new(base: &str, path: &str) -> Result<Self, GovernanceError> {
        let endpoint = Endpoint::new(Peer::Governance, base, false)?;
        if !path.starts_with('/') || path.contains(['?', '#', '\\']) || path.contains(char::is_control) {
            return Err(GovernanceError::Path { path: path.to_owned() });
        }
        let mut url = endpoint.url().clone();
        url.set_path(&format!("{}{path}", endpoint.url().path().trim_end_matches('/')));
        Ok(Self { endpoint, url })
    }

    pub(super) fn url(&self) -> Url {
        self.url.clone()
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How messages call it.
    #[must_use]
    pub fn shown(&self) -> String {
        self.url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpError;

    #[test]
    fn addresses() {
        let shown = |base| Address::new(base, "/v1/x").map(|address| address.shown());
        assert_eq!(shown("https://gov.example").unwrap(), "https://gov.example/v1/x");
        assert_eq!(shown("https://gov.example:8443/base/").unwrap(), "https://gov.example:8443/base/v1/x");
        assert!(Address::new("http://127.0.0.1:1", "/x").unwrap().endpoint().is_local());
        let plain = shown("http://gov.example");
        assert!(matches!(plain, Err(GovernanceError::Http(HttpError::Unencrypted { .. }))), "{plain:?}");
        for path in ["x", "/x?y", "/x#y", "/x\n"] {
            assert!(matches!(Address::new("https://g", path), Err(GovernanceError::Path { .. })), "{path:?}");
        }
    }
}
