//! Questions to the API: through the server that holds the data directory, else over the directory itself. Commands
//! that say the same either way need one of them only.

use async_graphql::{Request, Variables};
use serde_json::Value;

use super::client::failure_of;
use super::{Found, Session};
use crate::failure::Failure;

/// Asks by GraphQL; gives `data`.
pub(crate) async fn ask(session: &Session, query: &str, variables: Value) -> Result<Value, Failure> {
    if !session.is_given() {
        session.must_exist()?;
    }
    match session.at_rest().await? {
        Found::There(client) => client.ask(query, variables).await,
        Found::Here(assembly) => {
            let about = graphql::About {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                database: assembly.database.kind().to_owned(),
                data_directory: assembly.data_directory.display().to_string(),
                ..graphql::About::default()
            };
            let schema = graphql::schema(assembly.graphql_state(about));
            let request = Request::new(query).variables(Variables::from_json(variables));
            let response = schema.execute(request).await;
            assembly.close().await;
            if let Some(error) = response.errors.first() {
                return Err(failure_of(&serde_json::to_value(error).unwrap_or_default()));
            }
            response.data.into_json().map_err(|error| {
                Failure::work("CLI-0011", format!("the answer cannot be read: {error}"), "try again")
            })
        }
    }
}
