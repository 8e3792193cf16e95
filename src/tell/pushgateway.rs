//! A Pushgateway, which holds the figures of a process that has ended.

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use reqwest::header;
use url::Url;

use super::post::{self, Post};
use crate::http::{self, Endpoint, Patience, Token};

/// All attempts together.
const ALL: Duration = Duration::from_secs(2);

/// Under which labels the figures are kept. Whoever pushes under the same ones replaces them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub job: String,
    pub instance: String,
}

impl Group {
    fn url(&self, endpoint: &Endpoint) -> Url {
        let (job, instance) = (part("job", &self.job), part("instance", &self.instance));
        endpoint.with(&["metrics", &job.0, &job.1, &instance.0, &instance.1])
    }
}

/// A label in the path. What a path cannot hold is written in base64.
fn part(label: &str, value: &str) -> (String, String) {
    if value.is_empty() {
        // The Pushgateway's own word for it: a part of a path cannot be empty.
        return (format!("{label}@base64"), "=".to_owned());
    }
    if value.contains('/') || matches!(value, "." | "..") {
        return (format!("{label}@base64"), URL_SAFE.encode(value));
    }
    (label.to_owned(), value.to_owned())
}

pub(super) fn push(endpoint: &Endpoint, group: &Group, token: Option<&Token>, text: &str) -> Result<(), String> {
    let end = Instant::now() + ALL;
    let patience = Patience {
        connect: Duration::from_secs(1),
        attempt: ALL,
        pause: Duration::from_millis(200),
        longest_wait: ALL,
        ..Patience::default()
    };
    let problem = |why: String| {
        format!("the figures cannot be pushed to {} `{}`: {why}", endpoint.peer().the(), endpoint.shown())
    };
    let client = http::client(endpoint, &patience).map_err(|error| problem(error.to_string()))?;
    let url = group.url(endpoint);
    let request = || {
        // PUT: what this run does not know must not stay there from another one.
        let request = client
            .put(url.clone())
            .header(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")
            .body(text.to_owned());
        match token {
            Some(token) => request.header(header::AUTHORIZATION, token.header()),
            None => request,
        }
    };
    let hide: Vec<String> = token.iter().filter_map(|token| Some(token.bare().to_str().ok()?.to_owned())).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| problem(format!("it cannot start: {error}")))?;
    let post = Post { patience: &patience, hide: &hide };
    let pushed = runtime.block_on(post.send(request, end));
    // A name that is still being looked up must not keep the run from ending.
    runtime.shutdown_background();
    pushed.map_err(|post::Trouble { why, .. }| problem(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Peer;

    #[test]
    fn labels_that_are_no_path_travel_in_base64() {
        let endpoint = Endpoint::new(Peer::Pushgateway, "http://127.0.0.1:9091/base/", false).unwrap();
        let url = |instance: &str| {
            Group { job: "optimizer".into(), instance: instance.into() }.url(&endpoint).path().to_owned()
        };
        assert_eq!(url("eu 1"), "/base/metrics/job/optimizer/instance/eu%201");
        assert_eq!(url("a/b"), "/base/metrics/job/optimizer/instance@base64/YS9i");
        assert_eq!(url(".."), "/base/metrics/job/optimizer/instance@base64/Li4=");
        assert_eq!(url(""), "/base/metrics/job/optimizer/instance@base64/=");
    }
}
