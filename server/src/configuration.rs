//! Configuration: defaults < `procos.toml` < environment < command line; one struct, every value with its origin.

mod effective;
mod environment;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use crate::failure::Failure;

/// Where the server listens unless told otherwise.
pub const LISTEN: &str = "127.0.0.1:8080";
/// Where everything is kept unless told otherwise.
pub const DATA_DIRECTORY: &str = "procos-data";

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Configuration {
    /// Address to listen on; loopback by default.
    pub listen: SocketAddr,
    /// Host names besides loopback ones under which browsers may reach the server.
    pub hosts: Vec<String>,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// What is logged, e.g. `info` or `server=debug,warn`.
    pub log_filter: String,
    /// Process engine.
    pub engine: Engine,
    /// Records and trail.
    pub database: Database,
    /// Language model: the default.
    pub model: llm::Config,
    /// Further models by the names that tasks and prompts use, and on which prompts are compared; one without `base_url`
    /// is at the endpoint of `model`.
    pub models: BTreeMap<String, llm::Config>,
    /// What may be spent on language models.
    pub budget: llm::Budgets,
    /// Where speech is turned into text, where that is not the endpoint of the language model.
    pub speech: Speech,
    /// Vector memory.
    pub memory: Memory,
    /// Prompts.
    pub prompts: Prompts,
    /// Lines that scores must not cross; crossing one is written into the trail and told to every webhook.
    pub score_lines: Vec<das::score_lines::ScoreLine>,
    /// Who is told.
    pub webhooks: Vec<Webhook>,
    /// Forecasts of running cases.
    pub forecasts: Forecasts,
    /// What tasks may reach over the network.
    pub network: Network,
    /// The container engine for tools that need one.
    pub containers: Containers,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            hosts: Vec::new(),
            log_format: LogFormat::Text,
            log_filter: "warn,server=info,qdrant_edge=error".to_owned(),
            engine: Engine::default(),
            database: Database::default(),
            model: llm::Config::default(),
            models: BTreeMap::new(),
            budget: llm::Budgets::default(),
            speech: Speech::default(),
            memory: Memory::default(),
            prompts: Prompts::default(),
            score_lines: Vec::new(),
            webhooks: Vec::new(),
            forecasts: Forecasts::default(),
            network: Network::default(),
            containers: Containers::default(),
        }
    }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Which process engine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Engine {
    /// `embedded`, `camunda7` or `camunda8`.
    pub kind: EngineKind,
    /// Address of its REST API, e.g. `http://127.0.0.1:8090/engine-rest` or `http://127.0.0.1:8080`.
    pub url: String,
    /// Bearer token for a Camunda 8 that wants one.
    pub token: llm::Secret,
    /// Client id for a Camunda 8 that wants a token of a token server (SaaS, Identity).
    pub client_id: String,
    /// Its secret.
    pub client_secret: llm::Secret,
    /// Address of the token server.
    pub token_url: String,
    /// Whom the token is for.
    pub audience: String,
    /// What it is for, where the token server wants to know it.
    pub scope: String,
}

/// The kinds of process engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// The engine in ProcOS itself.
    #[default]
    Embedded,
    /// A Camunda 7, Operaton or CIB seven, by its REST API.
    Camunda7,
    /// A Camunda 8.8 or later, by its Orchestration Cluster REST API.
    Camunda8,
}

/// Where records are kept.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// PostgreSQL address; empty: SQLite in the data directory.
    pub url: String,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("url", &masked_url(&self.url)).finish()
    }
}

/// An endpoint of its own for speech; its model is `model.transcription_model`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Speech {
    /// Address up to and including the version; empty: that of the language model.
    pub base_url: String,
    /// Its key.
    pub api_key: llm::Secret,
}

/// Which vector memory.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Memory {
    /// Address of a Qdrant server (gRPC); empty: qdrant-edge in the data directory.
    pub url: String,
    /// Key of the Qdrant server.
    pub api_key: llm::Secret,
}

/// How prompts are approved.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prompts {
    /// How many people other than its author must approve a version; 0: its author may.
    pub approvers: usize,
}

/// An address that is told of what happens.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its name, for the trail and the log.
    pub name: String,
    /// Where messages are posted; its host must be declared in `network`.
    pub url: String,
    /// The secret that messages are signed with.
    pub secret: llm::Secret,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = masked_url(&self.url);
        f.debug_struct("Webhook").field("name", &self.name).field("url", &url).finish_non_exhaustive()
    }
}

/// Forecasts of running cases.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Forecasts {
    /// Whether one is made at the start of each case and after each of its steps, and kept in the trail, so that past
    /// forecasts can be compared with what turned out.
    pub record: bool,
}

impl Default for Forecasts {
    fn default() -> Self {
        Self { record: true }
    }
}

/// What tasks may reach over the network. Each host is written `name`, `name:port` (TLS) or `http://name:port`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Hosts with public addresses.
    pub hosts: Vec<String>,
    /// Hosts that may have any address, also in this network or on this machine.
    pub private_hosts: Vec<String>,
}

/// A container engine (Docker or Podman). Access to its socket is as good as being root on this machine, so none is
/// used unless named here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Containers {
    /// Path of its Unix socket; empty: none.
    pub socket: String,
    /// Images that tools may name, best with their digest. None is ever pulled.
    pub images: Vec<String>,
}

impl Containers {
    /// The same for the kernel.
    #[must_use]
    pub fn settings(&self) -> kernel::ContainerSettings {
        let socket = (!self.socket.trim().is_empty()).then(|| PathBuf::from(self.socket.trim()));
        kernel::ContainerSettings { socket, images: self.images.clone() }
    }
}

/// A value as it is in effect: its key, the value with secrets masked, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Effective {
    /// Dotted key, e.g. `model.base_url`.
    pub key: String,
    /// Its value as TOML writes it; secrets are `***`.
    pub value: String,
    /// `file`, the name of an environment variable, or `default`.
    pub origin: String,
}

/// A configuration with the origin of what differs from the defaults.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub configuration: Configuration,
    /// What was set, and where.
    pub set: Vec<Effective>,
    /// The file that was read, if there is one.
    pub file: Option<PathBuf>,
}

/// Reads the configuration: `explicit` file, else `procos.toml` in the data directory if it exists.
///
/// # Errors
/// `CLI-0005` naming the file or variable and what is wrong with it.
pub fn load(explicit: Option<&Path>, data_directory: &Path) -> Result<Loaded, Failure> {
    let variables = std::env::vars();
    load_from(explicit, data_directory, variables)
}

/// As [`load`], with the environment given.
pub(crate) fn load_from(
    explicit: Option<&Path>,
    data_directory: &Path,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, Failure> {
    let usual = data_directory.join("procos.toml");
    let file = match explicit {
        Some(path) => Some(path.to_owned()),
        None => usual.exists().then_some(usual),
    };
    let mut table = match &file {
        Some(path) => read(path)?,
        None => Table::new(),
    };
    let mut set = Vec::new();
    flatten("", &table, "file", &mut set);
    for (key, value, variable) in environment::settings(variables) {
        set.retain(|entry| entry.key != key);
        set.push(Effective { key: key.clone(), value: shown(&key, &value), origin: variable });
        insert(&mut table, &key, value);
    }
    set.sort_by(|a, b| a.key.cmp(&b.key));
    complete_models(&mut table);
    let configuration = Configuration::deserialize(Value::Table(table)).map_err(|error| {
        let place =
            file.as_ref().map_or_else(|| "the environment".to_owned(), |path| path.display().to_string());
        let hint = "docs/configuration.md lists every setting";
        Failure::wrong_call("CLI-0005", format!("the configuration in {place} does not fit: {error}"), hint)
    })?;
    Ok(Loaded { configuration, set, file })
}

/// A named model without an address of its own is at the endpoint of the default one, with all that holds there.
fn complete_models(table: &mut Table) {
    let default = table.get("model").and_then(Value::as_table).cloned().unwrap_or_default();
    let Some(Value::Table(models)) = table.get_mut("models") else { return };
    for model in models.iter_mut().filter_map(|(_, model)| model.as_table_mut()) {
        if !model.contains_key("base_url") {
            for (key, value) in &default {
                model.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
}

fn read(path: &Path) -> Result<Table, Failure> {
    let wrong = |error: &dyn fmt::Display| {
        let message = format!("cannot read the configuration {}: {error}", path.display());
        Failure::wrong_call("CLI-0005", message, "docs/configuration.md lists every setting")
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    text.parse::<Table>().map_err(|error| wrong(&error))
}

fn flatten(prefix: &str, table: &Table, origin: &str, out: &mut Vec<Effective>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            // Two levels are all there is: a section and its settings.
            Value::Table(inner) if prefix.matches('.').count() < 2 => flatten(&key, inner, origin, out),
            _ => out.push(Effective { value: shown(&key, value), key, origin: origin.to_owned() }),
        }
    }
}

fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn shown(key: &str, value: &Value) -> String {
    match value {
        _ if is_secret(key) => "***".to_owned(),
        Value::String(text) if key.ends_with("url") => masked_url(text),
        Value::String(text) => text.clone(),
        other => masked(other).to_string(),
    }
}

/// Whether what stands under this key is never shown.
fn is_secret(key: &str) -> bool {
    ["api_key", "token", "secret", "secret_access_key"].iter().any(|ending| key.ends_with(ending))
}

/// A list or table without the secrets in it.
fn masked(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(masked).collect()),
        Value::Table(table) => {
            let one = |(key, value): (&String, &Value)| match value {
                Value::Array(_) | Value::Table(_) => (key.clone(), masked(value)),
                other => (key.clone(), Value::String(shown(key, other))),
            };
            Value::Table(table.iter().map(one).collect())
        }
        other => other.clone(),
    }
}

/// An address without the password in it.
#[must_use]
pub fn masked_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split_once(':').map_or(user, |(name, _)| name);
            format!("{scheme}://{user}:***@{host}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Loaded, Failure> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("procos.toml"),
            "log_format = \"json\"\n[model]\nmodel = \"small\"\n",
        )
        .unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load_from(None, folder.path(), variables.collect::<Vec<_>>().into_iter())
    }

    #[test]
    fn the_environment_wins_over_the_file_and_its_origin_is_named() {
        let loaded = with(&[("PROCOS_MODEL_NAME", "large"), ("PROCOS_MODEL_RETRIES", "2")]).unwrap();
        assert_eq!(loaded.configuration.model.model, "large");
        assert_eq!(loaded.configuration.model.retries, 2);
        assert_eq!(loaded.configuration.log_format, LogFormat::Json);
        let model = loaded.set.iter().find(|entry| entry.key == "model.model").unwrap();
        assert_eq!(model.origin, "PROCOS_MODEL_NAME");
    }

    #[test]
    fn secrets_are_never_shown() {
        let loaded =
            with(&[("PROCOS_MODEL_API_KEY", "sk-123"), ("PROCOS_DATABASE_URL", "postgres://u:geheim@h/d")])
                .unwrap();
        let shown = format!("{:?} {:?}", loaded.set, loaded.configuration);
        assert!(!shown.contains("sk-123") && !shown.contains("geheim"), "{shown}");
        assert_eq!(loaded.configuration.model.api_key.reveal(), "sk-123");
    }

    #[test]
    fn secrets_in_lists_and_keys_of_accounts_are_not_shown_either() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[[webhooks]]\nname = \"ops\"\nurl = \"https://u:hidden1@a.example\"\nsecret = \"hidden2\"\n\
                    [models.judge]\nbase_url = \"https://b/v1\"\nmodel = \"m\"\n\
                    [models.judge.aws]\naccess_key_id = \"AKID\"\nsecret_access_key = \"hidden3\"\n\
                    session_token = \"hidden4\"\n";
        std::fs::write(folder.path().join("procos.toml"), text).unwrap();
        let key = ("PROCOS_MODEL_AWS_SECRET_ACCESS_KEY".to_owned(), "hidden5".to_owned());
        let loaded = load_from(None, folder.path(), std::iter::once(key)).unwrap();
        let shown = format!("{:?} {:?} {:?}", loaded.set, loaded.effective(), loaded.configuration);
        assert!(!shown.contains("hidden") && shown.contains("ops") && shown.contains("AKID"), "{shown}");
        let aws = loaded.configuration.model.aws.unwrap();
        assert_eq!(aws.secret_access_key.reveal(), "hidden5");
    }

    #[test]
    fn a_named_model_is_at_the_default_endpoint_unless_it_has_one_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[model]\nbase_url = \"http://a/v1\"\nmodel = \"big\"\nretries = 1\n\
                    [models.small]\nmodel = \"tiny\"\n\
                    [models.away]\nbase_url = \"http://b/v1\"\napi_key = \"sk-away\"\nmodel = \"other\"\n\
                    [budget]\nday_cost = 5\n[containers]\nimages = [\"debian:12\"]\n";
        std::fs::write(folder.path().join("procos.toml"), text).unwrap();
        let key = ("PROCOS_MODEL_API_KEY".to_owned(), "sk-default".to_owned());
        let loaded = load_from(None, folder.path(), std::iter::once(key)).unwrap();
        let models = &loaded.configuration.models;
        let (small, away) = (&models["small"], &models["away"]);
        assert_eq!(
            (small.base_url.as_str(), small.model.as_str(), small.retries),
            ("http://a/v1", "tiny", 1)
        );
        assert_eq!(small.api_key.reveal(), "sk-default");
        // Another endpoint must never be sent the key of this one.
        assert_eq!((away.api_key.reveal(), away.retries), ("sk-away", llm::Config::default().retries));
        assert_eq!(loaded.configuration.budget.day_cost, Some(5.0));
        let shown = format!("{:?}", loaded.set);
        assert!(shown.contains("models.away.base_url") && !shown.contains("sk-away"), "{shown}");
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("procos.toml"), "listn = \"x\"").unwrap();
        let failure = load_from(None, folder.path(), std::iter::empty()).unwrap_err();
        assert!(failure.wrong_call && failure.message.contains("listn"), "{failure}");
    }
}
