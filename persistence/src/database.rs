//! A database that is open: its connections, its writer, and how it is opened, copied and closed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt;
use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement, StreamTrait, Value};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};

use crate::chain::Chain;
use crate::rows::Row;
use crate::writer::{self, Request, Write};
use crate::{Documents, Error, postgres, sqlite};

/// An open database; cheap to clone. Implements `engine::Store`, `trail::Trail` and `trail::Outbox`.
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

struct Shared {
    writer: mpsc::Sender<Request>,
    readers: DatabaseConnection,
    backend: DbBackend,
    file: Option<PathBuf>,
    /// Told when the writer has ended.
    ended: tokio::sync::Mutex<Option<oneshot::Receiver<()>>>,
}

/// What the writer's thread begins with.
pub(crate) struct Opened {
    pub(crate) connection: DatabaseConnection,
    /// Keeps other processes away from a file.
    pub(crate) lock: Option<File>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("backend", &self.shared.backend)
            .field("file", &self.shared.file)
            .finish()
    }
}

impl Database {
    /// Opens a SQLite file, making it if it is missing, and applies what migrations are due.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process (or another `Database`) has it open, [`Error::Open`],
    /// [`Error::TooOld`], [`Error::Setting`], [`Error::Failed`].
    pub async fn open_sqlite(path: &Path) -> Result<Self, Error> {
        let file = path.to_owned();
        let open = async move { sqlite::open(&file).await };
        Self::start(open, sqlite::readers(path), DbBackend::Sqlite, Some(path.to_owned())).await
    }

    /// Opens a PostgreSQL database by its address (`postgres://user:password@host:port/name`).
    ///
    /// # Errors
    /// As [`Database::open_sqlite`].
    pub async fn open_postgres(url: &str) -> Result<Self, Error> {
        let options = postgres::options(url)?;
        let readers = postgres::readers(options.clone());
        Self::start(postgres::open(options), readers, DbBackend::Postgres, None).await
    }

    /// Opens the writer's connection and starts the writer.
    async fn start(
        open: impl Future<Output = Result<Opened, Error>> + Send + 'static,
        readers: DatabaseConnection,
        backend: DbBackend,
        file: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let (writer, requests) = mpsc::channel(writer::QUEUE_LIMIT);
        let (ready, is_ready) = oneshot::channel();
        let (has_ended, ended) = oneshot::channel();
        let work = async move {
            // Whoever opens the database may have gone: then nobody asks, and the writer ends at once.
            match prepare(open).await {
                Ok((Opened { connection, lock }, chain)) => {
                    let _gone = ready.send(Ok(()));
                    // The writer keeps the lock file: it is released when the last write is done and not before.
                    writer::run(connection, requests, chain, lock).await;
                }
                Err(error) => {
                    let _gone = ready.send(Err(error));
                }
            }
            let _gone = has_ended.send(());
        };
        match backend {
            DbBackend::Postgres => on_a_thread(work)?,
            // SQLite's connection works on a thread of its own anyway.
            _ => drop(tokio::spawn(work)),
        }
        is_ready.await.map_err(|_| Error::Closed)??;
        let ended = tokio::sync::Mutex::new(Some(ended));
        Ok(Self { shared: Arc::new(Shared { writer, readers, backend, file, ended }) })
    }

    /// Small things kept as JSON.
    #[must_use]
    pub fn documents(&self) -> Documents {
        Documents::new(self.clone())
    }

    /// Writes a consistent copy to a file that does not exist yet, while work goes on (SQLite only).
    ///
    /// # Errors
    /// [`Error::Unsupported`] on PostgreSQL, which brings its own tools; [`Error::Failed`], [`Error::Full`].
    pub async fn backup(&self, to: &Path) -> Result<(), Error> {
        match &self.shared.file {
            Some(file) => sqlite::backup(file, to).await,
            None => {
                Err(Error::Unsupported("PostgreSQL is backed up by pg_dump or its own archiving".to_owned()))
            }
        }
    }

    /// The same of a SQLite file that another process may have open.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::Full`].
    pub async fn backup_of(file: &Path, to: &Path) -> Result<(), Error> {
        sqlite::backup(file, to).await
    }

    /// Waits until everything queued is written, then closes; later writes are refused with [`Error::Closed`].
    pub async fn close(&self) {
        // A full queue only means waiting for our turn; a closed one that somebody else was first.
        if self.shared.writer.send(Request::Stop).await.is_err() {
            tracing::debug!("the database is closed already");
        }
        if let Some(ended) = self.shared.ended.lock().await.take()
            && ended.await.is_err()
        {
            tracing::error!("the database's writer broke down");
        }
        if let Err(error) = self.shared.readers.clone().close().await {
            tracing::warn!(%error, "closing the readers failed");
        }
    }

    /// `sqlite` or `postgres`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.shared.backend {
            DbBackend::Sqlite => "sqlite",
            _ => "postgres",
        }
    }

    /// Which SQL it speaks.
    pub(crate) fn backend(&self) -> DbBackend {
        self.shared.backend
    }

    /// Hands a write to the writer and waits until it is durable.
    pub(crate) async fn write(&self, write: impl Write + 'static) -> Result<i64, Error> {
        let (answer, answered) = oneshot::channel();
        let request = Request::Write { write: Box::new(write), answer };
        self.shared.writer.send(request).await.map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }

    /// Reads rows as one JSON text, and of each the columns as a tuple or a list: very many small rows take a fraction
    /// of the time that they take one by one. `rest` is what follows the columns.
    pub(crate) async fn read_page<T: DeserializeOwned>(
        &self,
        columns: &str,
        rest: &str,
        values: Vec<Value>,
    ) -> Result<Vec<T>, Error> {
        let sql = match self.shared.backend {
            DbBackend::Postgres => format!(
                "SELECT COALESCE(json_agg(json_build_array({columns})), '[]')::text AS page \
                 FROM (SELECT {columns} {rest}) AS page_rows"
            ),
            _ => format!(
                "SELECT json_group_array(json_array({columns})) AS page FROM (SELECT {columns} {rest})"
            ),
        };
        let rows = self.query(sql, values).await?;
        rows.first().map_or(Ok(Vec::new()), |row| Row(row).json("page"))
    }

    /// Reads rows one by one, and keeps of each what `read` makes of it: many rows take no more room than that.
    pub(crate) async fn read_all<T>(
        &self,
        sql: impl Into<String>,
        values: Vec<Value>,
        read: impl Fn(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let statement = Statement::from_sql_and_values(self.shared.backend, sql, values);
        let mut rows = self.shared.readers.stream_raw(statement).await?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().await {
            found.push(read(&Row(&row?))?);
        }
        Ok(found)
    }

    /// Reads rows.
    pub(crate) async fn query(
        &self,
        sql: impl Into<String>,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, Error> {
        let statement = Statement::from_sql_and_values(self.shared.backend, sql, values);
        Ok(self.shared.readers.query_all_raw(statement).await?)
    }
}

/// Opens the writer's connection, applies what migrations are due, and finds the end of the trail.
async fn prepare(open: impl Future<Output = Result<Opened, Error>>) -> Result<(Opened, Chain), Error> {
    let opened = open.await?;
    Migrator::up(&opened.connection, None).await?;
    let chain = Chain::load(&opened.connection).await?;
    Ok((opened, chain))
}

/// Works on a thread of its own, so that what comes from the server does not queue behind those who wait for it.
fn on_a_thread(work: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::Failed(format!("the writer cannot start: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let thread = std::thread::Builder::new().name("database-writer".to_owned());
    thread.spawn(move || runtime.block_on(work)).map_err(failed)?;
    Ok(())
}
