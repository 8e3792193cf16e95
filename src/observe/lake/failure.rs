//! What can go wrong between this machine and an engine, each with its way out.

use std::time::Duration;

use spark_connect_core::{SparkError, SparkErrorKind};

use crate::domain::fault::{Exit, Fixable};

/// Of what an engine says, no more than this many characters are shown.
const SHOWN: usize = 300;

/// The codes of gRPC that mean something here.
mod code {
    pub const INVALID_ARGUMENT: i32 = 3;
    pub const DEADLINE_EXCEEDED: i32 = 4;
    pub const PERMISSION_DENIED: i32 = 7;
    pub const UNIMPLEMENTED: i32 = 12;
    pub const UNAVAILABLE: i32 = 14;
    pub const UNAUTHENTICATED: i32 = 16;
}

/// An engine that could not be asked, or did not answer.
#[derive(Debug, thiserror::Error)]
#[error("`{engine}` failed while {doing}")]
pub struct LakeError {
    /// Host and port, as `sc://host:port`.
    pub engine: String,
    pub doing: &'static str,
    #[source]
    pub trouble: LakeTrouble,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LakeTrouble {
    #[error("nothing answers there: {0}")]
    NobodyListens(String),
    #[error("what answers there does not speak Spark Connect: {0}")]
    OtherProtocol(String),
    #[error("it hung up before it said anything: {0}")]
    HungUp(String),
    #[error("no encrypted connection could be made: {0}")]
    Tls(String),
    #[error("a token would be sent without encryption")]
    TokenInClear,
    #[error("it does not accept who asks: {0}")]
    TokenRefused(String),
    #[error("it is {0}; Spark 4 and Sail 0.7 are known to give the same answers as this program")]
    OtherVersion(String),
    #[error("its session counts time in {0} and not in UTC")]
    TimeZone(String),
    #[error("it refused the statement: {0}")]
    Refused(String),
    #[error("it could not carry out the statement: {0}")]
    Failed(String),
    #[error("there was no whole answer within {} s", .0.as_secs_f64())]
    Overdue(Duration),
    #[error("it cannot answer now: {0}")]
    Busy(String),
    #[error("the connection ended before the answer did: {0}")]
    Lost(String),
    #[error("it does not know the session any more, as after a restart")]
    Forgotten,
    #[error("the answer is not whole: {0}")]
    CutShort(String),
    #[error("the answer has more than {} MB", .0 / 1_000_000)]
    TooLarge(usize),
    #[error("no connection can be started here: {0}")]
    Local(String),
}

impl LakeTrouble {
    /// Whether the same may succeed a moment later.
    pub(super) fn passes(&self) -> bool {
        matches!(self, Self::NobodyListens(_) | Self::HungUp(_) | Self::Busy(_) | Self::Lost(_) | Self::Forgotten)
    }

    /// Tells it from an error of the transport. `met`: this server has answered in this protocol before. `secret` is not shown.
    pub(super) fn of(error: &SparkError, met: bool, secret: Option<&str>) -> Self {
        let said = said(error, secret);
        let says = |words: &[&str]| words.iter().any(|word| error.message.contains(word));
        // By the text: such an end comes under several codes.
        // A call is cancelled by a connection that was made and closed at once, as what forwards ports does where nobody listens behind it.
        let hung_up = ["transport error", "operation was canceled"];
        let broken = error.error_class.is_empty()
            && (says(&hung_up) || says(&["h2 protocol error", "http2 error", "error reading a body"]));
        if error.error_class.starts_with("INVALID_HANDLE") {
            return Self::Forgotten;
        }
        match (error.grpc_code, error.kind) {
            (None, SparkErrorKind::ValueError) if says(&["insecure connection"]) => Self::TokenInClear,
            (Some(code::UNAUTHENTICATED | code::PERMISSION_DENIED), _) => Self::TokenRefused(said),
            // Before its code, which says that the service cannot be had for a moment.
            _ if says(&["certificate", "received corrupt message", "TLS", "tls handshake"]) && !met => Self::Tls(said),
            _ if says(&["HTTP/2 was not negotiated"]) && !met => Self::OtherProtocol(said),
            (Some(code::UNAVAILABLE), _) if says(&["tcp connect error", "dns error", "connection timed out"]) => {
                Self::NobodyListens(said)
            }
            (Some(code::UNAVAILABLE | code::DEADLINE_EXCEEDED), _) => Self::Busy(said),
            // What Spark says while it ends in good order.
            _ if says(&["stopped SparkContext", "SparkContext was shut down"]) => Self::Busy(said),
            (Some(code::UNIMPLEMENTED), _) if !met => Self::OtherProtocol(said),
            (Some(_), _) if broken && met => Self::Lost(said),
            // One that ends just now looks like one that expects encryption.
            (Some(_), _) if broken && says(&hung_up) => Self::HungUp(said),
            (Some(_), _) if broken => Self::OtherProtocol(said),
            (None, _) => Self::Local(said),
            (Some(code::INVALID_ARGUMENT), _)
            | (
                _,
                SparkErrorKind::Analysis
                | SparkErrorKind::Parse
                | SparkErrorKind::IllegalArgument
                | SparkErrorKind::InvalidPlanInput
                | SparkErrorKind::NotImplementedError
                | SparkErrorKind::UnsupportedOperation,
            ) => Self::Refused(said),
            _ => Self::Failed(said),
        }
    }
}

/// What the other side said, on one line, without what no reader wants.
fn said(error: &SparkError, secret: Option<&str>) -> String {
    // Where the server states no class, the client puts what the code means in front.
    let text = match error.message.split_once("] ") {
        Some((_, text)) if error.error_class.is_empty() && error.grpc_code.is_some() => text,
        _ => &error.message,
    };
    let text = text.split("JVM stacktrace:").next().unwrap_or_default();
    let hidden = secret.map_or_else(|| text.to_owned(), |secret| text.replace(secret, "…"));
    let line = hidden.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

impl Fixable for LakeError {
    fn hint(&self) -> Option<String> {
        Some(
            match self.trouble {
                LakeTrouble::NobodyListens(_) => {
                    "check host and port, and that the Spark Connect server runs; `--engine duckdb` reads it all here"
                }
                LakeTrouble::OtherProtocol(_) | LakeTrouble::HungUp(_) => {
                    "check the port: Spark Connect listens on 15002 unless told otherwise; add `/;use_ssl=true` where it is encrypted"
                }
                LakeTrouble::Tls(_) => {
                    "leave `use_ssl=true` out where the server is not encrypted; name an authority of your own by SSL_CERT_FILE"
                }
                LakeTrouble::TokenInClear => "add `/;use_ssl=true`; without it a token is sent to this machine only",
                LakeTrouble::TokenRefused(_) => {
                    "check the token in OPTIMIZER_ENGINE_TOKEN or in the file named by `--engine-token-file`"
                }
                LakeTrouble::OtherVersion(_) => "name a server of a version that is known, or use `--engine duckdb`",
                LakeTrouble::TimeZone(_) => {
                    "let the server accept `spark.sql.session.timeZone=UTC` as a setting of the session"
                }
                LakeTrouble::Refused(_) => {
                    "check that the engine sees the path or table, and may read it; nothing was used of it"
                }
                LakeTrouble::Failed(_) => {
                    "look into the engine's log: a file may be damaged, a disk full, or memory short; nothing was used of it"
                }
                LakeTrouble::Overdue(_) => {
                    "raise `--engine-timeout`, shorten `--lookback`, or give the engine more workers; nothing was used of it"
                }
                LakeTrouble::Busy(_) | LakeTrouble::Lost(_) | LakeTrouble::Forgotten => {
                    "see why the engine ended or restarted, and run again; nothing was used of what it had sent"
                }
                LakeTrouble::CutShort(_) => {
                    "look at what stands between here and the engine, and run again; nothing was used of what it had sent"
                }
                LakeTrouble::TooLarge(_) => "shorten `--lookback`: the answer grows with services, models and minutes",
                LakeTrouble::Local(_) => "the system may be out of threads, files or memory",
            }
            .to_owned(),
        )
    }

    fn exit(&self) -> Exit {
        Exit::Source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error as the client makes it of an answer's status: without a class of the server's, or with one.
    fn status(grpc_code: i32, class: &str, kind: SparkErrorKind, message: &str) -> SparkError {
        let (error_class, grpc_code) = (class.to_owned(), Some(grpc_code));
        SparkError { error_class, kind, grpc_code, ..SparkError::connect_msg(message) }
    }

    fn plain(grpc_code: i32, message: &str) -> SparkError {
        status(grpc_code, "", SparkErrorKind::Connect, message)
    }

    /// What it is where the server has answered before, and where not.
    fn both(error: &SparkError) -> [LakeTrouble; 2] {
        [true, false].map(|met| LakeTrouble::of(error, met, None))
    }

    #[test]
    fn what_servers_were_seen_to_say() {
        use LakeTrouble as T;
        let failed = |text: &str| T::Failed(text.to_owned());
        for (code, text, met, unmet) in [
            (14, "tcp connect error", T::NobodyListens as fn(String) -> T, T::NobodyListens as fn(String) -> T),
            (14, "server is starting", T::Busy, T::Busy),
            (4, "too slow", T::Busy, T::Busy),
            (14, "received corrupt message of type InvalidContentType", T::Busy, T::Tls),
            (14, "invalid peer certificate: UnknownIssuer", T::Busy, T::Tls),
            (14, "HTTP/2 was not negotiated.", T::Busy, T::OtherProtocol),
            (13, "h2 protocol error: http2 error", T::Lost, T::OtherProtocol),
            (2, "transport error", T::Lost, T::HungUp),
            (1, "operation was canceled", T::Lost, T::HungUp),
            (2, "h2 protocol error: error reading a body from connection", T::Lost, T::OtherProtocol),
            (12, "unknown service", T::Failed, T::OtherProtocol),
            (16, "Invalid authentication token", T::TokenRefused, T::TokenRefused),
            (7, "not for you", T::TokenRefused, T::TokenRefused),
            (3, "no plan", T::Refused, T::Refused),
            (13, "Cannot call methods on a stopped SparkContext.", T::Busy, T::Busy),
        ] {
            // The client puts the meaning of the code in front.
            let error = plain(code, &format!("[What it means] {text}"));
            assert_eq!(both(&error), [met(text.into()), unmet(text.into())], "{code} {text}");
        }
        let analysis =
            status(13, "PATH_NOT_FOUND", SparkErrorKind::Analysis, "[PATH_NOT_FOUND] a  path\n\nJVM stacktrace:\nat");
        assert_eq!(both(&analysis)[0], T::Refused("[PATH_NOT_FOUND] a path".into()));
        let disk = status(13, "TASK_WRITE_FAILED", SparkErrorKind::RuntimeError, "h2 protocol error in a task");
        assert_eq!(both(&disk), [failed("h2 protocol error in a task"), failed("h2 protocol error in a task")]);
        let gone = status(13, "INVALID_HANDLE.SESSION_CHANGED", SparkErrorKind::RuntimeError, "restarted");
        assert_eq!(both(&gone), [T::Forgotten, T::Forgotten]);
    }

    #[test]
    fn every_failure_teaches() {
        let engine = || "sc://spark.example:15002".to_owned();
        let error = LakeError {
            engine: engine(),
            doing: "it ran a statement",
            trouble: LakeTrouble::Overdue(Duration::from_mins(10)),
        };
        assert_eq!(error.to_string(), "`sc://spark.example:15002` failed while it ran a statement");
        assert_eq!(error.trouble.to_string(), "there was no whole answer within 600 s");
        assert!(error.hint().unwrap().contains("--engine-timeout"));
        assert_eq!(error.exit(), Exit::Source);
    }
}
