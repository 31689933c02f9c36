//! Who answers at an address: the first thing to ask, because its errors can be told apart best.

use crate::Error;
use crate::rest::{NOT_CAMUNDA, Rest, optional};

/// Asks the engine at `url` for its version.
///
/// # Errors
/// Where the address is none, nobody answers, somebody else does, or Camunda wants a user and a password.
pub async fn version(url: &str) -> Result<String, Error> {
    let path = "/version";
    let strange = |detail: &str| Error::Strange { path: path.to_owned(), detail: detail.to_owned() };
    match Rest::new(url)?.get(path).await {
        Ok(answer) => optional(&answer, "version").ok_or_else(|| strange("it names no version")),
        Err(Error::Missing { .. }) => Err(strange("there is nothing")),
        // What in between answers while Camunda starts answers the same for ever where the path is wrong.
        Err(Error::Refused { status: 503, detail, .. }) if detail == NOT_CAMUNDA => {
            Err(strange("there is nothing"))
        }
        Err(error) => Err(error),
    }
}
