//! Stands between the program and an engine, and breaks the line where a test says: a real engine cannot be made to fail at a certain byte.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

/// What befalls a connection, once the engine has sent so many bytes over it.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// It ends.
    Cut(usize),
    /// Nothing comes any more, until the engine itself ends.
    Stall(usize),
}

pub struct Relay {
    pub port: u16,
    sent: Arc<AtomicUsize>,
    reached: Receiver<()>,
}

impl Relay {
    /// The first connection has the first fault, and so on; those after them have none.
    pub fn start(to: u16, faults: Vec<Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let sent = Arc::new(AtomicUsize::new(0));
        let (told, reached) = channel();
        let count = Arc::clone(&sent);
        thread::spawn(move || {
            let mut faults = faults.into_iter();
            for client in listener.incoming().map_while(Result::ok) {
                let (fault, count, told) = (faults.next(), Arc::clone(&count), told.clone());
                // Where no engine is, the client finds its connection closed.
                let Ok(engine) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let back = (client.try_clone().expect("a socket"), engine.try_clone().expect("a socket"));
                thread::spawn(move || copy(client, engine, None, &AtomicUsize::new(0), None));
                thread::spawn(move || copy(back.1, back.0, fault, &count, Some(&told)));
            }
        });
        Self { port, sent, reached }
    }

    pub fn url(&self) -> String {
        format!("sc://127.0.0.1:{}", self.port)
    }

    /// Bytes of the engine so far, over all connections.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    /// Waits until a connection stalls.
    pub fn stalled(&self) {
        self.reached.recv_timeout(Duration::from_secs(20)).expect("so much was sent");
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, fault: Option<Fault>, count: &AtomicUsize, told: Option<&Sender<()>>) {
    let (mut buffer, mut passed, mut silent) = (vec![0; 16_384], 0, false);
    loop {
        let room = match fault {
            Some(Fault::Cut(at)) if passed >= at => break,
            Some(Fault::Stall(at)) if passed >= at => {
                if !silent {
                    let _ = told.map(|told| told.send(()));
                }
                silent = true;
                buffer.len()
            }
            Some(Fault::Cut(at) | Fault::Stall(at)) => buffer.len().min(at - passed),
            None => buffer.len(),
        };
        let Ok(read @ 1..) = from.read(&mut buffer[..room]) else { break };
        if !silent && to.write_all(&buffer[..read]).is_err() {
            break;
        }
        passed += read;
        count.fetch_add(read, Ordering::SeqCst);
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
