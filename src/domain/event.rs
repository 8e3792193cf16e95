//! The canonical event: one LLM request. Events are never held in memory one by one; this is the list of their columns,
//! shared by everything that reads, maps or explains a source.

/// A column of the canonical event.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    /// What it holds, with its unit, for messages and documentation.
    pub meaning: &'static str,
}

const fn column(name: &'static str, meaning: &'static str) -> Column {
    Column { name, meaning }
}

/// Every column of the canonical layout, in its documented order.
pub const COLUMNS: &[Column] = &[
    column("ts", "start of the request, RFC 3339 with a zone"),
    column("request_id", "identity of the request within its source, at most 128 characters"),
    column("service", "the service that asked, at most 128 characters"),
    column("endpoint", "route within the service"),
    column("provider", "who served, for example `openai`"),
    column("model", "the model that served"),
    column("config_version", "configuration in force"),
    column("variant", "arm of an experiment"),
    column("latency_ms", "total latency in milliseconds; may be empty when the request failed"),
    column("ttft_ms", "time to first token in milliseconds; empty when not streamed"),
    column("input_tokens", "prompt tokens, cached ones included"),
    column("cached_input_tokens", "prompt tokens read from the provider's cache"),
    column("cache_write_tokens", "prompt tokens written to the provider's cache"),
    column("output_tokens", "completion tokens, reasoning included"),
    column("cost_usd", "cost in US dollars; empty means unknown, 0 means free"),
    column("quality", "score from 0 to 1, higher is better; empty means not evaluated"),
    column("outcome", "success, error, timeout or cancelled"),
    column("status_code", "HTTP status"),
    column("error_type", "class of the failure"),
    column("retry_count", "attempts before this one"),
    column("complexity", "simple, medium or complex"),
    column("weight", "requests this row stands for: 1 / sampling rate"),
    column("cache_hit", "true when the gateway answered from its own cache"),
    column("propensity", "probability with which the router chose the arm that served, above 0 and at most 1"),
];

/// Columns without which a source cannot be used. `service` may be replaced by `--default-service`.
pub const REQUIRED: &[&str] = &["ts", "request_id", "service", "model", "latency_ms"];

/// One of these must be there, or a failed request could not be told from a good one.
pub const OUTCOME_COLUMNS: &[&str] = &["outcome", "status_code", "error_type"];
