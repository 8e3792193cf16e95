//! The server as a whole.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::Response,
    routing::{get, put},
};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    admin,
    answer::Answer,
    call::{Call, Operation},
    connection::{Door, Wire},
    faults::{Fault, Rule, hitting},
    misbehave::{respond, unauthorized},
    store::Store,
};

/// How the server is set up.
#[derive(Clone)]
pub struct Settings {
    /// What callers have to show, as a bearer token or as `X-API-Key`. Open to everybody where there is none.
    pub token: Option<String>,
    /// Where it remembers, besides memory.
    pub store: Option<PathBuf>,
    pub faults: Vec<Rule>,
    /// How long a minute of a progression lasts, so that a demo need not wait.
    pub minute: Duration,
    /// How long a stalled request says nothing.
    pub stall: Duration,
    /// Between the bytes of a slow answer.
    pub drip: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token: None,
            store: None,
            faults: Vec::new(),
            minute: Duration::from_mins(1),
            stall: Duration::from_mins(10),
            drip: Duration::from_millis(100),
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("store", &self.store).field("faults", &self.faults).finish_non_exhaustive()
    }
}

impl Settings {
    pub fn minute_ms(&self) -> u64 {
        self.minute.as_millis() as u64
    }
}

#[derive(Debug)]
pub struct Peer {
    pub settings: Settings,
    store: Mutex<Store>,
    /// Up to which change the file is written.
    kept: tokio::sync::Mutex<u64>,
    rules: Mutex<Vec<Rule>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Peer {
    pub fn with<T>(&self, act: impl FnOnce(&mut Store) -> T) -> T {
        act(&mut locked(&self.store))
    }

    /// Waits until a change is in the file. Those who wait at the same time share one writing: it holds all their changes.
    pub async fn keep(&self, change: u64) -> io::Result<()> {
        let mut kept = self.kept.lock().await;
        if *kept < change {
            // Whoever has been heard by now is let in first.
            tokio::task::yield_now().await;
            *kept = self.with(|store| store.keep())?;
        }
        Ok(())
    }

    /// From now on, these faults and no others.
    pub fn misbehave(&self, rules: Vec<Rule>) {
        *locked(&self.rules) = rules;
    }

    pub fn faults(&self) -> Vec<Rule> {
        locked(&self.rules).clone()
    }
}

/// A server that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    pub address: SocketAddr,
    pub handle: JoinHandle<io::Result<()>>,
    pub peer: Arc<Peer>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

/// Serves on `listener`. Has to be called inside a runtime.
pub fn serve(listener: TcpListener, settings: Settings) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let store = Mutex::new(Store::open(settings.store.clone())?);
    let kept = tokio::sync::Mutex::new(0);
    let peer = Arc::new(Peer { kept, rules: Mutex::new(settings.faults.clone()), store, settings });
    let router = Router::new()
        .route("/admin/faults", put(admin::set_faults).get(admin::faults))
        .route("/admin/history/{service_id}", get(admin::history))
        .route("/admin/requests", get(admin::requests))
        .route("/api/v1/split/{service_id}", get(admin::arms))
        .fallback(configurations)
        .with_state(Arc::clone(&peer))
        .into_make_service_with_connect_info::<Wire>();
    let handle = tokio::spawn(async move { axum::serve(Door(listener), router).await });
    Ok(Running { address, handle, peer })
}

/// Everything about configurations: known to the record first, then open to faults, then to the contract.
async fn configurations(
    State(peer): State<Arc<Peer>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 1 << 20).await else { return Answer::error(413, "the body is too large").response() };
    let call = Call::new(&head.method, &head.uri, &head.headers, body);
    if call.operation == Operation::Unknown {
        return Answer::error(404, "there is nothing at this path").response();
    }
    peer.with(|store| store.note(call.noted()));
    let faults = hitting(&mut locked(&peer.rules), &call);
    if peer.settings.token.is_some() && peer.settings.token != call.credential && !faults.contains(&Fault::Down) {
        return unauthorized();
    }
    respond(&peer, call, faults, &wire).await
}
