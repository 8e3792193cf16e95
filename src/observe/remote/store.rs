//! Opens the store of an address. Credentials come from the environment or from what the cloud gives its machines, and go to
//! the store alone.

use std::{sync::Once, time::Duration};

use jiff::SignedDuration;
use object_store::{
    BackoffConfig, ClientConfigKey, ClientOptions, ObjectStore, RetryConfig,
    aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder,
    client::{HttpClient, HttpConnector},
    gcp::GoogleCloudStorageBuilder,
    http::HttpBuilder,
};
use reqwest::redirect::{Attempt, Policy};

use super::{
    SILENCE,
    address::{Address, Store},
};

/// A request that failed is sent again so often, and no more once this long has passed.
const RETRIES: usize = 3;
const RETRY_FOR: Duration = Duration::from_mins(3);

/// Redirects of one request that stay with its server.
const REDIRECTS: usize = 5;

pub(super) fn open(address: &Address) -> object_store::Result<Box<dyn ObjectStore>> {
    let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES, retry_timeout: RETRY_FOR };
    Ok(match &address.store {
        Store::S3 { bucket } => Box::new(
            AmazonS3Builder::from_env()
                .with_bucket_name(bucket)
                .with_retry(retry)
                .with_http_connector(Connector)
                .build()?,
        ),
        Store::Google { bucket } => Box::new(
            GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(bucket)
                .with_retry(retry)
                .with_http_connector(Connector)
                .build()?,
        ),
        Store::Azure { url } => Box::new(
            MicrosoftAzureBuilder::from_env().with_url(url).with_retry(retry).with_http_connector(Connector).build()?,
        ),
        Store::Web { url } => Box::new(
            HttpBuilder::new()
                .with_url(url.as_str())
                .with_config(ClientConfigKey::AllowHttp, (url.scheme() == "http").to_string())
                .with_retry(retry)
                .with_http_connector(Connector)
                .build()?,
        ),
    })
}

/// Makes the clients that the library talks through: like its own, but a redirect is followed only on the same server, and an
/// object may take as long as it keeps coming.
#[derive(Debug)]
struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // The one cryptography of this program; another library may have chosen it before.
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let option = |key| options.get_config_value(&key);
        let connect = option(ClientConfigKey::ConnectTimeout).and_then(|text| text.parse::<SignedDuration>().ok());
        let connect = connect.and_then(|duration| Duration::try_from(duration).ok());
        let client = reqwest::Client::builder()
            .user_agent(concat!("llm-auto-optimizer/", env!("CARGO_PKG_VERSION")))
            .https_only(option(ClientConfigKey::AllowHttp).as_deref() != Some("true"))
            .connect_timeout(connect.unwrap_or(Duration::from_secs(5)))
            .read_timeout(SILENCE)
            .redirect(Policy::custom(same_server))
            .build()
            .map_err(|error| object_store::Error::Generic { store: "HTTP client", source: Box::new(error) })?;
        Ok(HttpClient::new(client))
    }
}

/// Another server may be inside a network that only this machine sees, or log the signature of the address.
fn same_server(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let first = attempt.previous().first();
    let same = first.is_some_and(|first| first.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= REDIRECTS { attempt.follow() } else { attempt.stop() }
}
