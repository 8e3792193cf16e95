//! Where a governance service is asked.

use url::{Host, Url};

use super::GovernanceError;

/// Base address and path. Encrypted, or on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    url: Url,
    local: bool,
}

impl Address {
    pub fn new(base: &str, path: &str) -> Result<Self, GovernanceError> {
        let unreadable = || GovernanceError::Address { text: without_secrets(base) };
        let mut url = Url::parse(base).map_err(|_| unreadable())?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(GovernanceError::SecretInAddress);
        }
        let local = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => return Err(unreadable()),
        };
        match url.scheme() {
            "https" => {}
            "http" if local => {}
            "http" => return Err(GovernanceError::Unencrypted { shown: url.to_string() }),
            _ => return Err(unreadable()),
        }
        if !path.starts_with('/') || path.contains(['?', '#', '\\']) || path.contains(char::is_control) {
            return Err(GovernanceError::Path { path: path.to_owned() });
        }
        let whole = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&whole);
        Ok(Self { url, local })
    }

    pub(super) fn url(&self) -> Url {
        self.url.clone()
    }

    /// Whether the connection stays on this machine.
    pub(super) fn is_local(&self) -> bool {
        self.local
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
        let shown = |base| Address::new(base, "/v1/x").map(|address| address.shown());
        assert_eq!(shown("https://gov.example").unwrap(), "https://gov.example/v1/x");
        assert_eq!(shown("https://gov.example:8443/base/").unwrap(), "https://gov.example:8443/base/v1/x");
        for local in ["http://127.0.0.1:1", "http://localhost", "http://[::1]:9/"] {
            assert!(Address::new(local, "/x").unwrap().is_local(), "{local}");
        }
        for plain in ["http://gov.example", "http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example"] {
            assert!(matches!(shown(plain), Err(GovernanceError::Unencrypted { .. })), "{plain}");
        }
        for secret in ["https://me:you@gov.example", "https://me@gov.example", "https://gov.example?token=x"] {
            assert!(matches!(shown(secret), Err(GovernanceError::SecretInAddress)), "{secret}");
        }
        for wrong in ["gov.example", "ftp://gov.example", "https://", "file:///etc"] {
            assert!(shown(wrong).is_err(), "{wrong}");
        }
        for path in ["x", "/x?y", "/x#y", "/x\n"] {
            assert!(matches!(Address::new("https://g", path), Err(GovernanceError::Path { .. })), "{path:?}");
        }
        let odd = shown("me:secret@gov.example").unwrap_err().to_string();
        assert!(!odd.contains("secret"), "{odd}");
    }
}
