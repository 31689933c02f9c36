//! Indexes of the trail that cost every entry and served few: kinds are asked for by their beginning, which an index
//! does not help with, and most entries have no subject.

use sea_orm_migration::async_trait;
use sea_orm_migration::prelude::{ConnectionTrait, DbErr, MigrationName, MigrationTrait, SchemaManager};

/// The schema change of this file.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0013_trail_indexes"
    }
}

const UP: [&str; 3] = [
    "DROP INDEX IF EXISTS trail_events_by_kind_position",
    "DROP INDEX IF EXISTS trail_events_by_subject_position",
    "CREATE INDEX trail_events_by_subject_position ON trail_events (subject, position) WHERE subject IS NOT NULL",
];

const DOWN: [&str; 3] = [
    "DROP INDEX IF EXISTS trail_events_by_subject_position",
    "CREATE INDEX trail_events_by_subject_position ON trail_events (subject, position)",
    "CREATE INDEX trail_events_by_kind_position ON trail_events (kind, position)",
];

async fn all(manager: &SchemaManager<'_>, statements: [&str; 3]) -> Result<(), DbErr> {
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        all(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        all(manager, DOWN).await
    }
}
