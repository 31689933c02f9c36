//! Rows read back: typed access by column name, and the words that enumerations are stored as.

use bpmn::exec::SubscriptionKind;
use bpmn::program::JobKind;
use engine::port::Status;
use sea_orm::QueryResult;
use serde::de::DeserializeOwned;

use crate::Error;

/// A row with typed access.
pub(crate) struct Row<'a>(pub(crate) &'a QueryResult);

impl Row<'_> {
    /// A whole number.
    pub(crate) fn int(&self, column: &str) -> Result<i64, Error> {
        Ok(self.0.try_get("", column)?)
    }

    /// A whole number or nothing.
    pub(crate) fn int_or_null(&self, column: &str) -> Result<Option<i64>, Error> {
        Ok(self.0.try_get("", column)?)
    }

    /// A whole number of a smaller type.
    pub(crate) fn small<T: TryFrom<i64>>(&self, column: &str) -> Result<T, Error> {
        let value = self.int(column)?;
        T::try_from(value).map_err(|_| Error::Unreadable(format!("{column} {value} is out of range")))
    }

    /// A truth value.
    pub(crate) fn truth(&self, column: &str) -> Result<bool, Error> {
        Ok(self.int(column)? != 0)
    }

    /// A floating-point number.
    pub(crate) fn real(&self, column: &str) -> Result<f64, Error> {
        Ok(self.0.try_get("", column)?)
    }

    /// A text.
    pub(crate) fn text(&self, column: &str) -> Result<String, Error> {
        Ok(self.0.try_get("", column)?)
    }

    /// A text or nothing.
    pub(crate) fn text_or_null(&self, column: &str) -> Result<Option<String>, Error> {
        Ok(self.0.try_get("", column)?)
    }

    /// A value from JSON text.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, Error> {
        serde_json::from_str(&self.text(column)?)
            .map_err(|error| Error::Unreadable(format!("column {column}: {error}")))
    }
}

/// An enumeration that is stored as a word.
pub(crate) trait Word: Sized + Copy + 'static {
    /// Each value with its word.
    const WORDS: &'static [(Self, &'static str)];

    /// The word of this value.
    fn word(self) -> &'static str;

    /// The value of a word.
    fn parse(word: &str) -> Result<Self, Error> {
        Self::WORDS
            .iter()
            .find(|(_, known)| *known == word)
            .map(|(value, _)| *value)
            .ok_or_else(|| Error::Unreadable(format!("the word {word}")))
    }
}

macro_rules! words {
    ($kind:ty: $($value:path => $word:literal),+) => {
        impl Word for $kind {
            const WORDS: &'static [(Self, &'static str)] = &[$(($value, $word)),+];

            fn word(self) -> &'static str {
                match self {
                    $($value => $word),+
                }
            }
        }
    };
}

words!(Status: Status::Active => "active", Status::Suspended => "suspended", Status::Completed => "completed",
    Status::Terminated => "terminated", Status::Failed => "failed");
words!(JobKind: JobKind::Service => "service", JobKind::User => "user");
words!(SubscriptionKind: SubscriptionKind::Message => "message", SubscriptionKind::Signal => "signal");
