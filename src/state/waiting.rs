//! Waiting for the store: for a database behind a network never longer than somebody would.

use std::{io, time::Duration};

use tokio::runtime::Runtime;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// Until one statement, or one transaction of ours, is answered. Longer than anybody holds the locks that we may wait for.
const ANSWER: Duration = Duration::from_mins(2);

#[derive(Debug)]
pub(super) struct Waiting {
    runtime: Runtime,
    /// None for a file, where nothing is waited for but its lock, and that has an end of its own.
    answer: Option<Duration>,
}

impl Waiting {
    pub(super) fn new(remote: bool) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, answer: remote.then_some(ANSWER) })
    }

    /// The answer to one statement or transaction. Where it does not come, what became of it is not known: a transaction that was not
    /// committed is undone by the database when we are gone.
    pub(super) fn block_on<T, E: From<sqlx::Error>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.at_most(self.answer, work)
    }

    pub(super) fn connect<T>(&self, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
        self.at_most(self.answer.map(|_| CONNECT), work)
    }

    /// The same for what moves whole stores, and may take as long as they are large.
    pub(super) fn patiently<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn at_most<T, E: From<sqlx::Error>>(
        &self,
        longest: Option<Duration>,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some(longest) = longest else { return self.runtime.block_on(work) };
        self.runtime.block_on(async {
            tokio::time::timeout(longest, work).await.unwrap_or_else(|_| {
                let why = format!("the database does not answer within {} seconds", longest.as_secs());
                Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, why)).into())
            })
        })
    }
}
