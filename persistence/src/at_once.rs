//! Commits of the engine, and the trail that belongs to them, in a transaction that goes past SeaORM: that copies every
//! value of a statement once more, and its arrays hold no NULL.

mod postgres;
mod sqlite;

use sea_orm::{DatabaseConnection, DbBackend};

use crate::Error;
use crate::changes::Change;

/// After a transaction that was lost: SQLite has ended it by itself, and the connection still counts it as open, so that
/// there is a new one from now on. PostgreSQL's pool sees for itself whether a connection can go on.
pub(crate) async fn renew(on: &DatabaseConnection) {
    if on.get_database_backend() == DbBackend::Sqlite
        && let Err(error) = sqlite::renew(on.get_sqlite_connection_pool()).await
    {
        tracing::warn!(%error, "the writer's connection was not opened anew");
    }
}

/// Makes changes, which touch no row twice, and is durable when it returns true. False: the database refused something,
/// and nothing was written.
///
/// # Errors
/// [`Error::Full`], [`Error::Failed`]: nobody knows whether it was written.
pub(crate) async fn write(on: &DatabaseConnection, rows: Vec<Change>, trail: Change) -> Result<bool, Error> {
    match on.get_database_backend() {
        DbBackend::Postgres => postgres::write(on.get_postgres_connection_pool(), rows, trail).await,
        _ => sqlite::write(on.get_sqlite_connection_pool(), rows, trail).await,
    }
}
