//! What an address of a store means: which store, and which of its objects.

use std::{fmt, net::IpAddr, ops::Deref};

use glob::{MatchOptions, Pattern};
use object_store::path::Path as Key;
use url::{Host, Url};

use super::{super::integrity, RemoteError};
use crate::observe::ObserveError;

/// Slashes separate names here as they do in a file system.
const MATCHING: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// An address whose query may be a signature. Only what stands before it is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Signed(Url);

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", bare(&self.0))
    }
}

impl Deref for Signed {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.0
    }
}

fn bare(url: &Url) -> Url {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    bare
}

/// Which store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Store {
    S3 {
        bucket: String,
    },
    Google {
        bucket: String,
    },
    /// As the library takes it: `az://container/` or `abfss://container@account.dfs.core.windows.net/`.
    Azure {
        url: String,
    },
    Web {
        url: Signed,
    },
}

/// Which objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The object of this name or else the data files right below it; with `folder` only these.
    Named { key: Key, folder: bool },
    /// Everything below `prefix` that matches; without `deep` nothing below further slashes.
    Matching { pattern: Pattern, prefix: Key, deep: bool },
    /// Whatever a web server has there; the identity keeps the query, which messages leave out.
    Url { identity: Signed },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub store: Store,
    pub wanted: Wanted,
    /// How messages call it: without what may be a signature.
    pub shown: String,
    /// What stands before the keys in names of objects.
    root: String,
}

/// The scheme of an address in lower case; none for what is a path.
pub(super) fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once("://")?;
    let proper = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.'));
    proper.then(|| scheme.to_ascii_lowercase())
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, ObserveError> {
        let scheme = scheme(text).expect("only addresses come here");
        let rest = &text[scheme.len() + 3..];
        if matches!(scheme.as_str(), "http" | "https") {
            return web(text);
        }
        if !matches!(scheme.as_str(), "s3" | "s3a" | "gs" | "az" | "adl" | "azure" | "abfs" | "abfss") {
            return Err(RemoteError::UnknownScheme { scheme }.into());
        }
        // Keys are taken as they stand: `?` is part of a pattern here, and `#` and `%` are part of names.
        let (authority, key) = rest.split_once('/').unwrap_or((rest, ""));
        let shown = |authority: &str| format!("{scheme}://{authority}/{key}");
        let bad = |what: &str| RemoteError::BadAddress { address: shown(authority), what: what.to_owned() };
        let azure = matches!(scheme.as_str(), "az" | "adl" | "azure" | "abfs" | "abfss");
        if authority.contains(':') || authority.contains('@') && !azure {
            let authority = authority.rsplit('@').next().unwrap_or_default();
            return Err(RemoteError::SecretInAddress { address: shown(authority) }.into());
        }
        if authority.is_empty() {
            return Err(bad("it names no bucket").into());
        }
        if authority.contains(['*', '?', '[']) {
            return Err(bad("a pattern cannot stand for buckets").into());
        }
        let store = match scheme.as_str() {
            "s3" | "s3a" => Store::S3 { bucket: authority.to_owned() },
            "gs" => Store::Google { bucket: authority.to_owned() },
            _ => Store::Azure { url: format!("{scheme}://{authority}/") },
        };
        let parsed = |key: &str| Key::parse(key).map_err(|error| bad(&error.to_string()));
        let wanted = if let Some(first) = key.find(['*', '?', '[']) {
            let pattern =
                Pattern::new(key).map_err(|cause| ObserveError::BadPattern { pattern: shown(authority), cause })?;
            let literal = key[..first].rfind('/').map_or(0, |slash| slash + 1);
            Wanted::Matching { pattern, prefix: parsed(&key[..literal])?, deep: key[literal..].contains('/') }
        } else {
            Wanted::Named { key: parsed(key)?, folder: key.is_empty() || key.ends_with('/') }
        };
        let root = format!("{scheme}://{authority}/");
        Ok(Self { store, wanted, shown: shown(authority), root })
    }

    pub(super) fn name_of(&self, key: &str) -> String {
        format!("{}{key}", self.root)
    }

    pub(super) fn matches(&self, key: &str) -> bool {
        matches!(&self.wanted, Wanted::Matching { pattern, .. } if pattern.matches_with(key, MATCHING))
    }
}

fn web(text: &str) -> Result<Address, ObserveError> {
    let cut = text.split(['?', '#']).next().unwrap_or_default();
    // What stands before an `@` is not repeated even when nothing else can be read.
    let readable = cut.rsplit_once('@').map_or(cut.to_owned(), |(_, rest)| rest.to_owned());
    let url = Url::parse(text)
        .map_err(|error| RemoteError::BadAddress { address: readable.clone(), what: error.to_string() })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(RemoteError::SecretInAddress { address: readable }.into());
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !loopback {
        return Err(RemoteError::Unencrypted { address: readable }.into());
    }
    let shown = bare(&url).to_string();
    if url.path().contains('*') {
        let what = "a web server cannot be asked what it has, so patterns need s3://, gs:// or az://".to_owned();
        return Err(RemoteError::BadAddress { address: shown, what }.into());
    }
    let wanted = Wanted::Url { identity: Signed(url.clone()) };
    Ok(Address { store: Store::Web { url: Signed(url) }, wanted, root: shown.clone(), shown })
}

/// The ending that tells the same format and packing as this name.
pub(super) fn ending(name: &str) -> Option<&'static str> {
    let known = integrity::kind_by_name(name.as_ref())?;
    let mut endings = [".parquet", ".csv", ".csv.gz", ".csv.zst", ".ndjson", ".ndjson.gz", ".ndjson.zst"].into_iter();
    endings.find(|ending| integrity::kind_by_name(format!("x{ending}").as_ref()) == Some(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn addresses_and_paths_are_told_apart() {
        for path in ["a.csv", "-", "C:\\a.csv", "dir/a:b.csv", "://a", "1a://b"] {
            assert_eq!(scheme(path), None, "{path}");
        }
        assert_eq!(scheme("S3://bucket/a.csv").as_deref(), Some("s3"));
    }

    #[test]
    fn what_is_listed_is_as_little_as_the_pattern_allows() {
        let wanted = |text: &str| match parse(text).wanted {
            Wanted::Matching { prefix, deep, .. } => (prefix.to_string(), deep),
            other => panic!("{other:?}"),
        };
        assert_eq!(wanted("s3://b/logs/2026/*.parquet"), ("logs/2026".to_owned(), false));
        assert_eq!(wanted("s3://b/logs/2026-0[1-3]/a.csv"), ("logs".to_owned(), true));
        assert_eq!(wanted("gs://b/**/*.csv"), (String::new(), true));
        let address = parse("s3://b/logs/**/a?.csv");
        for (key, matches) in
            [("logs/a1.csv", true), ("logs/x/y/a2.csv", true), ("logs/a.csv", false), ("other/a1.csv", false)]
        {
            assert_eq!(address.matches(key), matches, "{key}");
        }
        assert!(!parse("s3://b/logs/*.csv").matches("logs/x/a.csv"));
    }

    #[test]
    fn names_are_taken_as_they_stand() {
        let named = parse("s3://bucket/a%20b#c/day.csv");
        assert_eq!(named.shown, "s3://bucket/a%20b#c/day.csv");
        assert!(matches!(named.wanted, Wanted::Named { key, folder: false } if key.as_ref() == "a%20b#c/day.csv"));
        assert!(matches!(parse("s3://bucket/logs/").wanted, Wanted::Named { folder: true, .. }));
        assert!(matches!(parse("s3://bucket").wanted, Wanted::Named { folder: true, .. }));
        let azure = parse("abfss://logs@account.dfs.core.windows.net/day.csv");
        assert_eq!(azure.store, Store::Azure { url: "abfss://logs@account.dfs.core.windows.net/".to_owned() });
    }

    #[test]
    fn secrets_in_addresses_are_refused_and_never_repeated() {
        for text in
            ["s3://key:secret@bucket/a.csv", "https://user:secret@host/a.csv", "https://secret@host/a.csv?x=secret"]
        {
            let error = Address::parse(text).unwrap_err();
            assert!(matches!(error, ObserveError::Remote(RemoteError::SecretInAddress { .. })), "{error:?}");
            assert!(!format!("{error:?} {error}").contains("secret@"), "{error:?}");
        }
        let signed = parse("https://host/a.csv?X-Amz-Signature=secret#part");
        assert_eq!(signed.shown, "https://host/a.csv");
        let debug = format!("{signed:?}");
        assert!(debug.contains("https://host/a.csv…") && !debug.contains("secret"), "{debug}");
    }

    #[test]
    fn only_this_machine_is_read_without_encryption() {
        for text in ["http://127.0.0.1:9/a.csv", "http://localhost/a.csv", "http://[::1]/a.csv"] {
            assert!(Address::parse(text).is_ok(), "{text}");
        }
        for text in ["http://10.0.0.1/a.csv", "http://example.org/a.csv", "http://localhost.example.org/a.csv"] {
            assert!(
                matches!(Address::parse(text), Err(ObserveError::Remote(RemoteError::Unencrypted { .. }))),
                "{text}"
            );
        }
    }

    #[test]
    fn endings_keep_format_and_packing() {
        for (name, want) in [
            ("s3://b/A.PARQUET", Some(".parquet")),
            ("s3://b/x.tsv.gz", Some(".csv.gz")),
            ("s3://b/x.jsonl.zst", Some(".ndjson.zst")),
            ("s3://b/x.txt", None),
        ] {
            assert_eq!(ending(name), want, "{name}");
        }
    }
}
