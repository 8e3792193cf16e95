//! A real browser without a screen, and what it sees of a page.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::tempdir;

/// What kind of reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    Bright,
    Dark,
}

/// What the browser measured, and what it had to complain of.
#[derive(Debug)]
pub struct Seen {
    pub measured: Value,
    pub complaints: Vec<String>,
}

impl Seen {
    /// Everything that is wrong, in words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.complaints.clone();
        for list in ["wide", "faint", "small", "clipped", "overlapping", "fetched"] {
            let found = self.measured[list].as_array().expect("a list");
            problems.extend(found.iter().map(|one| format!("{list}: {one}")));
        }
        problems
    }
}

fn browser() -> PathBuf {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).find(|file| file.is_file());
    found.expect("these tests need Chromium: scripts/ensure-chromium installs it")
}

/// Opens a page in a window of this width.
pub fn look(html: &str, width: u32, light: Light) -> Seen {
    let folder = tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("page.html"), html).unwrap();
    let measure = include_str!("measure.html").replace("WIDTH", &width.to_string());
    fs::write(at.join("measure.html"), measure).unwrap();
    let (out, said) = (at.join("out"), at.join("said"));
    // Of the browser: 0 is dark, 1 light.
    let scheme = u8::from(light == Light::Bright);
    let mut child = Command::new(browser())
        // As root it would not start without the first; the pages are our own, and nothing can be reached.
        .args(["--no-sandbox", "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--allow-file-access-from-files", "--hide-scrollbars"])
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("--user-data-dir={}", at.join("profile").display()))
        .args(["--enable-logging=stderr", "--window-size=1600,1000", "--dump-dom"])
        .arg(format!("file://{}", at.join("measure.html").display()))
        .env("HOME", at)
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&said).unwrap())
        .spawn()
        .expect("the browser starts");
    wait(&mut child, &said);
    let printed = fs::read_to_string(&out).unwrap();
    let result = printed.split("RESULT{").nth(1).and_then(|rest| rest.split("}END").next());
    let result =
        result.unwrap_or_else(|| panic!("nothing was measured:\n{}", fs::read_to_string(&said).unwrap_or_default()));
    let result = format!("{{{result}}}").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let said = fs::read_to_string(&said).unwrap_or_default();
    let complaints = said.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    Seen { measured: serde_json::from_str(&result).unwrap_or_else(|error| panic!("{error}: {result}")), complaints }
}

fn wait(child: &mut std::process::Child, said: &Path) {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(90) {
            let _ = child.kill();
            panic!("the browser hangs:\n{}", fs::read_to_string(said).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
