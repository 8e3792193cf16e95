//! What can be wrong with objects and their addresses, each with its way out.

use std::{io, path::PathBuf};

use super::Trouble;
use crate::domain::fault::{Exit, Fixable};

#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("addresses that begin with `{scheme}://` are not known")]
    UnknownScheme { scheme: String },
    #[error("`{address}` cannot be read as an address: {what}")]
    BadAddress { address: String, what: String },
    #[error("`{address}` holds credentials")]
    SecretInAddress { address: String },
    #[error("`{address}` would be read without encryption")]
    Unencrypted { address: String },
    #[error("there is no object `{address}`, and none below it")]
    NoObject { address: String },
    #[error("cannot {doing} `{address}`")]
    Failed {
        doing: &'static str,
        address: String,
        #[source]
        cause: Trouble,
    },
    #[error("objects cannot be kept in `{}` while they are read", folder.display())]
    Temporary {
        folder: PathBuf,
        #[source]
        cause: io::Error,
    },
}

impl RemoteError {
    pub(super) fn failed(doing: &'static str, address: &str, error: &object_store::Error) -> Self {
        Self::Failed { doing, address: address.to_owned(), cause: Trouble::of(error) }
    }
}

impl Fixable for RemoteError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownScheme { .. } => {
                "s3, gs, az, abfs, https and postgres are; what lies on this machine is named by its path alone".into()
            }
            Self::BadAddress { .. } => {
                "write `s3://bucket/folder/*.parquet`, `gs://…`, `az://container/…` or `https://host/file.csv`".into()
            }
            Self::SecretInAddress { .. } => {
                "everybody on this machine can read a command line: put credentials where the cloud's own tools look for them"
                    .into()
            }
            Self::Unencrypted { .. } => "use https; plain http is for servers on this machine".into(),
            Self::NoObject { .. } => "check bucket and name; names are case sensitive".into(),
            Self::Failed { cause, address, .. } => cause.hint(address),
            Self::Temporary { .. } => "set TMPDIR to a folder that can be written and has room for the objects".into(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::UnknownScheme { .. }
            | Self::BadAddress { .. }
            | Self::SecretInAddress { .. }
            | Self::Unencrypted { .. } => Exit::Usage,
            Self::NoObject { .. } | Self::Failed { .. } | Self::Temporary { .. } => Exit::Source,
        }
    }
}
