//! One session on an engine by Spark Connect: this file and its folder are the only place that knows the protocol.

mod statement;

use std::{future::Future, time::Duration};

use duckdb::arrow::util::display::array_value_to_string;
use spark_connect_core::{ChannelBuilder, RetryPolicy, SparkConnectClient, SparkError};
use spark_connect_proto::{
    ConfigRequest, ConfigResponse, KeyValue, UserContext,
    config_request::{self, operation::OpType},
};
use tokio::{
    runtime::Runtime,
    time::{Instant, timeout, timeout_at},
};

use self::statement::rows_of;
use super::{
    LakeAddress, LakeToken,
    failure::{LakeError, LakeTrouble},
};

/// Calls that compute nothing are not waited for longer.
const GREETING: Duration = Duration::from_mins(1);
/// For each of the two farewells, to an engine that may be stuck.
const FAREWELL: Duration = Duration::from_secs(2);
/// Times mean the same everywhere only in this zone.
const ZONE: (&str, &str) = ("spark.sql.session.timeZone", "UTC");
/// Whom the engine's log names unless the address says.
const USER: &str = "optimizer";

/// A session. It is released when it is dropped; one that failed is not to be used again.
pub(super) struct Connect {
    /// Always there until the end; it must not wait for a name that is still looked up.
    runtime: Option<Runtime>,
    client: Option<SparkConnectClient>,
    engine: String,
    user: String,
    secret: Option<String>,
    /// For one statement.
    patience: Duration,
    /// What the server calls the session: another name is another session, without our settings.
    session: Option<String>,
    /// As they were read back.
    settings: Vec<KeyValue>,
    version: String,
}

impl Connect {
    /// Opens a session in UTC with these settings on a server whose version is known.
    pub(super) fn open(
        address: &LakeAddress,
        token: Option<&LakeToken>,
        settings: &[(&str, &str)],
        patience: Duration,
    ) -> Result<Self, LakeError> {
        let mut opened = Self {
            runtime: None,
            client: None,
            engine: address.to_string(),
            user: address.user.clone().unwrap_or_else(|| USER.to_owned()),
            secret: token.map(|token| token.bare().to_owned()),
            patience,
            session: None,
            settings: Vec::new(),
            version: String::new(),
        };
        opened.dial(address)?;
        opened.set(settings)?;
        opened.version = opened.ask_version()?;
        Ok(opened)
    }

    fn dial(&mut self, address: &LakeAddress) -> Result<(), LakeError> {
        const DOING: &str = "it was called";
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| self.failed(DOING, LakeTrouble::Local(error.to_string())))?;
        // The token is never part of a text that an error could repeat.
        let mut channel = ChannelBuilder::parse(&address.to_string()).map_err(|error| self.told(DOING, &error))?;
        channel.set("user_agent", USER);
        channel.set("user_id", &self.user);
        channel.set("use_ssl", if address.use_ssl { "true" } else { "false" });
        if let Some(token) = &self.secret {
            channel.set("token", token);
        }
        // Without one of ours the client takes that of Spark's own tools, SPARK_CONNECT_AUTHENTICATE_TOKEN.
        self.secret = channel.token();
        let mut client =
            runtime.block_on(SparkConnectClient::connect(&channel)).map_err(|error| self.told(DOING, &error))?;
        // It would wait for up to an hour in silence.
        client.set_retry_policy(RetryPolicy::no_retries());
        (self.runtime, self.client) = (Some(runtime), Some(client));
        Ok(())
    }

    /// Settings of the session. The time zone is read back: a server that ignores it would shift every minute.
    fn set(&mut self, settings: &[(&str, &str)]) -> Result<(), LakeError> {
        const DOING: &str = "its session was set up";
        let end = self.end(GREETING);
        let pairs = settings
            .iter()
            .chain([&ZONE])
            .map(|(key, value)| KeyValue { key: (*key).to_owned(), value: Some((*value).to_owned()) });
        let pairs: Vec<KeyValue> = pairs.collect();
        let keys = pairs.iter().map(|pair| pair.key.clone()).collect();
        let set = OpType::Set(config_request::Set { pairs, ..Default::default() });
        self.session = Some(self.config(DOING, end, set)?.server_side_session_id);
        self.settings = self.config(DOING, end, OpType::Get(config_request::Get { keys }))?.pairs;
        let zone = self.settings.iter().find(|pair| pair.key == ZONE.0).and_then(|pair| pair.value.as_deref());
        match zone {
            Some(zone) if zone == ZONE.1 => Ok(()),
            zone => {
                let zone = zone.unwrap_or("an unknown zone").to_owned();
                Err(self.failed(DOING, LakeTrouble::TimeZone(zone)))
            }
        }
    }

    /// Whether the session still is as it was set up. Sail makes a new one of the same name after a restart, and says nothing.
    fn is_same(&self) -> Result<(), LakeError> {
        const DOING: &str = "its session was looked at again";
        let keys = self.settings.iter().map(|pair| pair.key.clone()).collect();
        match self.config(DOING, self.end(GREETING), OpType::Get(config_request::Get { keys })) {
            Ok(found) if found.pairs == self.settings => Ok(()),
            // Some keys are known only where they were set.
            Ok(_) | Err(LakeError { trouble: LakeTrouble::Refused(_), .. }) => {
                Err(self.failed(DOING, LakeTrouble::Forgotten))
            }
            Err(error) => Err(error),
        }
    }

    fn config(&self, doing: &'static str, end: Instant, operation: OpType) -> Result<ConfigResponse, LakeError> {
        let request = ConfigRequest {
            session_id: self.client().session_id().to_owned(),
            client_observed_server_side_session_id: self.session.clone(),
            user_context: Some(self.user_context()),
            operation: Some(config_request::Operation { op_type: Some(operation) }),
            ..Default::default()
        };
        self.wait(doing, end, self.client().config(request))
    }

    /// By a statement: the call made for it fails on a Sail that has no `PySpark` beside it.
    fn ask_version(&mut self) -> Result<String, LakeError> {
        const DOING: &str = "it was asked for its version";
        let mut said = String::new();
        let end = self.end(GREETING);
        self.run(DOING, end, rows_of("SELECT version()"), &mut |batch| {
            if batch.num_rows() > 0 && batch.num_columns() > 0 {
                said = array_value_to_string(batch.column(0), 0).unwrap_or_default();
            }
            Ok::<(), LakeError>(())
        })?;
        known(&said).map_err(|other| self.failed(DOING, LakeTrouble::OtherVersion(other)))
    }
}

impl Connect {
    fn client(&self) -> &SparkConnectClient {
        self.client.as_ref().expect("it was dialled")
    }

    fn user_context(&self) -> UserContext {
        UserContext { user_id: self.user.clone(), ..Default::default() }
    }

    fn end(&self, at_most: Duration) -> Instant {
        Instant::now() + self.patience.min(at_most)
    }

    /// Waits for the engine until `end`. Whatever is under way there is told to stop then.
    fn wait<T>(
        &self,
        doing: &'static str,
        end: Instant,
        work: impl Future<Output = Result<T, SparkError>>,
    ) -> Result<T, LakeError> {
        let runtime = self.runtime.as_ref().expect("it was dialled");
        runtime.block_on(async {
            match timeout_at(end, work).await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(error)) => Err(self.told(doing, &error)),
                Err(_) => {
                    // A server that is stuck answers neither this nor the farewell.
                    if self.session.is_some() {
                        let _ = timeout(FAREWELL, self.client().interrupt_all()).await;
                    }
                    Err(self.failed(doing, LakeTrouble::Overdue(self.patience)))
                }
            }
        })
    }

    fn told(&self, doing: &'static str, error: &SparkError) -> LakeError {
        self.failed(doing, LakeTrouble::of(error, self.session.is_some(), self.secret.as_deref()))
    }

    fn failed(&self, doing: &'static str, trouble: LakeTrouble) -> LakeError {
        LakeError { engine: self.engine.clone(), doing, trouble }
    }
}

impl Drop for Connect {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if let (Some(client), Some(_)) = (&self.client, &self.session) {
            let _ = runtime.block_on(async { timeout(FAREWELL, client.release_session()).await });
        }
        runtime.shutdown_background();
    }
}

/// What answers, from what `version()` says, or the name of what is not known. Spark tells its revision too, Sail does not.
fn known(said: &str) -> Result<String, String> {
    let (number, is_spark) = match said.split_once(' ') {
        Some((number, _)) => (number, true),
        None => (said, false),
    };
    let name = format!("{} {number}", if is_spark { "Spark" } else { "Sail" });
    let mut parts = number.split('.');
    match (is_spark, parts.next(), parts.next()) {
        (true, Some("4"), Some(_)) | (false, Some("0"), Some("7")) => Ok(name),
        _ => Err(name),
    }
}

#[cfg(test)]
mod tests;
