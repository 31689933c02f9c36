//! The append-only, hash-chained record of everything that happened.

use sea_orm_migration::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::columns::{drop_tables, index, key, table, text, text_or_null, whole, whole_or_null};

/// The schema change of this file.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0005_trail"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut trail_events = table("trail_events");
        trail_events
            .col(key("position"))
            .col(text("previous_hash"))
            .col(text("hash"))
            .col(text("kind"))
            .col(whole("at_ms"))
            .col(whole_or_null("instance"))
            .col(whole_or_null("definition"))
            .col(text_or_null("element"))
            .col(text_or_null("subject"))
            .col(text("data"));
        manager.create_table(trail_events).await?;
        index(manager, "trail_events", &["instance", "position"], false).await?;
        index(manager, "trail_events", &["subject", "position"], false).await?;
        index(manager, "trail_events", &["kind", "position"], false).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["trail_events"]).await
    }
}
