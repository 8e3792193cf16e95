//! A connection that a handler can cut, or make say more than it should.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// What a handler asks of the connection it answers on.
#[derive(Debug, Default)]
struct Wishes {
    cut: bool,
    /// Bytes of the body after which the extra ones are sent, and those.
    extra: Option<(usize, Vec<u8>)>,
    /// What was sent since `extra` was wished for.
    sent: Vec<u8>,
}

#[derive(Debug, Clone, Default)]
pub struct Wire(Arc<Mutex<Wishes>>);

impl Wire {
    /// The next byte sent is the end: the peer sees a connection that was reset.
    pub fn cut(&self) {
        self.with(|wishes| wishes.cut = true);
    }

    /// After the next answer, whose body has `body` bytes, sends `extra`.
    pub fn then_send(&self, body: usize, extra: Vec<u8>) {
        self.with(|wishes| (wishes.extra, wishes.sent) = (Some((body, extra)), Vec::new()));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Wishes) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, bytes: &[u8]) {
        self.with(|wishes| {
            if wishes.extra.is_some() {
                wishes.sent.extend_from_slice(bytes);
            }
        });
    }

    /// The extra bytes, once the answer before them is out.
    fn due(&self) -> Option<Vec<u8>> {
        self.with(|wishes| {
            let head = wishes.sent.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
            let (body, _) = wishes.extra.as_ref()?;
            if wishes.sent.len() < head + body { None } else { wishes.extra.take().map(|(_, extra)| extra) }
        })
    }
}

#[derive(Debug)]
pub struct Stream {
    tcp: TcpStream,
    wire: Wire,
    /// Extra bytes on their way.
    extra: Vec<u8>,
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.wire.with(|wishes| wishes.cut) {
            // No time to linger: what follows is a reset, not a polite end.
            let _ = self.tcp.set_zero_linger();
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let written = ready!(Pin::new(&mut self.tcp).poll_write(cx, bytes))?;
        self.wire.note(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(extra) = self.wire.due() {
            self.extra = extra;
        }
        while !self.extra.is_empty() {
            let this = &mut *self;
            let written = ready!(Pin::new(&mut this.tcp).poll_write(cx, &this.extra))?;
            this.extra.drain(..written);
        }
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

/// Accepts connections that can be cut.
#[derive(Debug)]
pub struct Door(pub TcpListener);

impl Listener for Door {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        let (tcp, address) = Listener::accept(&mut self.0).await;
        // Small answers must not wait for more to say.
        let _ = tcp.set_nodelay(true);
        (Stream { tcp, wire: Wire::default(), extra: Vec::new() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Door>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().wire.clone()
    }
}
