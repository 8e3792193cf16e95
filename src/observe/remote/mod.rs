//! Objects of S3, Google Cloud Storage, Azure and web servers: listed, matched, and fetched into a private folder, where they
//! are files like any other. The stores themselves and the proof of who asks are left to the `object_store` library.

mod address;
mod downloads;
mod error;
mod store;
mod trouble;

use std::{io::Write as _, path::PathBuf, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _, path::Path as Key};

use self::address::{Address, Wanted};
pub use self::{downloads::Downloads, error::RemoteError, trouble::Trouble};
use super::{ObserveError, integrity};

/// Objects that are fetched at the same time.
const AT_A_TIME: usize = 4;

/// Silence of a server after which a request counts as failed, and may be sent again.
const SILENCE: Duration = Duration::from_secs(30);

/// Whether a source is the address of a store rather than a path.
pub(super) fn is_address(text: &str) -> bool {
    address::scheme(text).is_some()
}

/// A fetched object: where it is now, how everybody calls it, and what must not be named twice.
pub(super) struct Fetched {
    pub path: PathBuf,
    pub address: String,
    pub identity: String,
}

/// Fetches what an address stands for. In the order of the addresses, whatever order they came in.
pub(super) fn fetch(text: &str, downloads: &Downloads) -> Result<Vec<Fetched>, ObserveError> {
    let address = Address::parse(text)?;
    let store = store::open(&address).map_err(|error| RemoteError::failed("open", &address.shown, &error))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| RemoteError::Temporary { folder: std::env::temp_dir(), cause })?;
    runtime.block_on(async {
        let mut objects = listed(&address, &*store).await?;
        objects.sort_by(|a, b| a.name.cmp(&b.name));
        for object in &objects {
            if object.size == Some(0) {
                return Err(ObserveError::Empty { path: object.name.clone().into() });
            }
        }
        let store = &*store;
        let files = stream::iter(objects).map(|object| download(store, object, downloads));
        files.buffered(AT_A_TIME).try_collect().await
    })
}

/// An object to fetch.
struct Object {
    key: Key,
    name: String,
    identity: String,
    /// Bytes and entity tag that it was listed with; a web server says neither beforehand.
    size: Option<u64>,
    tag: Option<String>,
}

impl Object {
    fn new(address: &Address, meta: ObjectMeta) -> Self {
        let name = address.name_of(meta.location.as_ref());
        Self { key: meta.location, identity: name.clone(), name, size: Some(meta.size), tag: meta.e_tag }
    }
}

async fn listed(address: &Address, store: &dyn ObjectStore) -> Result<Vec<Object>, ObserveError> {
    let failed = |error: &object_store::Error| RemoteError::failed("list", &address.shown, error);
    let objects = |found: Vec<ObjectMeta>| found.into_iter().map(|meta| Object::new(address, meta)).collect();
    match &address.wanted {
        Wanted::Url { identity } => Ok(vec![Object {
            key: Key::default(),
            name: address.shown.clone(),
            identity: identity.to_string(),
            size: None,
            tag: None,
        }]),
        Wanted::Matching { prefix, deep, .. } => {
            let prefix = Some(prefix).filter(|prefix| !prefix.as_ref().is_empty());
            let found: Vec<ObjectMeta> = if *deep {
                // Only what matches is kept: a bucket may hold more objects than there is memory.
                let all = store.list(prefix);
                all.try_filter(|meta| std::future::ready(address.matches(meta.location.as_ref())))
                    .try_collect()
                    .await
                    .map_err(|error| failed(&error))?
            } else {
                let level = store.list_with_delimiter(prefix).await.map_err(|error| failed(&error))?;
                level.objects.into_iter().filter(|meta| address.matches(meta.location.as_ref())).collect()
            };
            if found.is_empty() {
                return Err(ObserveError::NoMatch { pattern: address.shown.clone() });
            }
            Ok(objects(found))
        }
        Wanted::Named { key, folder } => {
            if !folder {
                match store.head(key).await {
                    Ok(meta) => return Ok(objects(vec![meta])),
                    Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(RemoteError::failed("look up", &address.shown, &error).into()),
                }
            }
            let prefix = Some(key).filter(|key| !key.as_ref().is_empty());
            let level = store.list_with_delimiter(prefix).await.map_err(|error| failed(&error))?;
            let any = !level.objects.is_empty() || !level.common_prefixes.is_empty();
            let data = |meta: &ObjectMeta| integrity::kind_by_name(meta.location.as_ref().as_ref()).is_some();
            let found: Vec<ObjectMeta> = level.objects.into_iter().filter(data).collect();
            match (found.is_empty(), any || *folder) {
                (false, _) => Ok(objects(found)),
                (true, true) => Err(ObserveError::EmptyDirectory { path: address.shown.clone().into() }),
                (true, false) => Err(RemoteError::NoObject { address: address.shown.clone() }.into()),
            }
        }
    }
}

/// Writes one object to a file of its own, chunk by chunk. It must be the object that was listed, and whole.
async fn download(store: &dyn ObjectStore, object: Object, downloads: &Downloads) -> Result<Fetched, ObserveError> {
    let Object { key, name, identity, size, tag } = object;
    let failed = |error: object_store::Error| RemoteError::failed("fetch", &name, &error);
    let ending = address::ending(&name).ok_or_else(|| ObserveError::UnknownFormat { path: name.clone().into() })?;
    let (mut file, path) = downloads.create(&name, ending)?;
    // A weak tag never matches, whatever it is compared with.
    let options = GetOptions { if_match: tag.filter(|tag| !tag.starts_with("W/")), ..GetOptions::default() };
    let answer = store.get_opts(&key, options).await.map_err(failed)?;
    let trouble = |cause| RemoteError::Failed { doing: "fetch", address: name.clone(), cause };
    if size.is_some_and(|size| size != answer.meta.size) {
        return Err(trouble(Trouble::Replaced).into());
    }
    let expected = answer.meta.size;
    let mut chunks = answer.into_stream();
    let mut got = 0;
    while let Some(chunk) = chunks.try_next().await.map_err(failed)? {
        got += chunk.len() as u64;
        file.write_all(&chunk).map_err(|cause| downloads.unwritable(cause))?;
    }
    if got != expected {
        return Err(trouble(Trouble::CutShort).into());
    }
    tracing::debug!(object = name, bytes = got, "fetched");
    Ok(Fetched { path, address: name, identity })
}
