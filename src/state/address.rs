//! The address of a store as it was typed.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::StateError;

/// `sqlite:FILE`, or `postgres://user@host/database`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Sqlite { file: PathBuf, shown: String },
    Postgres { url: String, shown: String },
}

impl FromStr for Address {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        if let Some(file) = text.strip_prefix("sqlite:") {
            let file = file.strip_prefix("//").unwrap_or(file);
            if file.is_empty() || file.contains('?') {
                return Err(StateError::Address { text: text.to_owned() });
            }
            return Ok(Self(Place::Sqlite { file: PathBuf::from(file), shown: text.to_owned() }));
        }
        let unreadable = || StateError::Address { text: text.to_owned() };
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(unreadable());
        }
        let mut url = url::Url::parse(text).map_err(|_| unreadable())?;
        if url.password().is_some() || url.query_pairs().any(|(key, _)| key == "password") {
            return Err(StateError::PasswordInAddress);
        }
        let host = url.query_pairs().find(|(key, _)| key == "host").map(|(_, value)| value.into_owned());
        let host = host.unwrap_or_else(|| url.host_str().unwrap_or_default().to_owned());
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let local = bare == "localhost"
            || host.starts_with('/')
            || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let states_tls = url.query_pairs().any(|(key, _)| key == "sslmode" || key == "ssl-mode");
        if !local && !states_tls {
            url.query_pairs_mut().append_pair("sslmode", "verify-full");
        }
        let shown = format!("postgres://{bare}{}", url.path());
        Ok(Self(Place::Postgres { url: url.into(), shown }))
    }
}

impl Address {
    /// How messages call it.
    #[must_use]
    pub fn shown(&self) -> &str {
        match &self.0 {
            Place::Sqlite { shown, .. } | Place::Postgres { shown, .. } => shown,
        }
    }

    /// A file that is not there. Nobody knows so much of a database before asking it.
    pub(super) fn is_missing(&self) -> bool {
        matches!(&self.0, Place::Sqlite { file, .. } if !file.exists())
    }

    /// The file, where it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Place::Sqlite { file, .. } => Some(file),
            Place::Postgres { .. } => None,
        }
    }

    /// Makes the file, where there is none, so that nobody but its owner reads it: it holds prompts and what people said.
    pub(super) fn make_private(&self) -> std::io::Result<()> {
        let Some(file) = self.file() else { return Ok(()) };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(file) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            opened => opened.map(drop),
        }
    }

    pub(super) fn url(&self, create: bool) -> String {
        match &self.0 {
            Place::Sqlite { file, .. } => {
                // A name may hold what an address would take for its own: `#`, `%`.
                let escaped: String = url::form_urlencoded::byte_serialize(file.to_string_lossy().as_bytes()).collect();
                let escaped = escaped.replace("%2F", "/").replace('+', "%20");
                format!("sqlite:{escaped}?mode={}", if create { "rwc" } else { "rw" })
            }
            Place::Postgres { url, .. } => url.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let url = |text: &str| text.parse::<Address>().unwrap().url(true);
        assert_eq!(url("sqlite:optimizer.db"), "sqlite:optimizer.db?mode=rwc");
        assert_eq!(url("sqlite:///var/lib/a #1.db"), "sqlite:/var/lib/a%20%231.db?mode=rwc");
        assert_eq!(url("postgres://me@localhost/llm"), "postgres://me@localhost/llm");
        assert_eq!(url("postgres://me@db.example/llm"), "postgres://me@db.example/llm?sslmode=verify-full");
        assert_eq!(url("postgres://me@db.example/llm?sslmode=disable"), "postgres://me@db.example/llm?sslmode=disable");
        for wrong in ["optimizer.db", "sqlite:", "mysql://x/y", "postgres://me:secret@db/llm"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
        assert!(matches!("postgres://me:secret@db/llm".parse::<Address>(), Err(StateError::PasswordInAddress)));
    }
}
