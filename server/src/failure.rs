//! A failure as the command line shows it: code, message, the way out, and the exit code.

use std::fmt;
use std::process::ExitCode;

/// Why a command did not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Stable code; its page is `docs/errors/<code>.md`.
    pub code: String,
    /// What happened.
    pub message: String,
    /// The way out, where there is one.
    pub hint: String,
    /// True where the call itself was wrong (exit code 2), false where the work failed (exit code 1).
    pub wrong_call: bool,
}

impl Failure {
    /// The call was wrong: a bad file, option or name.
    #[must_use]
    pub fn wrong_call(code: &str, message: impl fmt::Display, hint: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_string(), hint: hint.to_owned(), wrong_call: true }
    }

    /// The call was right, the work failed.
    #[must_use]
    pub fn work(code: &str, message: impl fmt::Display, hint: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_string(), hint: hint.to_owned(), wrong_call: false }
    }

    /// The exit code: 1 the work failed, 2 the call was wrong.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(if self.wrong_call { 2 } else { 1 })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.message)?;
        if !self.hint.is_empty() {
            write!(f, "\nhint: {}", self.hint)?;
        }
        Ok(())
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        let wrong_call = matches!(
            error,
            engine::Error::Refused { .. } | engine::Error::NotFound { .. } | engine::Error::Invalid(_)
        );
        Self { code: error.code().to_owned(), message: error.to_string(), hint: String::new(), wrong_call }
    }
}

impl From<camunda::Error> for Failure {
    fn from(error: camunda::Error) -> Self {
        let wrong_call = matches!(error, camunda::Error::Address { .. });
        Self { wrong_call, ..Self::work(error.code(), &error, error.hint()) }
    }
}

impl From<kernel::Error> for Failure {
    fn from(error: kernel::Error) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            hint: error.hint().to_owned(),
            wrong_call: false,
        }
    }
}

impl From<persistence::Error> for Failure {
    fn from(error: persistence::Error) -> Self {
        Self::work(error.code(), &error, error.hint().unwrap_or_default())
    }
}

impl From<ontology::Error> for Failure {
    fn from(error: ontology::Error) -> Self {
        let wrong_call = matches!(
            error,
            ontology::Error::NotFound { .. } | ontology::Error::Invalid(_) | ontology::Error::Query(_)
        );
        let hint = error.hint().to_owned();
        Self { code: error.code().to_owned(), message: error.to_string(), hint, wrong_call }
    }
}

impl From<das::Error> for Failure {
    fn from(error: das::Error) -> Self {
        use das::Error as E;
        let wrong_call = !matches!(error, E::Stopped(_) | E::Engine(_) | E::Ontology(_) | E::Memory(_));
        let hint = error.hint().unwrap_or_default().to_owned();
        Self { code: error.code().to_owned(), message: error.to_string(), hint, wrong_call }
    }
}

impl From<trail::Error> for Failure {
    fn from(error: trail::Error) -> Self {
        Self::work(error.code(), &error, "")
    }
}

impl From<memory::Error> for Failure {
    fn from(error: memory::Error) -> Self {
        Self::work(error.code(), &error, error.hint())
    }
}

impl From<context::Error> for Failure {
    fn from(error: context::Error) -> Self {
        use context::Error as E;
        let wrong_call = matches!(
            error,
            E::NotFound { .. }
                | E::Invalid { .. }
                | E::Variables { .. }
                | E::Suite { .. }
                | E::NothingBefore { .. }
        );
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            hint: error.hint().to_owned(),
            wrong_call,
        }
    }
}
