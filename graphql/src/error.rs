//! What can go wrong in the API, and how the errors of every part look to a client: code, words, the way out.

use std::sync::Arc;

use async_graphql::ErrorExtensionValues;

/// An error of the API, or of a part behind it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// An argument makes no sense.
    #[error("{argument}: {problem}")]
    Argument {
        /// Which argument.
        argument: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A limit was reached.
    #[error("limit {limit} reached: {detail}")]
    Limit {
        /// Name of the limit.
        limit: &'static str,
        /// What reached it.
        detail: String,
    },
    /// It needs a part that is not configured.
    #[error("{what} needs {part}, which is not configured")]
    Missing {
        /// What was asked for.
        what: &'static str,
        /// What is missing.
        part: &'static str,
    },
    /// The thing is in a state that does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// Work broke off inside.
    #[error("{0} broke off inside")]
    Broken(&'static str),
    /// The BPMN given cannot be read.
    #[error(transparent)]
    Bpmn(#[from] bpmn::error::Error),
    /// The engine refused or failed.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The trail failed.
    #[error(transparent)]
    Trail(#[from] trail::Error),
    /// The graph refused or failed.
    #[error(transparent)]
    Ontology(#[from] ontology::Error),
    /// Memory refused or failed.
    #[error(transparent)]
    Memory(#[from] memory::Error),
    /// The context manager refused or failed.
    #[error(transparent)]
    Context(#[from] context::Error),
    /// The kernel refused or failed.
    #[error(transparent)]
    Kernel(#[from] kernel::Error),
    /// The assistant refused or failed.
    #[error(transparent)]
    Das(#[from] das::Error),
}

impl Error {
    /// The stable code, which is also the name of a page in `docs/errors/`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "API-0001",
            Self::Argument { .. } => "API-0002",
            Self::Limit { .. } => "API-0003",
            Self::Missing { .. } => "API-0004",
            Self::Conflict(_) => "API-0005",
            Self::Broken(_) => "API-0006",
            Self::Bpmn(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Trail(error) => error.code(),
            Self::Ontology(error) => error.code(),
            Self::Memory(error) => error.code(),
            Self::Context(error) => error.code(),
            Self::Kernel(error) => error.code(),
            Self::Das(error) => error.code(),
        }
    }

    /// The way out, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { .. } => Some("list what there is and use an id from there"),
            Self::Argument { .. } => Some("correct the argument; the schema describes it"),
            Self::Limit { .. } => Some("ask for less at a time: smaller pages, fewer fields or aliases"),
            Self::Missing { .. } => Some("procos doctor shows how to configure it"),
            Self::Conflict(_) => Some("read the state again"),
            Self::Broken(_) => Some("try again; the server's log says more"),
            Self::Bpmn(error) => Some(error.hint()),
            Self::Engine(error) => error.hint(),
            Self::Memory(error) => Some(error.hint()),
            Self::Context(error) => Some(error.hint()),
            Self::Kernel(kernel::Error::Engine(error)) => error.hint(),
            Self::Kernel(error) => Some(error.hint()),
            Self::Das(das::Error::Engine(error)) => error.hint(),
            Self::Das(das::Error::Ontology(error)) | Self::Ontology(error) => Some(error.hint()),
            Self::Das(error) => error.hint(),
            Self::Trail(_) => Some("see that the disk or database works; the server's log says more"),
        }
    }

    /// The line of a file that it is about.
    pub(crate) fn line(&self) -> Option<u32> {
        match self {
            Self::Ontology(ontology::Error::Malformed { line, .. }) => Some(*line),
            _ => None,
        }
    }

    /// True where the words come from a store or an endpoint and are for the log, not for a client.
    fn is_internal(&self) -> bool {
        let engine = |error: &engine::Error| matches!(error, engine::Error::Store(_));
        let ontology = |error: &ontology::Error| matches!(error, ontology::Error::Store(_));
        match self {
            Self::Engine(error)
            | Self::Kernel(kernel::Error::Engine(error))
            | Self::Das(das::Error::Engine(error)) => engine(error),
            Self::Ontology(error) | Self::Das(das::Error::Ontology(error)) => ontology(error),
            Self::Trail(_) | Self::Kernel(kernel::Error::Trail(_)) | Self::Das(das::Error::Stopped(_)) => {
                true
            }
            Self::Memory(error) | Self::Das(das::Error::Memory(error)) => {
                matches!(error, memory::Error::Store { .. })
            }
            Self::Context(error) => matches!(error, context::Error::Store(_) | context::Error::Trail(_)),
            _ => false,
        }
    }

    /// The words a client sees. What a store said goes to the log.
    #[must_use]
    pub fn public_message(&self) -> String {
        if self.is_internal() {
            tracing::error!(code = self.code(), error = %self, "a part behind the API failed");
            return "a part behind the API failed; the server's log says more".to_owned();
        }
        self.to_string()
    }
}

/// An error on its way to a client. It has no `Display` on purpose: the conversion below keeps code and hint.
#[derive(Clone)]
pub(crate) struct Refusal(Arc<Error>);

/// What a resolver gives. It has the name that the macros of the schema look for.
pub(crate) type Result<T, E = Refusal> = std::result::Result<T, E>;

impl From<Refusal> for async_graphql::Error {
    fn from(Refusal(error): Refusal) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", error.code());
        if let Some(hint) = error.hint() {
            extensions.set("hint", hint);
        }
        let mut shown = Self::new(error.public_message());
        shown.extensions = Some(extensions);
        shown
    }
}

impl Refusal {
    /// True where what was asked for is not there.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self.0.as_ref(), Error::NotFound { .. } | Error::Ontology(ontology::Error::NotFound { .. }))
    }
}

macro_rules! refusals {
    ($($source:ty),* $(,)?) => {
        $(impl From<$source> for Refusal {
            fn from(error: $source) -> Self {
                Self(Arc::new(error.into()))
            }
        })*
    };
}

refusals!(
    Error,
    bpmn::error::Error,
    engine::Error,
    trail::Error,
    ontology::Error,
    memory::Error,
    context::Error,
    kernel::Error,
    das::Error,
);

/// Loaders share one failure among all who wait for it.
impl From<Arc<Error>> for Refusal {
    fn from(error: Arc<Error>) -> Self {
        Self(error)
    }
}

/// The state was not put into the schema: a mistake of whoever built it.
impl From<async_graphql::Error> for Refusal {
    fn from(error: async_graphql::Error) -> Self {
        tracing::error!(error = %error.message, "the schema was put together without its state");
        Self(Arc::new(Error::Broken("the API")))
    }
}
