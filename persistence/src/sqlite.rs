//! SQLite: how a file is opened so that what was acknowledged survives a power cut, and by one process only.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::{DatabaseConnection, SqlxSqliteConnector};
use sqlx::ConnectOptions;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::Error;
use crate::database::Opened;
use crate::statements::STATEMENTS;

/// The oldest SQLite without the known races of its write-ahead log.
const OLDEST_VERSION: (u32, u32, u32) = (3, 51, 3);
const OLDEST_VERSION_TEXT: &str = "3.51.3";
/// How long a connection waits for another one's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What a checkpoint leaves of the write-ahead log, in bytes.
const JOURNAL_SIZE_LIMIT: &str = "67108864";
/// Pages of the write-ahead log (32 MiB) after which a commit copies them into the file: each time costs two flushes
/// more, and a page that was written often meanwhile is copied once.
const AUTO_CHECKPOINT: &str = "8192";
/// Page cache of a connection: 16 MiB (negative numbers are KiB).
const CACHE_SIZE: &str = "-16384";
/// Connections for reading.
const READERS: u32 = 4;
/// `PRAGMA synchronous` as it reads when it is FULL.
const SYNCHRONOUS_FULL: i64 = 2;

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("journal_size_limit", JOURNAL_SIZE_LIMIT)
        .pragma("wal_autocheckpoint", AUTO_CHECKPOINT)
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", CACHE_SIZE)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging()
}

/// Takes the lock beside the file, then opens the writer's connection.
pub(crate) async fn open(path: &Path) -> Result<Opened, Error> {
    let lock = take_lock(path)?;
    let failed =
        |error: sqlx::Error| Error::Open { path: path.display().to_string(), detail: error.to_string() };
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options(path))
        .await
        .map_err(failed)?;
    check(&writer).await?;
    Ok(Opened { connection: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer), lock: Some(lock) })
}

/// Connections for reading, opened when they are needed.
pub(crate) fn readers(path: &Path) -> DatabaseConnection {
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options(path).pragma("query_only", "ON"));
    SqlxSqliteConnector::from_sqlx_sqlite_pool(readers)
}

fn take_lock(path: &Path) -> Result<File, Error> {
    let lock_path = beside(path, ".lock");
    let failed = |error: std::io::Error| Error::Open {
        path: lock_path.display().to_string(),
        detail: error.to_string(),
    };
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: path.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Reads back what durability depends on: some builds of SQLite have other defaults.
async fn check(pool: &SqlitePool) -> Result<(), Error> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(pool).await?;
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < OLDEST_VERSION {
        return Err(Error::TooOld { found: version, needed: OLDEST_VERSION_TEXT });
    }
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await?;
    if synchronous != SYNCHRONOUS_FULL {
        return Err(Error::Setting { setting: "synchronous=FULL", found: synchronous.to_string() });
    }
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await?;
    if journal != "wal" {
        return Err(Error::Setting { setting: "journal_mode=WAL", found: journal });
    }
    Ok(())
}

/// Writes a consistent copy of the file to `to`, which must not exist, while work goes on.
pub(crate) async fn backup(path: &Path, to: &Path) -> Result<(), Error> {
    let Some(target) = to.to_str() else {
        return Err(Error::Unsupported(format!("the name {} is not UTF-8", to.display())));
    };
    let mut connection = options(path).connect().await?;
    let copied = sqlx::query("VACUUM INTO ?1").bind(target).execute(&mut connection).await;
    sqlx::Connection::close(connection).await?;
    copied?;
    // VACUUM INTO leaves flushing to the system; a backup that a power cut takes away is none.
    let file = File::open(to).map_err(|error| Error::Failed(error.to_string()))?;
    file.sync_all().map_err(|error| Error::Failed(error.to_string()))
}
