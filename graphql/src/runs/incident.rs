//! An open incident.

use async_graphql::SimpleObject;

use crate::scalar::{Key, Timestamp};

/// Something that cannot go on by itself.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Incident {
    /// Its key.
    key: Key,
    /// The instance it belongs to.
    instance: Key,
    /// Id of the BPMN element.
    element_id: String,
    /// Stable code.
    code: String,
    /// In words, with the way out.
    message: String,
    /// When it was raised.
    raised_at: Timestamp,
}

impl From<engine::port::Incident> for Incident {
    fn from(found: engine::port::Incident) -> Self {
        Self {
            key: Key(found.key),
            instance: Key(found.instance),
            element_id: found.element,
            code: found.code,
            message: found.message,
            raised_at: Timestamp(found.raised_ms),
        }
    }
}
