//! The JSON form of OTLP: `ExportTraceServiceRequest` and its answer. Ids are hexadecimal, whole numbers of 64 bits are texts.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::Parent;
use crate::domain::{
    format::{hexadecimal, visible},
    span::{Attribute, Span, SpanEvent, Value},
};

/// Kind of every span: nobody outside was asked by it alone.
const INTERNAL: u8 = 1;
const STATUS_ERROR: u8 = 2;

pub(super) fn request(resource: &[(String, String)], parent: Option<&Parent>, run: &str, root: &Span) -> String {
    let resource: Vec<Json> =
        resource.iter().map(|(name, value)| json!({"key": name, "value": {"stringValue": value}})).collect();
    let ids = Ids { trace: trace_id(parent, run), run };
    let mut spans = Vec::new();
    ids.add(&mut spans, root, parent.map(|parent| parent.span.as_str()));
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{
            "scope": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
            "spans": spans,
        }],
    }]})
    .to_string()
}

/// That of the parent, or one made of the run's id, so that who knows the run finds its trace.
pub(super) fn trace_id(parent: Option<&Parent>, run: &str) -> String {
    parent.map_or_else(|| digits("trace", run, 0, 16), |parent| parent.trace.clone())
}

/// Part of a hash: the same for the same run, another one for every other.
fn digits(what: &str, run: &str, number: usize, bytes: usize) -> String {
    let digest = Sha256::digest(format!("{what}\n{run}\n{number}"));
    hexadecimal(&digest[..bytes])
}

struct Ids<'a> {
    trace: String,
    run: &'a str,
}

impl Ids<'_> {
    /// The span, and all under it.
    fn add(&self, spans: &mut Vec<Json>, span: &Span, parent: Option<&str>) {
        let id = digits("span", self.run, spans.len(), 8);
        let mut json = json!({
            "traceId": self.trace,
            "spanId": id,
            "name": span.name,
            "kind": INTERNAL,
            "startTimeUnixNano": nanoseconds(span.started_at),
            "endTimeUnixNano": nanoseconds(span.ended_at),
            "attributes": attributes(&span.attributes),
            "events": span.events.iter().map(event).collect::<Vec<_>>(),
            "droppedEventsCount": span.dropped_events,
            "status": status(span.error.as_deref()),
        });
        if let Some(parent) = parent {
            json["parentSpanId"] = parent.into();
        }
        spans.push(json);
        for child in &span.children {
            self.add(spans, child, Some(&id));
        }
    }
}

fn nanoseconds(at: Timestamp) -> String {
    at.as_nanosecond().max(0).to_string()
}

fn status(error: Option<&str>) -> Json {
    error.map_or_else(|| json!({}), |why| json!({"code": STATUS_ERROR, "message": why}))
}

fn event(event: &SpanEvent) -> Json {
    json!({"timeUnixNano": nanoseconds(event.at), "name": event.name, "attributes": attributes(&event.attributes)})
}

fn attributes(attributes: &[Attribute]) -> Vec<Json> {
    let value = |value: &Value| match value {
        Value::Text(text) => json!({"stringValue": text}),
        Value::Whole(number) => json!({"intValue": number.to_string()}),
        Value::Flag(flag) => json!({"boolValue": flag}),
    };
    attributes.iter().map(|(name, known)| json!({"key": name, "value": value(known)})).collect()
}

/// How many spans the collector did not take, and why. None where it took all, or where what it answers is not known: then it says that it
/// went well, and there is nothing to hold against that.
pub(super) fn refused(body: &[u8]) -> Option<(u64, String)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        partial_success: Partial,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    #[derive(Default)]
    struct Partial {
        rejected_spans: Json,
        error_message: String,
    }
    let Partial { rejected_spans, error_message } = serde_json::from_slice::<Answer>(body).ok()?.partial_success;
    let spans = rejected_spans.as_u64().or_else(|| rejected_spans.as_str()?.parse().ok()).unwrap_or(0);
    (spans > 0).then(|| (spans, visible(&error_message).replace('\n', " ").chars().take(200).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_the_run_and_its_parent() {
        assert_eq!(trace_id(None, "a"), trace_id(None, "a"));
        assert_ne!(trace_id(None, "a"), trace_id(None, "b"));
        assert_eq!((trace_id(None, "a").len(), digits("span", "a", 1, 8).len()), (32, 16));
        let parent = Parent { trace: "4".repeat(32), span: "5".repeat(16), sampled: true };
        assert_eq!(trace_id(Some(&parent), "a"), "4".repeat(32));
    }

    #[test]
    fn answers() {
        let refused = |text: &str| refused(text.as_bytes());
        assert_eq!(
            refused(r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too\nold"}}"#),
            Some((2, "too old".into()))
        );
        assert_eq!(refused(r#"{"partialSuccess":{"rejectedSpans":1}}"#), Some((1, String::new())));
        for fine in
            ["{}", r#"{"partialSuccess":{}}"#, r#"{"partialSuccess":{"errorMessage":"a hint"}}"#, "<html>", "", "[1"]
        {
            assert_eq!(refused(fine), None, "{fine}");
        }
    }
}
