//! What can be wrong with the folder before anything is written.

use crate::domain::fault::{Exit, Fixable};

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot use `{path}` as the folder for configurations")]
    Folder {
        path: String,
        #[source]
        cause: std::io::Error,
    },
}

impl Fixable for FileError {
    fn hint(&self) -> Option<String> {
        Some("make the folder first, and let this program write into it".to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
