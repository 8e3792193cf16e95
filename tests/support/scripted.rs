//! A web server on this machine that does as it is told.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// A request as it came in, header names in lower case.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub target: String,
    #[allow(dead_code, reason = "not every test looks at them")]
    pub headers: BTreeMap<String, String>,
    #[allow(dead_code, reason = "not every test looks at it")]
    pub body: Vec<u8>,
}

/// What to answer: status, headers, body, and how much of the body is really sent.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub sent: usize,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { status, headers: Vec::new(), sent: body.len(), body }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The whole length is promised, half of it comes, and the connection ends.
    pub fn cut(mut self) -> Self {
        self.sent /= 2;
        self
    }
}

/// A web server whose answers a test writes; the number is how many requests came before. It keeps what it was asked.
pub struct Scripted {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    pub fn start(answer: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (keep, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (keep, answer) = (Arc::clone(&keep), Arc::clone(&answer));
                std::thread::spawn(move || serve(&socket, &keep, &*answer));
            }
        });
        Self { url, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test holds it").clone()
    }
}

/// One request a connection.
fn serve(socket: &TcpStream, keep: &Mutex<Vec<Asked>>, answer: &dyn Fn(usize, &Asked) -> Answer) {
    let mut reader = BufReader::new(socket);
    let mut lines = reader.by_ref().lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers: BTreeMap<String, String> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    // Whoever closes with something unread resets the connection, and the answer may be lost.
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let asked = Asked { method, target, headers, body };
    let before = {
        let mut keep = keep.lock().expect("no test holds it");
        keep.push(asked.clone());
        keep.len() - 1
    };
    let Answer { status, headers, body, sent } = answer(before, &asked);
    let mut text = format!("HTTP/1.1 {status} Whatever\r\nConnection: close\r\n");
    for (name, value) in &headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !headers.iter().any(|(name, _)| *name == "Transfer-Encoding") {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    let mut socket = socket;
    let body = if asked.method == "HEAD" { &[][..] } else { &body[..sent] };
    let _ = socket
        .write_all(text.as_bytes())
        .and_then(|()| socket.write_all(b"\r\n"))
        .and_then(|()| socket.write_all(body));
}
