//! Every environment variable that ProcOS reads, in one list.

use toml::Value;

/// What kind of value a variable holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Truth,
    List,
}

/// Variable → setting. `PROCOS_DATA_DIR` is read by the command line itself.
const VARIABLES: &[(&str, &str, Kind)] = &[
    ("PROCOS_LISTEN", "listen", Kind::Text),
    ("PROCOS_HOSTS", "hosts", Kind::List),
    ("PROCOS_LOG_FORMAT", "log_format", Kind::Text),
    ("PROCOS_LOG", "log_filter", Kind::Text),
    ("PROCOS_ENGINE", "engine.kind", Kind::Text),
    ("PROCOS_ENGINE_URL", "engine.url", Kind::Text),
    ("PROCOS_ENGINE_TOKEN", "engine.token", Kind::Text),
    ("PROCOS_ENGINE_CLIENT_ID", "engine.client_id", Kind::Text),
    ("PROCOS_ENGINE_CLIENT_SECRET", "engine.client_secret", Kind::Text),
    ("PROCOS_ENGINE_TOKEN_URL", "engine.token_url", Kind::Text),
    ("PROCOS_ENGINE_AUDIENCE", "engine.audience", Kind::Text),
    ("PROCOS_ENGINE_SCOPE", "engine.scope", Kind::Text),
    ("PROCOS_DATABASE_URL", "database.url", Kind::Text),
    ("PROCOS_MODEL_BASE_URL", "model.base_url", Kind::Text),
    ("PROCOS_MODEL_API_KEY", "model.api_key", Kind::Text),
    ("PROCOS_MODEL_AWS_REGION", "model.aws.region", Kind::Text),
    ("PROCOS_MODEL_AWS_ACCESS_KEY_ID", "model.aws.access_key_id", Kind::Text),
    ("PROCOS_MODEL_AWS_SECRET_ACCESS_KEY", "model.aws.secret_access_key", Kind::Text),
    ("PROCOS_MODEL_AWS_SESSION_TOKEN", "model.aws.session_token", Kind::Text),
    ("PROCOS_MODEL_NAME", "model.model", Kind::Text),
    ("PROCOS_MODEL_EMBEDDING", "model.embedding_model", Kind::Text),
    ("PROCOS_MODEL_TRANSCRIPTION", "model.transcription_model", Kind::Text),
    ("PROCOS_MODEL_RETRIES", "model.retries", Kind::Number),
    ("PROCOS_MODEL_CONCURRENCY", "model.concurrency", Kind::Number),
    ("PROCOS_BUDGET_DAY_TOKENS", "budget.day_tokens", Kind::Number),
    ("PROCOS_BUDGET_DAY_COST", "budget.day_cost", Kind::Number),
    ("PROCOS_SPEECH_BASE_URL", "speech.base_url", Kind::Text),
    ("PROCOS_SPEECH_API_KEY", "speech.api_key", Kind::Text),
    ("PROCOS_MEMORY_URL", "memory.url", Kind::Text),
    ("PROCOS_MEMORY_API_KEY", "memory.api_key", Kind::Text),
    ("PROCOS_PROMPT_APPROVERS", "prompts.approvers", Kind::Number),
    ("PROCOS_FORECASTS_RECORD", "forecasts.record", Kind::Truth),
    ("PROCOS_NETWORK_HOSTS", "network.hosts", Kind::List),
    ("PROCOS_NETWORK_PRIVATE_HOSTS", "network.private_hosts", Kind::List),
    ("PROCOS_CONTAINERS_SOCKET", "containers.socket", Kind::Text),
    ("PROCOS_CONTAINERS_IMAGES", "containers.images", Kind::List),
];

/// The variables that make settings: (variable, dotted key).
pub(super) fn variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    VARIABLES.iter().map(|(variable, key, _)| (*variable, *key))
}

/// The settings that the environment makes: (dotted key, value, variable). Other variables are left alone.
pub(super) fn settings(
    variables: impl Iterator<Item = (String, String)>,
) -> impl Iterator<Item = (String, Value, String)> {
    variables.filter_map(|(name, text)| {
        let (variable, key, kind) = VARIABLES.iter().find(|(variable, ..)| *variable == name)?;
        let value = match kind {
            Kind::Text => Value::String(text),
            // What is no number stays a text: reading the configuration then names the setting.
            Kind::Number => match (text.parse(), text.parse()) {
                (Ok(whole), _) => Value::Integer(whole),
                (_, Ok(number)) => Value::Float(number),
                _ => Value::String(text),
            },
            Kind::Truth => text.parse().map_or(Value::String(text), Value::Boolean),
            Kind::List => {
                Value::Array(text.split(',').map(|item| Value::String(item.trim().to_owned())).collect())
            }
        };
        Some(((*key).to_owned(), value, (*variable).to_owned()))
    })
}
