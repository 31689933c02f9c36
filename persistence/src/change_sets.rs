//! Change sets of the ontology in a table: the source of truth behind the graph's index.

use async_trait::async_trait;
use ontology::model::ChangeSet;
use ontology::{ChangeSets, Error as OntologyError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use trail::NewEvent;

use crate::rows::Row;
use crate::statements::{execute, int, int_or_null, json, text};
use crate::writer::{Write, Written};
use crate::{Database, Error};

/// Change sets that one call reads at most.
const PAGE_LIMIT: usize = 1_000;

/// What a conflict is reported by, between the writer and the port.
const CONFLICT: &str = "change-set-conflict:";

struct Append {
    change: ChangeSet,
    expected: i64,
    event: Option<NewEvent>,
}

#[async_trait]
impl Write for Append {
    async fn write(&mut self, on: &DatabaseTransaction) -> Result<Written, Error> {
        let sql = "SELECT COALESCE(MAX(id), 0) AS id FROM change_sets WHERE system = $1";
        let found = newest(on, sql, vec![text(self.change.system.clone())]).await?;
        if found != self.expected {
            return Err(Error::Conflict(format!("{CONFLICT}{found}")));
        }
        // One sequence over all systems, so that readers can ask for everything after a number.
        let number = newest(on, "SELECT COALESCE(MAX(id), 0) AS id FROM change_sets", Vec::new()).await? + 1;
        self.change.number = number;
        let organisation = self.event.as_ref().map_or("local", |event| event.organisation.as_str());
        let insert = "INSERT INTO change_sets (organisation, actor, id, system, parent, author, message, at_ms, content) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let values = vec![
            text(organisation),
            text(self.change.author.clone()),
            int(number),
            text(self.change.system.clone()),
            int_or_null((found > 0).then_some(found)),
            text(self.change.author.clone()),
            text(self.change.message.clone()),
            int(self.change.at_ms),
            json(&self.change)?,
        ];
        execute(on, insert, values).await?;
        Ok(Written { result: Some(number), events: self.event.take().into_iter().collect() })
    }
}

async fn newest(on: &DatabaseTransaction, sql: &str, values: Vec<sea_orm::Value>) -> Result<i64, Error> {
    let statement = Statement::from_sql_and_values(on.get_database_backend(), sql, values);
    on.query_one_raw(statement).await?.map_or(Ok(0), |row| Row(&row).int("id"))
}

#[async_trait]
impl ChangeSets for Database {
    async fn append(&self, change: ChangeSet, expected: i64, event: NewEvent) -> Result<i64, OntologyError> {
        let system = change.system.clone();
        self.write(Append { change, expected, event: Some(event) }).await.map_err(|error| match &error {
            Error::Conflict(text) => match text.strip_prefix(CONFLICT).and_then(|found| found.parse().ok()) {
                Some(found) => OntologyError::Conflict { system, expected, found },
                None => OntologyError::Store(error.to_string()),
            },
            Error::Full(_) => OntologyError::Full,
            _ => OntologyError::Store(error.to_string()),
        })
    }

    async fn read(&self, after: i64, limit: usize) -> Result<Vec<ChangeSet>, OntologyError> {
        let limit = limit.min(PAGE_LIMIT);
        let sql = format!("SELECT content FROM change_sets WHERE id > $1 ORDER BY id LIMIT {limit}");
        self.change_sets(sql, vec![int(after)]).await
    }

    async fn of_system(
        &self,
        system: &str,
        after: i64,
        limit: usize,
    ) -> Result<Vec<ChangeSet>, OntologyError> {
        let limit = limit.min(PAGE_LIMIT);
        let sql = format!(
            "SELECT content FROM change_sets WHERE system = $1 AND id > $2 ORDER BY id LIMIT {limit}"
        );
        self.change_sets(sql, vec![text(system), int(after)]).await
    }
}

impl Database {
    async fn change_sets(
        &self,
        sql: String,
        values: Vec<sea_orm::Value>,
    ) -> Result<Vec<ChangeSet>, OntologyError> {
        let read = async {
            let rows = self.query(sql, values).await?;
            rows.iter().map(|row| Row(row).json("content")).collect::<Result<Vec<ChangeSet>, Error>>()
        };
        read.await.map_err(|error| OntologyError::Store(error.to_string()))
    }
}
