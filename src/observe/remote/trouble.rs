//! What can be wrong with a store, told from the library's errors. Their own text is used sparingly: it quotes whole answers
//! and addresses, and a query may hold a signature.

use std::error::Error;

use object_store::client::{HttpError, HttpErrorKind};

/// Why an object cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("the store answered {status}{}", coded(code.as_ref()))]
    Refused { status: u16, code: Option<String> },
    #[error("no credentials were found in the environment, and no service of this machine gives any")]
    NoCredentials,
    #[error("the server leads elsewhere, and that is not followed")]
    Redirected,
    #[error("the store says that the bucket is in another region")]
    OtherRegion,
    #[error("it was replaced while it was read")]
    Replaced,
    #[error("the connection ended before the object did, more than once")]
    CutShort,
    #[error("the server does not say how long it is")]
    NoLength,
    #[error("the name of the server is not known")]
    UnknownHost,
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    #[error("the server does not answer")]
    Silent,
    #[error("the server's certificate cannot be trusted: {0}")]
    Certificate(String),
    #[error("the endpoint is not encrypted")]
    Unencrypted,
    #[error("{0}")]
    Other(String),
}

fn coded(code: Option<&String>) -> String {
    code.map_or_else(String::new, |code| format!(" ({code})"))
}

impl Trouble {
    pub(super) fn of(error: &object_store::Error) -> Self {
        let mut chain: Vec<&(dyn Error + 'static)> = vec![error];
        while let Some(cause) = chain[chain.len() - 1].source() {
            chain.push(cause);
        }
        let text: Vec<String> = chain.iter().map(ToString::to_string).collect();
        let says = |words: &str| text.iter().any(|text| text.contains(words));
        let innermost = text.last().map(String::as_str).unwrap_or_default();
        // Credentials are asked of services with addresses of their own, at each cloud another.
        if ["/latest/api/token", "/latest/meta-data/", "computeMetadata", "/metadata/identity/"].into_iter().any(says) {
            return Self::NoCredentials;
        }
        if says("end of file before message length reached") || says("IncompleteMessage") {
            return Self::CutShort;
        }
        for (place, error) in chain.iter().enumerate() {
            match error.downcast_ref::<object_store::Error>() {
                Some(object_store::Error::Precondition { .. }) => return Self::Replaced,
                Some(object_store::Error::NotFound { .. }) => return Self::refused(404, &text[place]),
                Some(object_store::Error::PermissionDenied { .. }) => return Self::refused(403, &text[place]),
                Some(object_store::Error::Unauthenticated { .. }) => return Self::refused(401, &text[place]),
                _ => {}
            }
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Self::Certificate(error.to_string());
            }
        }
        if let Some(status) = text.iter().find_map(|text| status_in(text)) {
            return match status {
                300..400 => Self::Redirected,
                _ => Self::refused(status, &text[0]),
            };
        }
        if says("redirect without LOCATION") {
            return Self::OtherRegion;
        }
        if says("Content-Length Header missing") {
            return Self::NoLength;
        }
        if says("URL scheme is not allowed") {
            return Self::Unencrypted;
        }
        if says("dns error") {
            return Self::UnknownHost;
        }
        if says("certificate") {
            return Self::Certificate(without_queries(innermost));
        }
        match chain.iter().find_map(|error| error.downcast_ref::<HttpError>()).map(HttpError::kind) {
            Some(HttpErrorKind::Timeout) => Self::Silent,
            Some(HttpErrorKind::Connect) => Self::Unreachable(without_queries(innermost)),
            _ => Self::Other(without_queries(innermost)),
        }
    }

    fn refused(status: u16, text: &str) -> Self {
        Self::Refused { status, code: code_in(text) }
    }

    /// What to do about it.
    pub(in crate::observe) fn hint(&self, address: &str) -> String {
        let cloud = address.split("://").next().unwrap_or_default();
        let credentials = match cloud {
            "s3" | "s3a" => {
                "AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), a role of the machine or the pod, or AWS_SKIP_SIGNATURE=true \
                 for a public bucket; profiles and SSO are not read: `eval \"$(aws configure export-credentials --format env)\"`"
            }
            "gs" => {
                "GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, a service account of the machine or the pod, or \
                 GOOGLE_SKIP_SIGNATURE=true for a public bucket"
            }
            "http" | "https" => "a signed query in the address; web servers are sent no other credentials",
            _ => {
                "AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_KEY, a workload or managed identity, or \
                 AZURE_SKIP_SIGNATURE=true for a public container"
            }
        };
        let region = "set AWS_REGION to the region of the bucket; other stores that speak S3 need AWS_ENDPOINT_URL";
        match self {
            Self::Refused { code: Some(code), .. } if code.contains("AuthorizationHeader") || code.contains("Redirect") => {
                region.into()
            }
            Self::Refused { code: Some(code), .. } if code.contains("Expired") => {
                format!("the credentials have expired. What is looked for: {credentials}")
            }
            Self::Refused { status: 401, .. } | Self::NoCredentials => format!("what is looked for: {credentials}"),
            Self::Refused { status: 403, .. } => format!(
                "the credentials must allow reading objects and, for patterns and folders, listing the bucket; a signed query may have expired. \
                 What is looked for: {credentials}"
            ),
            Self::Refused { status: 404, .. } => "check bucket and name; names are case sensitive".into(),
            Self::Refused { status: 400, .. } if cloud.starts_with("s3") => region.into(),
            Self::Refused { status: 429 | 500.., .. } => "it was asked four times; try again in a moment".into(),
            Self::OtherRegion => region.into(),
            Self::Redirected => "give the address it leads to, if you trust it".into(),
            Self::Replaced => "run again once the export has finished, and write objects under names of their own".into(),
            Self::CutShort => "run again; if it happens again, look at the server or at what stands between".into(),
            Self::NoLength => "fetch it with another program and read the file".into(),
            Self::UnknownHost | Self::Unreachable(_) | Self::Silent => {
                "check the name, the network and HTTPS_PROXY; AWS_REGION and AWS_ENDPOINT_URL decide which server is asked for s3://".into()
            }
            Self::Certificate(_) => "name your own authority's certificates in SSL_CERT_FILE".into(),
            Self::Unencrypted => "use https, or say AWS_ALLOW_HTTP=true (AZURE_ALLOW_HTTP=true) if nobody can listen".into(),
            Self::Refused { .. } | Self::Other(_) => format!("check the address and the settings of the store. For credentials, what is looked for: {credentials}"),
        }
    }
}

/// The status that the library's text tells; it has no other place for it.
fn status_in(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

/// The code of an error that a store wrote as XML, when it is a plain word: the rest may quote the request.
fn code_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    (code.len() <= 64 && code.chars().all(|character| character.is_ascii_alphanumeric())).then(|| code.to_owned())
}

/// Text whose addresses have lost what follows a `?`: it may be a signature.
fn without_queries(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let words = first.split(' ').map(|word| match word.find("://") {
        Some(place) => word[place..].find('?').map_or(word, |query| &word[..place + query]),
        None => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_codes_are_repeated() {
        assert_eq!(code_in("403: <Error><Code>AccessDenied</Code></Error>").as_deref(), Some("AccessDenied"));
        assert_eq!(code_in("<Code>AKIA=secret</Code>"), None);
        assert_eq!(code_in("nothing"), None);
    }

    #[test]
    fn queries_are_cut_from_addresses() {
        let text = "GET https://a.example/b.csv?X-Amz-Signature=abc failed: why?\nsecond line";
        assert_eq!(without_queries(text), "GET https://a.example/b.csv failed: why?");
    }
}
