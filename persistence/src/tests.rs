//! One suite on three stores: in memory, on SQLite, and on PostgreSQL where `PROCOS_TEST_POSTGRES` gives a server.

mod differential;
mod engine_on_database;
mod faults;
pub(crate) mod kills;
mod records;
mod schema;
mod suite;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::Database;

/// A time for rows.
const NOW_MS: i64 = 1_900_000_000_000;

/// Where a test's database is.
enum Place {
    /// In a folder that goes with the test.
    Sqlite(TempDir),
    /// A database of its own on the test server.
    Postgres { server: String, name: String },
}

/// A database for one test.
struct Bench {
    database: Database,
    place: Place,
}

/// The test server, if there is one; says so where there is none.
fn server() -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test harness is told by its environment where the server is"
    )]
    let url = std::env::var("PROCOS_TEST_POSTGRES").ok();
    if url.is_none() {
        println!(
            "skipped on PostgreSQL: PROCOS_TEST_POSTGRES is not set (tests/postgres.sh start gives its value)"
        );
    }
    url
}

impl Bench {
    async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let database = Database::open_sqlite(&folder.path().join("procos.db")).await.unwrap();
        Self { database, place: Place::Sqlite(folder) }
    }

    async fn postgres() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = server()?;
        let name = format!("procos_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let mut connection = PgConnection::connect(&server).await.unwrap();
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        connection.close().await.unwrap();
        let place = Place::Postgres { server, name };
        let database = Database::open_postgres(&place.address()).await.unwrap();
        Some(Self { database, place })
    }

    /// Both kinds of database, as far as there is a server.
    async fn all() -> Vec<Self> {
        let mut all = vec![Self::sqlite().await];
        all.extend(Self::postgres().await);
        all
    }

    fn file(&self) -> PathBuf {
        match &self.place {
            Place::Sqlite(folder) => folder.path().join("procos.db"),
            Place::Postgres { .. } => panic!("there is no file"),
        }
    }

    /// Closes it and opens it again.
    async fn reopen(&mut self) {
        self.database.close().await;
        self.database = self.open().await.unwrap();
    }

    /// Opens the same database a second time.
    async fn open(&self) -> Result<Database, crate::Error> {
        match &self.place {
            Place::Sqlite(_) => Database::open_sqlite(&self.file()).await,
            Place::Postgres { .. } => Database::open_postgres(&self.place.address()).await,
        }
    }

    /// Runs SQL past the writer, as somebody who tampers does.
    async fn tamper(&self, sql: &str) {
        match &self.place {
            Place::Sqlite(_) => {
                let mut connection = SqliteConnection::connect(&self.address()).await.unwrap();
                connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
                connection.close().await.unwrap();
            }
            Place::Postgres { .. } => {
                let mut connection = PgConnection::connect(&self.address()).await.unwrap();
                connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// Where others than the writer find the same database.
    fn address(&self) -> String {
        match &self.place {
            Place::Sqlite(_) => format!("sqlite://{}", self.file().display()),
            place @ Place::Postgres { .. } => place.address(),
        }
    }

    /// Closes it and leaves nothing behind.
    async fn remove(self) {
        self.database.close().await;
        if let Place::Postgres { server, name } = &self.place {
            let mut connection = PgConnection::connect(server).await.unwrap();
            connection.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

impl Place {
    fn address(&self) -> String {
        match self {
            Self::Sqlite(_) => panic!("a file is not at an address"),
            Self::Postgres { server, name } => {
                let (before, _) = server.rsplit_once('/').unwrap();
                format!("{before}/{name}")
            }
        }
    }
}
