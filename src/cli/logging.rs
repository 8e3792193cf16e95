//! What is said beside the data: events on standard error, as text for people or as one JSON object a line for machines.

use std::{
    fmt::{self, Debug},
    io::IsTerminal,
    sync::OnceLock,
};

use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Full, Writer},
    },
    registry::LookupSpan,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line: `timestamp`, `level`, `target`, `message`, `run`, `fields`
    Json,
}

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// A process is one run, and its work is spread over threads: so the id is the process's, not that of a span.
static RUN: OnceLock<String> = OnceLock::new();

/// Every line from now on says that it is of this run.
pub(super) fn run_is(id: &str) {
    let _ = RUN.set(id.to_owned());
}

/// Whether errors too are for machines.
pub(super) fn is_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}

/// Where there is no command line to say it.
pub(super) fn wanted() -> LogFormat {
    let format = std::env::var("OPTIMIZER_LOG_FORMAT").ok();
    format.and_then(|format| LogFormat::from_str(&format, true).ok()).unwrap_or(LogFormat::Text)
}

/// Events go to standard error; `OPTIMIZER_LOG=debug` shows more of them.
pub(super) fn start(format: LogFormat) {
    // What these have to say holds addresses and headers, and those hold signatures and tokens.
    const SILENT: [&str; 7] =
        ["object_store", "reqwest", "hyper", "hyper_util", "h2", "rustls", "lambda_runtime::layers::panic"];
    let _ = FORMAT.set(format);
    // A whole store that is read takes its time, and that is nothing to warn of.
    let wanted = std::env::var("OPTIMIZER_LOG").unwrap_or_else(|_| "warn,sqlx::query=error".to_owned());
    let ours =
        wanted.split(',').filter(|directive| !SILENT.iter().any(|library| directive.trim().starts_with(library)));
    let ours = ours.collect::<Vec<_>>().join(",");
    let mut filter = EnvFilter::try_new(ours).unwrap_or_else(|_| EnvFilter::new("warn"));
    for library in SILENT {
        filter = filter.add_directive(format!("{library}=off").parse().expect("a valid directive"));
    }
    let logging = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call in one process (tests) finds the first one's logging in place, which is as good.
    let _ = match format {
        LogFormat::Text => logging
            .with_ansi(std::io::stderr().is_terminal() && !no_color())
            .event_format(Text(Format::default().without_time()))
            .try_init(),
        LogFormat::Json => logging.with_ansi(false).event_format(Json).try_init(),
    };
}

/// <https://no-color.org>: set and not empty.
pub(super) fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    target: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
}

/// One object without line breaks. What is not known is left out.
pub(super) fn line(level: &str, target: &str, message: &str, fields: Map<String, Value>) -> String {
    let timestamp = format!("{:.6}", Timestamp::now());
    let line = Line { timestamp, level, target, message, run: RUN.get().map(String::as_str), fields };
    serde_json::to_string(&line).expect("texts and numbers are plain data")
}

struct Text(Format<Full, ()>);

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if let Some(run) = RUN.get() {
            write!(writer, "{run} ")?;
        }
        self.0.format_event(context, writer, event)
    }
}

struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        let target = said.target.as_deref().unwrap_or(event.metadata().target());
        writeln!(writer, "{}", line(event.metadata().level().as_str(), target, &said.message, said.fields))
    }
}

/// What an event says.
#[derive(Default)]
struct Said {
    message: String,
    /// Of an event that came by way of the `log` crate.
    target: Option<String>,
    fields: Map<String, Value>,
}

impl Said {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("message", other) => self.message = other.to_string(),
            ("log.target", Value::String(text)) => self.target = Some(text),
            // Where in the code of a library it was said.
            (name, _) if name.starts_with("log.") => {}
            (name, value) => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // Not a number is null.
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn said(work: impl FnOnce()) -> Vec<Value> {
        let kept = Kept::default();
        let writer = kept.clone();
        let logging = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || writer.clone())
            .event_format(Json)
            .finish();
        tracing::subscriber::with_default(logging, work);
        let bytes = kept.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    #[test]
    fn an_event_is_one_object_on_one_line() {
        let lines = said(|| {
            let (cause, odd) = ("one\ntwo \u{1b}[31m", f64::NAN);
            tracing::warn!(%cause, odd, rows = 3_u64, late = true, "a \"message\"\nof two lines");
            tracing::debug!(target: "elsewhere", "nothing more");
        });
        assert_eq!(lines.len(), 2);
        let first = &lines[0];
        assert_eq!((&first["level"], &first["message"]), (&json!("WARN"), &json!("a \"message\"\nof two lines")));
        assert_eq!(first["target"], module_path!());
        assert_eq!(first["fields"], json!({"cause": "one\ntwo \u{1b}[31m", "odd": null, "rows": 3, "late": true}));
        let timestamp = first["timestamp"].as_str().unwrap();
        assert!(timestamp.ends_with('Z') && timestamp.len() == "2026-01-01T00:00:00.123456Z".len(), "{timestamp}");
        assert!(timestamp.parse::<Timestamp>().is_ok(), "{timestamp}");
        assert!(lines[1].get("fields").is_none() && lines[1]["target"] == "elsewhere", "{}", lines[1]);
    }
}
