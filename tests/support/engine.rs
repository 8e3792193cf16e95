//! A server of Spark Connect that does as a test tells it: what a real one cannot be made to do at will. It speaks gRPC by hand.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
};

use axum::http::{HeaderMap, HeaderValue, Response};
use bytes::Bytes;
use h2::{RecvStream, SendStream, server::SendResponse};

/// The server's name of a session that was never lost.
pub const SESSION: &str = "one";

/// One call as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The last part of its path, for example `ExecutePlan`.
    pub call: String,
    pub authorization: Option<String>,
    pub body: Vec<u8>,
}

/// What to do about a call: these messages are sent, and then the answer
pub enum Act {
    /// ends well.
    Ends(Vec<Vec<u8>>),
    /// ends with this code of gRPC and this text.
    Fails(Vec<Vec<u8>>, u16, String),
    /// never ends.
    Stalls(Vec<Vec<u8>>),
    /// ends with the connection.
    Dies(Vec<Vec<u8>>),
}

/// The number is how many calls of that name came before.
type Script = dyn Fn(usize, &Asked) -> Act + Send + Sync;

/// The server. Its thread ends with the process.
pub struct Engine {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Engine {
    pub fn start(script: impl Fn(usize, &Asked) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        listener.set_nonblocking(true).expect("a socket");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (keep, script): (_, Arc<Script>) = (Arc::clone(&asked), Arc::new(script));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                while let Ok((socket, _)) = listener.accept().await {
                    tokio::spawn(serve(socket, Arc::clone(&keep), Arc::clone(&script)));
                }
            });
        });
        Self { port, asked }
    }

    /// Opens a session as Spark 4.2.1 does; the statements that follow are the script's, and so is what is not expected.
    pub fn spark(script: impl Fn(usize, &Asked) -> Act + Send + Sync + 'static) -> Self {
        Self::start(move |before, asked| match asked.call.as_str() {
            "Config" => Act::Ends(vec![config("UTC")]),
            "ExecutePlan" if asked.says("SELECT version()") => version("4.2.1 6176183"),
            _ => script(before, asked),
        })
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panicked here").clone()
    }

    /// How often this call came.
    pub fn count(&self, call: &str) -> usize {
        self.asked().iter().filter(|asked| asked.call == call).count()
    }
}

impl Asked {
    /// Whether this text is part of the request; text is written as it is.
    pub fn says(&self, text: &str) -> bool {
        self.body.windows(text.len()).any(|part| part == text.as_bytes())
    }
}

async fn serve(socket: tokio::net::TcpStream, keep: Arc<Mutex<Vec<Asked>>>, script: Arc<Script>) {
    let Ok(mut connection) = h2::server::handshake(socket).await else { return };
    let (die, mut dies) = tokio::sync::mpsc::channel::<()>(1);
    loop {
        // What is answered is sent while the next call is waited for.
        let next = tokio::select! {
            next = connection.accept() => next,
            _ = dies.recv() => return,
        };
        let Some(Ok((request, respond))) = next else { return };
        let (keep, script, die) = (Arc::clone(&keep), Arc::clone(&script), die.clone());
        tokio::spawn(async move {
            let (head, body) = request.into_parts();
            let asked = Asked {
                call: head.uri.path().rsplit('/').next().unwrap_or_default().to_owned(),
                authorization: head
                    .headers
                    .get("authorization")
                    .and_then(|value| value.to_str().ok().map(str::to_owned)),
                body: whole(body).await,
            };
            let before = {
                let mut kept = keep.lock().expect("no test panicked here");
                let before = kept.iter().filter(|kept| kept.call == asked.call).count();
                kept.push(asked.clone());
                before
            };
            answer(respond, script(before, &asked), &die).await;
        });
    }
}

async fn whole(mut body: RecvStream) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(Ok(part)) = body.data().await {
        let _ = body.flow_control().release_capacity(part.len());
        whole.extend_from_slice(&part);
    }
    whole
}

async fn answer(mut respond: SendResponse<Bytes>, act: Act, die: &tokio::sync::mpsc::Sender<()>) {
    let head = Response::builder().header("content-type", "application/grpc").body(()).expect("a response");
    let Ok(mut stream) = respond.send_response(head, false) else { return };
    match act {
        Act::Ends(messages) => {
            send(&mut stream, messages);
            end(&mut stream, 0, "");
        }
        Act::Fails(messages, code, text) => {
            send(&mut stream, messages);
            end(&mut stream, code, &text);
        }
        Act::Stalls(messages) => {
            send(&mut stream, messages);
            std::future::pending::<()>().await;
        }
        Act::Dies(messages) => {
            send(&mut stream, messages);
            // So that what was sent arrives before the end does.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let _ = die.send(()).await;
        }
    }
}

fn send(stream: &mut SendStream<Bytes>, messages: Vec<Vec<u8>>) {
    for message in messages {
        let mut frame = vec![0];
        frame.extend_from_slice(&u32::try_from(message.len()).expect("a short message").to_be_bytes());
        frame.extend_from_slice(&message);
        let _ = stream.send_data(frame.into(), false);
    }
}

fn end(stream: &mut SendStream<Bytes>, code: u16, text: &str) {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code));
    trailers.insert("grpc-message", HeaderValue::from_str(text).expect("plain text"));
    let _ = stream.send_trailers(trailers);
}

/// A field of a message of Protocol Buffers that holds bytes, text, or another message.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = varint(u64::from(number) << 3 | 2);
    field.extend(varint(content.len() as u64));
    field.extend_from_slice(content);
    field
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// Answers a call for settings: the session is in this time zone.
pub fn config(zone: &str) -> Vec<u8> {
    let pair = [field(1, b"spark.sql.session.timeZone"), field(2, zone.as_bytes())].concat();
    [field(2, &pair), field(4, SESSION.as_bytes())].concat()
}

/// A message of a session: its kind by number, and content. Its own name is `id`.
fn response(session: &str, id: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    [field(15, session.as_bytes()), field(13, id.as_bytes()), field(kind, content)].concat()
}

/// `rows` rows, said to begin at row `start`, as a stream of Arrow.
pub fn batch(session: &str, id: &str, start: u64, rows: u64, arrow: &[u8]) -> Vec<u8> {
    let content = [[vec![8], varint(rows)].concat(), field(2, arrow), [vec![24], varint(start)].concat()].concat();
    response(session, id, 2, &content)
}

/// The message that says that the answer is whole.
pub fn complete() -> Vec<u8> {
    response(SESSION, "last", 14, b"")
}

/// Answers `SELECT version()`.
pub fn version(text: &str) -> Act {
    let arrow = arrow_of(duckdb::arrow::array::StringArray::from(vec![text]));
    Act::Ends(vec![batch(SESSION, "version", 0, 1, &arrow), complete()])
}

/// One column `x` as a stream of Arrow.
pub fn arrow_of(column: impl duckdb::arrow::array::Array + 'static) -> Vec<u8> {
    let column: duckdb::arrow::array::ArrayRef = Arc::new(column);
    let batch = duckdb::arrow::record_batch::RecordBatch::try_from_iter([("x", column)]).expect("a batch");
    let mut bytes = Vec::new();
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(&mut bytes, &batch.schema()).expect("a writer");
    writer.write(&batch).expect("memory can be written");
    writer.finish().expect("memory can be written");
    drop(writer);
    bytes
}
