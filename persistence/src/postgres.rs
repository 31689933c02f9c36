//! PostgreSQL: the same tables and the same single writer, which an advisory lock guards.

use std::str::FromStr;
use std::time::Duration;

use sea_orm::{DatabaseConnection, SqlxPostgresConnector};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};

use crate::Error;
use crate::statements::STATEMENTS;

/// The advisory lock of the one writer of a database: the letters `ProcOS` as a number.
const WRITER_LOCK: i64 = 0x5072_6f63_4f53;
/// Connections for reading.
const READERS: u32 = 8;
/// How often, and how long apart, the lock is asked for: a server may notice late that its last holder is gone.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// How long a statement waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of the writer's connection. Durability is not left to the server's configuration. The writer's few
/// statements all find their rows by an index, and are planned once: a plan made while a table was nearly empty would
/// go on reading the whole of it.
const SETTINGS: [&str; 3] =
    ["SET synchronous_commit = on", "SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off"];

/// The connections to one database.
pub(crate) struct Connections {
    pub(crate) writer: DatabaseConnection,
    pub(crate) readers: DatabaseConnection,
}

/// The address without what must not be shown.
pub(crate) fn shown(options: &PgConnectOptions) -> String {
    format!(
        "postgres://{}:{}/{}",
        options.get_host(),
        options.get_port(),
        options.get_database().unwrap_or_default()
    )
}

/// Opens the writer, which takes the lock with every new connection, and the readers.
pub(crate) async fn open(url: &str) -> Result<Connections, Error> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| Error::Open {
            path: "the PostgreSQL address".to_owned(),
            detail: error.to_string(),
        })?
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    let path = shown(&options);
    check_lock(&options, &path).await?;
    let writer = PgPoolOptions::new()
        .max_connections(1)
        .min_connections(0)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                let held: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
                    .bind(WRITER_LOCK)
                    .fetch_one(&mut *connection)
                    .await?;
                for setting in SETTINGS {
                    sqlx::query(setting).execute(&mut *connection).await?;
                }
                if held { Ok(()) } else { Err(sqlx::Error::Configuration(HELD.into())) }
            })
        })
        .connect_with(options.clone())
        .await
        .map_err(|error| match error {
            sqlx::Error::Configuration(text) if text.to_string() == HELD => {
                Error::Locked { path: path.clone() }
            }
            other => Error::Open { path: path.clone(), detail: other.to_string() },
        })?;
    let readers = PgPoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options);
    Ok(Connections {
        writer: SqlxPostgresConnector::from_sqlx_postgres_pool(writer),
        readers: SqlxPostgresConnector::from_sqlx_postgres_pool(readers),
    })
}

/// Says who is in the way at once, where a pool would only try until its time is over.
async fn check_lock(options: &PgConnectOptions, path: &str) -> Result<(), Error> {
    let failed = |error: sqlx::Error| Error::Open { path: path.to_owned(), detail: error.to_string() };
    let mut connection = options.connect().await.map_err(failed)?;
    let mut free = false;
    for _ in 0..LOCK_TRIES {
        free = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(WRITER_LOCK)
            .fetch_one(&mut connection)
            .await
            .map_err(failed)?;
        if free {
            let release = sqlx::query("SELECT pg_advisory_unlock($1)").bind(WRITER_LOCK);
            release.execute(&mut connection).await.map_err(failed)?;
            break;
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    connection.close().await.map_err(failed)?;
    if free { Ok(()) } else { Err(Error::Locked { path: path.to_owned() }) }
}

const HELD: &str = "another process holds the writer's lock";
