//! The example server keeps to the contract that it is there to show.

#[path = "../examples/orchestrator/peer/mod.rs"]
mod peer;

use std::time::Duration;

use peer::{Fault, Match, Rule, Running, Settings, serve};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

async fn started(settings: Settings) -> (Running, Client) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (serve(listener, settings).unwrap(), Client::builder().no_proxy().build().unwrap())
}

struct Peer {
    running: Running,
    client: Client,
}

impl Peer {
    async fn new(settings: Settings) -> Self {
        let (running, client) = started(settings).await;
        Self { running, client }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let path = if path.starts_with("/admin") || path.starts_with("/api") {
            path.to_owned()
        } else {
            format!("/api/v1/configurations{path}")
        };
        self.client.request(method, format!("http://{}{path}", self.running.address))
    }

    async fn write(
        &self,
        method: Method,
        path: &str,
        key: &str,
        tag: Option<&str>,
        body: &Value,
    ) -> (StatusCode, Value) {
        let mut request = self.request(method, path).header("idempotency-key", key).body(body.to_string());
        if let Some(tag) = tag {
            request = request.header("if-match", format!("\"{tag}\""));
        }
        told(request.send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        told(self.request(Method::GET, path).send().await.unwrap()).await
    }
}

async fn told(response: Response) -> (StatusCode, Value) {
    let (status, tag) = (response.status(), response.headers().get("etag").cloned());
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default();
    if status.is_success() && body.get("version").is_some() {
        assert_eq!(tag.unwrap().to_str().unwrap(), format!("\"{}\"", body["version"].as_str().unwrap()));
    }
    (status, body)
}

fn body(model: &str, percentage: u8, more: &Value) -> Value {
    let strategy = if percentage == 100 { "immediate" } else { "canary" };
    let mut body = json!({
        "service_id": "chat", "configuration": { "model": model, "temperature": "0.7" },
        "deployment": { "strategy": strategy, "initial_percentage": percentage, "progression": [percentage] },
        "metadata": { "decision_id": "d-1", "rationale": "cheaper", "requested_by": "optimizer", "config_version": format!("hash-{model}") },
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        body["deployment"][key] = value.clone();
    }
    body
}

#[tokio::test]
async fn the_contract() {
    let peer = Peer::new(Settings::default()).await;
    let plain = json!({});
    let (status, first) = peer.write(Method::POST, "", "k1", None, &body("a", 100, &plain)).await;
    assert_eq!((status.as_u16(), first["deployment"]["state"].as_str()), (201, Some("completed")));
    // The same again is the same; the key with something else, and the name without the key, are refused.
    assert_eq!(
        peer.write(Method::POST, "", "k1", None, &body("a", 100, &plain)).await,
        (StatusCode::OK, first.clone())
    );
    assert_eq!(peer.write(Method::POST, "", "k1", None, &body("b", 100, &plain)).await.0.as_u16(), 422);
    let (status, error) = peer.write(Method::POST, "", "k2", None, &body("a", 100, &plain)).await;
    assert_eq!((status.as_u16(), error["code"].as_str()), (409, Some("conflict")));
    let v1 = first["version"].as_str().unwrap();
    let unchanged =
        peer.request(Method::GET, "/chat").header("if-none-match", format!("\"{v1}\"")).send().await.unwrap();
    assert_eq!(unchanged.status().as_u16(), 304);
    assert_eq!(peer.get("/nobody").await.0.as_u16(), 404);

    let canary = body("b", 25, &plain);
    assert_eq!(peer.write(Method::PUT, "/chat", "k3", None, &canary).await.0.as_u16(), 428);
    assert_eq!(peer.write(Method::PUT, "/chat", "k3", Some("v0"), &canary).await.0.as_u16(), 412);
    assert_eq!(peer.write(Method::PUT, "/other", "k3", Some("v0"), &canary).await.0.as_u16(), 422, "path and body");
    let (status, second) = peer.write(Method::PUT, "/chat", "k3", Some(v1), &canary).await;
    assert_eq!((status.as_u16(), second["previous_version"].as_str()), (200, Some(v1)));
    assert_eq!(second["baseline_configuration"]["model"], "a");
    assert_eq!(second["deployment"]["percentage"], 25);
    let (_, arms) = peer.get("/api/v1/split/chat").await;
    let arm = |at: usize| (arms[at]["config_version"].as_str().unwrap(), arms[at]["weight"].as_u64().unwrap());
    assert_eq!((arm(0), arm(1)), (("hash-a", 75), ("hash-b", 25)));

    let v2 = second["version"].as_str().unwrap();
    let back = json!({ "target_version": "previous", "scope": "canary", "immediate": true, "reason": "slow" });
    assert_eq!(peer.write(Method::POST, "/chat/rollback", "k4", Some(v1), &back).await.0.as_u16(), 412);
    let (status, third) = peer.write(Method::POST, "/chat/rollback", "k4", Some(v2), &back).await;
    assert_eq!((status.as_u16(), third["configuration"]["model"].as_str()), (200, Some("a")));
    assert_eq!(
        (third["deployment"]["state"].as_str(), third["deployment"]["percentage"].as_u64()),
        (Some("rolled-back"), Some(100))
    );
    let v3 = third["version"].as_str().unwrap();
    let nothing = peer.write(Method::POST, "/chat/rollback", "k5", Some(v3), &back).await;
    assert_eq!(nothing.0.as_u16(), 409, "no canary is under way");
    let to = json!({ "target_version": v2, "scope": "all", "reason": "it was fine" });
    let (status, fourth) = peer.write(Method::POST, "/chat/rollback", "k6", Some(v3), &to).await;
    assert_eq!((status.as_u16(), fourth["configuration"]["model"].as_str()), (200, Some("b")));

    let (_, history) = peer.get("/admin/history/chat").await;
    assert_eq!(history.as_array().unwrap().len(), 4);
    let v4 = fourth["version"].as_str().unwrap();
    assert_eq!(peer.write(Method::DELETE, "/chat", "", Some(v1), &json!({})).await.0.as_u16(), 412);
    assert_eq!(peer.write(Method::DELETE, "/chat", "", Some(v4), &json!({})).await.0.as_u16(), 204);
    assert_eq!(peer.get("/chat").await.0.as_u16(), 404);
}

#[tokio::test]
async fn nonsense_is_refused() {
    let peer = Peer::new(Settings::default()).await;
    let wrong = [
        json!({ "strategy": "yolo" }),
        json!({ "initial_percentage": 101 }),
        json!({ "initial_percentage": 50 }),
        json!({ "progression": [25, 5, 100] }),
        json!({ "progression": [5, 25] }),
        json!({ "rollback_on_error_rate": 1.5 }),
    ];
    for more in wrong {
        let (status, error) = peer.write(Method::POST, "", "k", None, &body("a", 100, &more)).await;
        assert_eq!((status.as_u16(), error["code"].as_str()), (422, Some("validation_error")), "{more}");
    }
    for name in ["", "Chat", "a--b", "a-", "a.", "-a", "a_b", &"a".repeat(64)] {
        let mut named = body("a", 100, &json!({}));
        named["service_id"] = json!(name);
        assert_eq!(peer.write(Method::POST, "", "k", None, &named).await.0.as_u16(), 422, "{name}");
    }
    let mut number = body("a", 100, &json!({}));
    number["configuration"]["temperature"] = json!(0.7);
    assert_eq!(peer.write(Method::POST, "", "k", None, &number).await.0.as_u16(), 422, "values are strings");
    let keyless = peer.request(Method::POST, "").body(body("a", 100, &json!({})).to_string()).send().await.unwrap();
    assert_eq!(keyless.status().as_u16(), 400);
}

#[tokio::test]
async fn only_those_who_know_the_token() {
    let peer = Peer::new(Settings { token: Some("sesame".into()), ..Settings::default() }).await;
    assert_eq!(peer.get("/chat").await.0.as_u16(), 401);
    for (name, value) in [("authorization", "Bearer sesame"), ("x-api-key", "sesame")] {
        let known = peer.request(Method::GET, "/chat").header(name, value).send().await.unwrap();
        assert_eq!(known.status().as_u16(), 404, "{name}");
    }
    let wrong = peer.request(Method::GET, "/chat").header("x-api-key", "sesam").send().await.unwrap();
    assert_eq!(wrong.status().as_u16(), 401);
    let (_, requests) = peer.get("/admin/requests").await;
    assert_eq!(requests.as_array().unwrap().len(), 4);
    assert!(!requests.to_string().contains("sesam"), "{requests}");
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { store: Some(folder.path().join("store.json")), ..Settings::default() };
    let peer = Peer::new(settings.clone()).await;
    let (_, first) = peer.write(Method::POST, "", "k1", None, &body("a", 100, &json!({}))).await;
    drop(peer);
    let peer = Peer::new(settings).await;
    assert_eq!(peer.get("/chat").await, (StatusCode::OK, first.clone()));
    let replayed = peer.write(Method::POST, "", "k1", None, &body("a", 100, &json!({}))).await;
    assert_eq!(replayed, (StatusCode::OK, first.clone()));
    let (_, next) =
        peer.write(Method::PUT, "/chat", "k2", first["version"].as_str(), &body("b", 100, &json!({}))).await;
    assert_ne!(next["version"], first["version"]);
}

#[tokio::test]
async fn a_progression_walks_by_itself() {
    let peer = Peer::new(Settings { minute: Duration::from_millis(20), ..Settings::default() }).await;
    let (_, first) = peer.write(Method::POST, "", "k1", None, &body("a", 100, &json!({}))).await;
    let walk = json!({ "progression": [5, 50, 100], "progression_interval_minutes": 5 });
    let (_, second) = peer.write(Method::PUT, "/chat", "k2", first["version"].as_str(), &body("b", 5, &walk)).await;
    assert_eq!(second["deployment"]["percentage"], 5);
    let other = peer.write(Method::PUT, "/chat", "k3", second["version"].as_str(), &body("c", 5, &walk)).await;
    assert_eq!(other.0.as_u16(), 409, "a rollout is under way");
    let mut seen = Vec::new();
    for _ in 0..200 {
        let (_, now) = peer.get("/chat").await;
        assert_eq!(now["version"], second["version"], "nobody wrote");
        seen.push(now["deployment"]["percentage"].as_u64().unwrap());
        if seen.last() == Some(&100) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    seen.dedup();
    assert!(seen == [5, 50, 100] || seen == [50, 100] || seen == [5, 100], "{seen:?}");
}

#[tokio::test]
async fn faults_hit_whom_they_are_for() {
    let peer = Peer::new(Settings::default()).await;
    let which = Match {
        method: Some("GET".into()),
        service: Some("chat".into()),
        nth: Some(2),
        times: Some(1),
        ..Match::default()
    };
    let rules = json!([
        { "match": which, "fault": { "status": { "code": 429, "reset_in": 9 } } },
        { "match": { "service": "gone" }, "fault": "apply_and_drop" },
        { "match": { "service": "twice" }, "fault": "answer_twice" },
    ]);
    let set = peer.request(Method::PUT, "/admin/faults").body(rules.to_string()).send().await.unwrap();
    assert_eq!(set.status().as_u16(), 204);
    let codes =
        [peer.get("/chat").await.0, peer.get("/chat").await.0, peer.get("/chat").await.0].map(|code| code.as_u16());
    assert_eq!(codes, [404, 429, 404]);
    assert!(peer.request(Method::GET, "/gone").send().await.is_err());
    assert_eq!(peer.get("/twice").await.0.as_u16(), 404);
    assert_eq!(peer.get("/chat").await.0.as_u16(), 404, "what came after the answer is nobody's");
    assert_eq!(Rule::read("stall").unwrap(), Rule::new(Match::default(), Fault::Stall));
    assert!(Rule::read("nothing-known").is_err());
}
