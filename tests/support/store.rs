//! Servers on this machine that hold objects: one that speaks S3 and checks signatures, and one that does as it is told.

#[path = "scripted.rs"]
mod scripted;

use std::path::Path;

pub use scripted::{Answer, Asked, Scripted};

/// What the S3 server below expects.
pub const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub const SECRET_KEY: &str = "wJalrXUtnFEMI-example-only";

/// Serves the folders of `root` as buckets for as long as the tests run. Requests must be signed.
pub fn s3(root: &Path) -> String {
    let files = s3s_fs::FileSystem::new(root).expect("the folder exists");
    let mut service = s3s::service::S3ServiceBuilder::new(files);
    service.set_auth(s3s::auth::SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    let service = service.build();
    let (told, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            told.send(listener.local_addr().expect("an address")).expect("somebody waits");
            loop {
                let (socket, _) = listener.accept().await.expect("a connection");
                let service = service.clone();
                tokio::spawn(async move {
                    let socket = hyper_util::rt::TokioIo::new(socket);
                    let server = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
                    let _ = server.serve_connection(socket, service).await;
                });
            }
        });
    });
    format!("http://{}", address.recv().expect("the server starts"))
}

/// A listing of one bucket, as S3 writes it: key, bytes, entity tag.
pub fn listing(objects: &[(&str, usize, &str)]) -> Answer {
    let contents: Vec<String> = objects
        .iter()
        .map(|(key, size, tag)| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>2026-01-01T12:00:00.000Z</LastModified><ETag>&quot;{tag}&quot;</ETag>\
                 <Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            )
        })
        .collect();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult><Name>logs</Name><Prefix></Prefix><KeyCount>{}</KeyCount>\
         <MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{}</ListBucketResult>",
        objects.len(),
        contents.concat()
    );
    Answer::new(200, body).with("Content-Type", "application/xml")
}
