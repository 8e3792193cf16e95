//! A real PostgreSQL server of the tests' own: in a temporary folder, on loopback, gone when the last test has ended.

use std::{
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};

use tempfile::TempDir;

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

pub struct Server {
    folder: TempDir,
    child: Child,
    pub port: u16,
}

impl Server {
    /// The server that all tests of this process share.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start());
        *shared = Arc::downgrade(&server);
        server
    }

    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        if is_root() {
            // The server refuses to run as root, and so does the program that makes its files.
            let owner = Command::new("chown").arg("postgres").arg(folder.path()).status().expect("chown");
            assert!(owner.success(), "there is no user `postgres`");
        }
        let made = as_user(&program("initdb"))
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .expect("initdb starts");
        assert!(made.success(), "initdb failed");
        // The first line that fits counts: this one user needs a password.
        let hba = "host all locked 127.0.0.1/32 scram-sha-256\nlocal all all trust\nhost all all 127.0.0.1/32 trust\n";
        std::fs::write(data.join("pg_hba.conf"), hba).expect("the server's folder can be written");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let mut command = as_user(&program("postgres"));
        command
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
            .args(["-c", "max_connections=60", "-c", "shared_buffers=64MB"])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).expect("a log"));
        // The server ends with the thread that started it, so that thread stays as long as the process.
        let (started, child) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            started.send(command.spawn().expect("postgres starts")).expect("somebody waits for it");
            loop {
                std::thread::park();
            }
        });
        let child = child.recv().expect("postgres starts");
        let server = Self { folder, child, port };
        let begun = Instant::now();
        while !server.psql("postgres", "SELECT 1").status.success() {
            assert!(begun.elapsed() < Duration::from_mins(1), "the server does not come up:\n{}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn psql(&self, database: &str, sql: &str) -> std::process::Output {
        // By standard input: statements may be longer than a command line.
        let mut psql = Command::new(program("psql"))
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"])
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string(), "-d", database, "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql starts");
        // A server that is not there ends psql before it has read everything; its exit code says so.
        let _ = psql.stdin.take().expect("it is piped").write_all(sql.as_bytes());
        psql.wait_with_output().expect("psql ends")
    }

    /// Runs statements as the owner of everything.
    #[track_caller]
    pub fn run(&self, database: &str, sql: &str) {
        let output = self.psql(database, sql);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A database of a test's own, made new.
    #[track_caller]
    pub fn database(&self, name: &str) {
        self.run("postgres", &format!("CREATE DATABASE {name}"));
    }

    /// Loads a CSV with a header into a table whose columns it names.
    #[track_caller]
    pub fn load(&self, database: &str, table: &str, file: &Path) {
        let header = std::fs::read_to_string(file).expect("a fixture");
        let columns: Vec<String> = header
            .lines()
            .next()
            .unwrap_or_default()
            .split(',')
            .map(|name| format!("\"{}\"", name.trim_matches('"')))
            .collect();
        self.run(database, &format!("\\copy {table} ({}) FROM '{}' CSV HEADER", columns.join(", "), file.display()));
    }

    /// Loads one JSON object a line, by the names of the table's columns.
    #[track_caller]
    pub fn load_json(&self, database: &str, table: &str, lines: &str) {
        let mut sql = String::new();
        for line in lines.lines() {
            let line = line.replace('\'', "''");
            sql += &format!("INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, '{line}');\n");
        }
        self.run(database, &sql);
    }

    /// The address of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fast shutdown: postgres ends its children; killing it would leave them.
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > Duration::from_secs(20) {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// A program under the user that may run it.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=INT"]).arg(program);
    command
}

/// A program of the newest server that is installed.
fn program(name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> =
        glob::glob(&format!("/usr/lib/postgresql/*/bin/{name}")).expect("a pattern").filter_map(Result::ok).collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}
