//! AWS Lambda's Runtime API on this machine, and a function that asks it: the binary, without a word, as `bootstrap`.

#[path = "scripted.rs"]
mod scripted;

use std::{
    collections::VecDeque,
    path::Path,
    process::{Child, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

pub use scripted::{Answer, Asked, Scripted};
use serde_json::Value;

use super::optimizer;

/// An invocation that waits to be asked for.
struct Waiting {
    id: String,
    event: Vec<u8>,
    deadline: u128,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Waiting>>,
    more: Condvar,
}

/// A function that runs.
pub struct Function {
    queue: Arc<Queue>,
    outcomes: Mutex<mpsc::Receiver<Outcome>>,
    pub process: Child,
    log: Option<JoinHandle<String>>,
    count: u32,
    pub api: Scripted,
}

/// What came back for an invocation.
#[derive(Debug)]
pub struct Outcome {
    pub id: String,
    /// `response` or `error`.
    pub way: String,
    pub body: Value,
}

impl Outcome {
    #[track_caller]
    pub fn response(self) -> Value {
        assert_eq!(self.way, "response", "{}", self.body);
        self.body
    }

    /// Type and message of an error.
    #[track_caller]
    pub fn error(&self) -> (&str, &str) {
        assert_eq!(self.way, "error", "{}", self.body);
        (self.body["errorType"].as_str().unwrap(), self.body["errorMessage"].as_str().unwrap())
    }
}

const BASE: &str = "/2018-06-01/runtime/";

impl Function {
    /// In a folder, which is the code's, with these variables beside those of Lambda.
    pub fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let queue = Arc::<Queue>::default();
        let (tell, outcomes) = mpsc::channel();
        let next = Arc::clone(&queue);
        let api = Scripted::start(move |_, asked| answer(&next, &tell, asked));
        let mut command = optimizer(folder);
        command.envs(of_lambda(api.url.trim_start_matches("http://"))).envs(variables.iter().copied());
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let mut stderr = process.stderr.take().expect("is piped");
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = std::io::Read::read_to_string(&mut stderr, &mut text);
            text
        });
        Self { queue, outcomes: Mutex::new(outcomes), process, log: Some(log), count: 0, api }
    }

    /// Invokes it, without waiting; the name of the invocation comes back.
    pub fn invoke(&mut self, event: impl Into<Vec<u8>>, time: Duration) -> String {
        self.count += 1;
        let id = format!("0000-{}", self.count);
        let deadline = (SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + time).as_millis();
        let mut waiting = self.queue.waiting.lock().unwrap();
        waiting.push_back(Waiting { id: id.clone(), event: event.into(), deadline });
        self.queue.more.notify_all();
        id
    }

    pub fn outcome(&self) -> Outcome {
        self.outcomes.lock().unwrap().recv_timeout(Duration::from_mins(1)).expect("an outcome in time")
    }

    /// Invokes it with a minute of time, and waits.
    pub fn ask(&mut self, event: &Value) -> Outcome {
        let id = self.invoke(event.to_string(), Duration::from_mins(1));
        let outcome = self.outcome();
        assert_eq!(outcome.id, id);
        outcome
    }

    /// Ends the sandbox, and what the log holds then.
    pub fn end(mut self) -> String {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.log.take().unwrap().join().unwrap()
    }

    /// Processes that it started and that are there.
    pub fn children(&self) -> Vec<String> {
        let process = self.process.id();
        let text = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What Lambda sets, without what names secrets and regions.
pub fn of_lambda(api: &str) -> [(&'static str, String); 6] {
    [
        ("AWS_LAMBDA_RUNTIME_API", api.to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", "optimizer".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
        ("LAMBDA_TASK_ROOT", "/var/task".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
    ]
}

/// The end of a process within seconds.
pub fn ends_soon(process: &mut Child) -> ExitStatus {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < end, "it goes on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn answer(queue: &Queue, tell: &mpsc::Sender<Outcome>, asked: &Asked) -> Answer {
    let path = asked.target.strip_prefix(BASE).unwrap_or_default();
    if asked.method == "GET" && path == "invocation/next" {
        let waiting = queue.waiting.lock().unwrap();
        let mut waiting = queue.more.wait_while(waiting, |waiting| waiting.is_empty()).unwrap();
        let next = waiting.pop_front().unwrap();
        return Answer::new(200, next.event)
            .with("Content-Type", "application/json")
            .with("Lambda-Runtime-Aws-Request-Id", &next.id)
            .with("Lambda-Runtime-Deadline-Ms", &next.deadline.to_string())
            .with("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
            .with(
                "Lambda-Runtime-Invoked-Function-Arn",
                "arn:aws:lambda:eu-central-1:123456789012:function:optimizer",
            );
    }
    let words: Vec<&str> = path.split('/').collect();
    if let ("POST", ["invocation", id, way @ ("response" | "error")]) = (asked.method.as_str(), &words[..]) {
        let body = serde_json::from_slice(&asked.body).expect("bodies are JSON");
        let _ = tell.send(Outcome { id: (*id).to_owned(), way: (*way).to_owned(), body });
        return Answer::new(202, r#"{"status":"OK"}"#);
    }
    Answer::new(404, format!("{} {}", asked.method, asked.target))
}
