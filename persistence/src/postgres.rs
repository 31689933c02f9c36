//! PostgreSQL: the same tables and the same single writer, which an advisory lock guards.

use std::str::FromStr;
use std::time::Duration;

use sea_orm::{DatabaseConnection, SqlxPostgresConnector};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};

use crate::Error;
use crate::database::Opened;
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
/// Unused for this long, a connection is asked whether it is still there before it is used again.
const IDLE: Duration = Duration::from_secs(1);

/// Settings of the writer's connection. Durability is not left to the server's configuration. The writer's few
/// statements all find their rows by an index, and are planned once: a plan made while a table was nearly empty would
/// go on reading the whole of it.
const SETTINGS: [&str; 3] =
    ["SET synchronous_commit = on", "SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off"];

/// The address without what must not be shown.
pub(crate) fn shown(options: &PgConnectOptions) -> String {
    format!(
        "postgres://{}:{}/{}",
        options.get_host(),
        options.get_port(),
        options.get_database().unwrap_or_default()
    )
}

/// How the database at an address is connected to.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, Error> {
    let options = PgConnectOptions::from_str(url).map_err(|error| Error::Open {
        path: "the PostgreSQL address".to_owned(),
        detail: error.to_string(),
    })?;
    Ok(options.statement_cache_capacity(STATEMENTS).disable_statement_logging())
}

/// Connections for reading, opened when they are needed.
pub(crate) fn readers(options: PgConnectOptions) -> DatabaseConnection {
    let readers = pool().max_connections(READERS).connect_lazy_with(options);
    SqlxPostgresConnector::from_sqlx_postgres_pool(readers)
}

/// A pool that asks a connection whether it is still there only if it was not used for a while: every question is a way
/// to the server and back.
fn pool() -> PgPoolOptions {
    PgPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT).test_before_acquire(false).before_acquire(
        |connection, idle| {
            Box::pin(async move {
                if idle.idle_for > IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        },
    )
}

/// Opens the writer's connection, which takes the lock whenever it is opened anew.
pub(crate) async fn open(options: PgConnectOptions) -> Result<Opened, Error> {
    let path = shown(&options);
    check_lock(&options, &path).await?;
    let writer = pool()
        .max_connections(1)
        .min_connections(0)
        .idle_timeout(None)
        .max_lifetime(None)
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
        .connect_with(options)
        .await
        .map_err(|error| match error {
            sqlx::Error::Configuration(text) if text.to_string() == HELD => {
                Error::Locked { path: path.clone() }
            }
            other => Error::Open { path: path.clone(), detail: other.to_string() },
        })?;
    Ok(Opened { connection: SqlxPostgresConnector::from_sqlx_postgres_pool(writer), lock: None })
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
