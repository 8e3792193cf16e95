//! Files that a gate writes beside what it prints.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{cli::Failure, domain::gate::GateReport, report};

/// Files that are written beside what is printed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
pub(super) struct FileArgs {
    /// Versioned JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// `JUnit` XML: a test case for each comparison that can fail
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// SARIF 2.1.0 for code scanning
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Markdown for a comment; GitHub's summary of the step gets the same where `GITHUB_STEP_SUMMARY` is set
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// GitLab's code quality report
    #[arg(long, value_name = "FILE")]
    code_quality: Option<PathBuf>,
}

impl FileArgs {
    pub(super) fn write(&self, report: &GateReport) -> Result<(), Failure> {
        let write = |path: &Option<PathBuf>, form: fn(&GateReport) -> String| match path {
            Some(path) => written(path, std::fs::write(path, form(report))),
            None => Ok(()),
        };
        write(&self.json, report::gate_json)?;
        write(&self.junit, report::gate_junit)?;
        write(&self.sarif, report::gate_sarif)?;
        write(&self.markdown, report::gate_markdown)?;
        write(&self.code_quality, report::gate_code_quality)?;
        if let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from) {
            // Other steps have their own part of it.
            let opened = std::fs::OpenOptions::new().append(true).create(true).open(&path);
            written(&path, opened.and_then(|mut file| file.write_all(report::gate_markdown(report).as_bytes())))?;
        }
        if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
            eprint!("{}", report::gate_annotations(report));
        }
        Ok(())
    }
}

pub(super) fn written(path: &Path, done: std::io::Result<()>) -> Result<(), Failure> {
    done.map_err(|cause| {
        Failure::usage(
            format!("cannot write `{}`: {cause}", path.display()),
            "check its folder and the room on the disk",
        )
    })
}
