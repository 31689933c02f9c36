//! The schema: up, down and up again; owners on every row; documents.

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database as Orm, DatabaseConnection, DbBackend, Statement};
use serde_json::json;

use super::{Bench, NOW_MS, Place};

async fn connect(bench: &Bench) -> DatabaseConnection {
    let url = match &bench.place {
        Place::Sqlite(_) => format!("sqlite://{}", bench.file().display()),
        Place::Postgres { .. } => bench.place.address(),
    };
    Orm::connect(url).await.unwrap()
}

async fn tables(connection: &DatabaseConnection) -> Vec<String> {
    let backend = connection.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        }
        _ => "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables WHERE schemaname = 'public'",
    };
    let rows = connection.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    let mut names: Vec<String> = rows.iter().map(|row| row.try_get("", "name").unwrap()).collect();
    names.retain(|name| name != "seaql_migrations");
    names.sort();
    names
}

#[tokio::test]
async fn migrations_go_up_down_and_up_again() {
    for bench in Bench::all().await {
        bench.database.close().await;
        let connection = connect(&bench).await;
        let before = tables(&connection).await;
        assert!(before.len() >= 17, "{before:?}");
        Migrator::down(&connection, None).await.unwrap();
        assert!(tables(&connection).await.is_empty());
        Migrator::up(&connection, None).await.unwrap();
        assert_eq!(tables(&connection).await, before);
        for _ in 0..Migrator::migrations().len() {
            Migrator::down(&connection, Some(1)).await.unwrap();
        }
        assert!(tables(&connection).await.is_empty());
        Migrator::up(&connection, None).await.unwrap();
        for table in before {
            let sql = format!("SELECT organisation, actor FROM {table}");
            let backend = connection.get_database_backend();
            connection.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        }
        connection.close().await.unwrap();
        bench.remove().await;
    }
}

#[tokio::test]
async fn documents_are_put_read_listed_and_deleted() {
    for bench in Bench::all().await {
        let documents = bench.database.documents();
        for key in ["b", "a", "c"] {
            documents.put("things", key, &json!({"key": key, "n": 1.5}), NOW_MS, vec![]).await.unwrap();
        }
        let event = trail::NewEvent::new("thing.saved", NOW_MS);
        documents.put("things", "b", &json!(2), NOW_MS + 1, vec![event]).await.unwrap();
        documents.put("others", "a", &json!(null), NOW_MS, vec![]).await.unwrap();
        assert_eq!(documents.get("things", "b").await.unwrap(), Some(json!(2)));
        let listed = documents.list("things", "", 10).await.unwrap();
        let keys: Vec<&str> = listed.iter().map(|document| document.key.as_str()).collect();
        assert_eq!((keys, listed[1].updated_ms), (vec!["a", "b", "c"], NOW_MS + 1));
        assert_eq!(documents.list("things", "a", 1).await.unwrap()[0].key, "b");
        documents.delete("things", "b", vec![]).await.unwrap();
        documents.delete("things", "b", vec![]).await.unwrap();
        assert_eq!(documents.get("things", "b").await.unwrap(), None);
        assert_eq!(trail::Trail::head(&bench.database).await.unwrap(), 1);
        bench.remove().await;
    }
}
