//! Every setting with its value in effect and where that comes from.

use super::{Configuration, Effective, Loaded, environment, masked_url};

/// Where a value comes from that nobody set.
const DEFAULT: &str = "default";

impl Loaded {
    /// All settings that have an environment variable, and what else was set, by key; secrets masked.
    #[must_use]
    pub fn effective(&self) -> Vec<Effective> {
        let mut all = self.set.clone();
        for (_, key) in environment::variables() {
            if !all.iter().any(|entry| entry.key == key) {
                let value = value_of(&self.configuration, key);
                all.push(Effective { key: key.to_owned(), value, origin: DEFAULT.to_owned() });
            }
        }
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all
    }
}

/// The value of a setting as people read it.
fn value_of(configuration: &Configuration, key: &str) -> String {
    let model = &configuration.model;
    let aws = model.aws.clone().unwrap_or_default();
    let secret = |secret: &llm::Secret| if secret.reveal().is_empty() { "" } else { "***" }.to_owned();
    match key {
        "listen" => configuration.listen.to_string(),
        "hosts" => configuration.hosts.join(","),
        "log_format" => format!("{:?}", configuration.log_format).to_lowercase(),
        "log_filter" => configuration.log_filter.clone(),
        "engine.kind" => format!("{:?}", configuration.engine.kind).to_lowercase(),
        "engine.url" => masked_url(&configuration.engine.url),
        "engine.token" => secret(&configuration.engine.token),
        "engine.client_id" => configuration.engine.client_id.clone(),
        "engine.client_secret" => secret(&configuration.engine.client_secret),
        "engine.token_url" => masked_url(&configuration.engine.token_url),
        "engine.audience" => configuration.engine.audience.clone(),
        "engine.scope" => configuration.engine.scope.clone(),
        "database.url" => masked_url(&configuration.database.url),
        "model.base_url" => masked_url(&model.base_url),
        "model.api_key" => secret(&model.api_key),
        "model.aws.region" => aws.region.clone(),
        "model.aws.access_key_id" => aws.access_key_id.clone(),
        "model.aws.secret_access_key" => secret(&aws.secret_access_key),
        "model.aws.session_token" => secret(&aws.session_token),
        "model.model" => model.model.clone(),
        "model.embedding_model" => model.embedding_model.clone().unwrap_or_default(),
        "model.transcription_model" => model.transcription_model.clone().unwrap_or_default(),
        "model.retries" => model.retries.to_string(),
        "model.concurrency" => model.concurrency.to_string(),
        "budget.day_tokens" => {
            configuration.budget.day_tokens.map(|limit| limit.to_string()).unwrap_or_default()
        }
        "budget.day_cost" => configuration.budget.day_cost.map(|limit| limit.to_string()).unwrap_or_default(),
        "speech.base_url" => masked_url(&configuration.speech.base_url),
        "speech.api_key" => secret(&configuration.speech.api_key),
        "memory.url" => masked_url(&configuration.memory.url),
        "memory.api_key" => secret(&configuration.memory.api_key),
        "prompts.approvers" => configuration.prompts.approvers.to_string(),
        "forecasts.record" => configuration.forecasts.record.to_string(),
        "network.hosts" => configuration.network.hosts.join(","),
        "network.private_hosts" => configuration.network.private_hosts.join(","),
        "containers.socket" => configuration.containers.socket.clone(),
        "containers.images" => configuration.containers.images.join(","),
        // A variable without a line here shows nothing; a test finds it.
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded() -> Loaded {
        Loaded { configuration: Configuration::default(), set: Vec::new(), file: None }
    }

    #[test]
    fn every_setting_with_a_variable_has_a_value() {
        let all = loaded().effective();
        assert!(all.iter().all(|entry| entry.value != "?" && entry.origin == DEFAULT), "{all:?}");
        assert_eq!(all.len(), environment::variables().count());
    }

    #[test]
    fn the_page_on_configuration_lists_every_variable_with_its_setting() {
        let page = include_str!("../../../docs/configuration.md");
        for (variable, key) in environment::variables() {
            let row = page.lines().find(|line| line.contains(&format!("`{variable}`")));
            assert!(
                row.is_some_and(|row| row.contains(&format!("`{key}`"))),
                "{variable} for {key} is missing"
            );
        }
    }

    #[test]
    fn what_is_set_shows_its_origin_instead_of_the_default() {
        let mut loaded = loaded();
        let listen = Effective { key: "listen".into(), value: "x".into(), origin: "PROCOS_LISTEN".into() };
        loaded.set.push(listen.clone());
        assert_eq!(loaded.effective().into_iter().find(|entry| entry.key == "listen"), Some(listen));
    }
}
