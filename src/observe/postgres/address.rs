//! The address of a database as it was typed: what it may say, and what it must not.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgSslMode},
};

use crate::observe::ObserveError;

/// Longest time a statement may take unless the address says otherwise.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(2);

/// `postgres://user@host:port/database?table=schema.table&statement_timeout=120s`, and what libpq knows besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The address without our own parameters.
    url: String,
    /// How messages call it: never more than host and database.
    pub shown: String,
    /// `table` or `schema.table`.
    pub table: Option<String>,
    statement_timeout: Duration,
    /// On this machine, where nobody listens in between.
    local: bool,
    /// The address says how to encrypt, or not to.
    states_tls: bool,
}

/// Whether a `--from` is the address of a database.
#[must_use]
pub(in crate::observe) fn is_address(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

impl Database {
    /// Reads an address. A password in it is refused: everybody on the machine can read the command line.
    pub fn parse(text: &str) -> Result<Self, ObserveError> {
        let wrong = |what: &str| ObserveError::Address { what: what.to_owned() };
        let mut url = url::Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if url.password().is_some() || url.query_pairs().any(|(key, _)| key == "password") {
            return Err(ObserveError::PasswordInAddress);
        }
        let (mut table, mut statement_timeout, mut states_tls) = (None, STATEMENT_TIMEOUT, false);
        let mut host = url.host_str().unwrap_or_default().to_owned();
        let mut rest = Vec::new();
        for (key, value) in url.query_pairs() {
            match &*key {
                "table" => table = Some(value.into_owned()),
                "statement_timeout" => {
                    let seconds =
                        value.trim_end_matches('s').parse().ok().filter(|seconds| (1..=86_400).contains(seconds));
                    let seconds = seconds.ok_or_else(|| wrong("`statement_timeout` wants seconds from 1 to 86400"))?;
                    statement_timeout = Duration::from_secs(seconds);
                }
                "sslmode" | "ssl-mode" => {
                    states_tls = true;
                    rest.push((key.into_owned(), value.into_owned()));
                }
                "host" | "hostaddr" => {
                    host = value.clone().into_owned();
                    rest.push((key.into_owned(), value.into_owned()));
                }
                _ => rest.push((key.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !rest.is_empty() {
            url.query_pairs_mut().extend_pairs(rest);
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let local = host.is_empty()
            && ["PGHOST", "PGHOSTADDR"].into_iter().all(|name| std::env::var_os(name).is_none())
            || bare == "localhost"
            || host.starts_with('/')
            || host.starts_with("%2F")
            || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let name = url.path().trim_start_matches('/');
        let shown = format!("postgres://{}/{name}", if bare.is_empty() { "localhost" } else { bare });
        Ok(Self { url: url.into(), shown, table, statement_timeout, local, states_tls })
    }

    pub(super) fn is_local(&self) -> bool {
        self.local
    }

    pub(super) fn statement_timeout(&self) -> Duration {
        self.statement_timeout
    }

    /// What the client needs to connect. Outside this machine the server must prove who it is, unless the address (or the
    /// environment) says otherwise.
    pub(super) fn options(&self) -> Result<PgConnectOptions, ObserveError> {
        let options =
            PgConnectOptions::from_str(&self.url).map_err(|cause| self.failed("reading its address", cause))?;
        // A slow statement is no news here, and its text, pages of it, no message.
        let options = options.application_name("llm-auto-optimizer").disable_statement_logging();
        if self.states_tls || std::env::var_os("PGSSLMODE").is_some() {
            return Ok(options);
        }
        Ok(options.ssl_mode(if self.local { PgSslMode::Prefer } else { PgSslMode::VerifyFull }))
    }

    /// A failure of this database.
    pub(super) fn failed(&self, doing: &'static str, cause: sqlx::Error) -> ObserveError {
        ObserveError::Database { database: self.shown.clone(), doing, cause: Box::new(cause) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_secrets() {
        let database =
            Database::parse("postgres://me@db.example:5433/metrics?table=llm.requests&statement_timeout=30s").unwrap();
        assert_eq!(database.shown, "postgres://db.example/metrics");
        assert_eq!(database.table.as_deref(), Some("llm.requests"));
        assert_eq!(database.statement_timeout, Duration::from_secs(30));
        assert_eq!(database.url, "postgres://me@db.example:5433/metrics");
        assert!(!database.local);
    }

    #[test]
    fn the_server_must_prove_itself_outside_this_machine() {
        let mode = |url: &str| Database::parse(url).unwrap().options().unwrap().get_ssl_mode();
        assert!(matches!(mode("postgres://me@db.example/x"), PgSslMode::VerifyFull));
        assert!(matches!(mode("postgres://me@127.0.0.1/x"), PgSslMode::Prefer));
        assert!(matches!(mode("postgres://me@[::1]/x"), PgSslMode::Prefer));
        assert!(matches!(mode("postgres:///x?host=/run/postgresql"), PgSslMode::Prefer));
        assert!(matches!(mode("postgres://me@db.example/x?sslmode=require"), PgSslMode::Require));
        // What merely looks like this machine is not.
        assert!(matches!(mode("postgres://me@localhost.example/x"), PgSslMode::VerifyFull));
    }

    #[test]
    fn passwords_and_nonsense_are_refused() {
        for wrong in ["postgres://me:secret@db/x", "postgres://me@db/x?password=secret"] {
            let error = Database::parse(wrong).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(Database::parse("postgres://db/x?statement_timeout=never").is_err());
        assert!(Database::parse("postgres://[").is_err());
    }
}
