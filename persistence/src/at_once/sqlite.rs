//! SQLite: a transaction of few statements with many rows each.

use sea_orm::DbBackend;
use sqlx::sqlite::{SqliteArguments, SqlitePool};
use sqlx::{Arguments, AssertSqlSafe, Sqlite, Transaction};

use crate::Error;
use crate::changes::{Cell, Change};
use crate::fail_point::{FailPoint, pass};
use crate::statements::statements;

pub(super) async fn write(on: &SqlitePool, rows: Vec<Change>, trail: Change) -> Result<bool, Error> {
    let mut transaction = on.begin_with("BEGIN IMMEDIATE").await?;
    pass(FailPoint::Begun);
    for change in rows {
        if let Err(error) = make(&mut transaction, change).await {
            return refused(transaction, error).await;
        }
    }
    pass(FailPoint::RowsWritten);
    if let Err(error) = make(&mut transaction, trail).await {
        return refused(transaction, error).await;
    }
    pass(FailPoint::TrailWritten);
    transaction.commit().await?;
    pass(FailPoint::Committed);
    Ok(true)
}

/// Closes the connection; the pool opens another one when it is asked for it.
pub(super) async fn renew(on: &SqlitePool) -> Result<(), sqlx::Error> {
    on.acquire().await?.close().await
}

/// Nothing is kept. Whose fault it was, finds out who writes the same again one by one.
async fn refused(transaction: Transaction<'_, Sqlite>, error: sqlx::Error) -> Result<bool, Error> {
    tracing::debug!(%error, "commits are written one by one");
    match transaction.rollback().await {
        Ok(()) => Ok(false),
        // A full disk or an I/O error has ended the transaction already.
        Err(_) => Err(error.into()),
    }
}

async fn make(transaction: &mut Transaction<'_, Sqlite>, change: Change) -> Result<(), sqlx::Error> {
    for (sql, cells) in statements(DbBackend::Sqlite, change) {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(cells.len(), 0);
        for cell in cells {
            let added = match cell {
                Cell::Int(value) => arguments.add(value),
                Cell::Real(value) => arguments.add(value),
                Cell::Text(value) => arguments.add(value),
            };
            added.map_err(sqlx::Error::Encode)?;
        }
        // The text is made of names in this program; what comes from outside is in the arguments.
        sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut **transaction).await?;
    }
    Ok(())
}
