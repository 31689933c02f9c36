//! What DAS proposes and suggests, and how people decided.

use sea_orm_migration::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::columns::{drop_tables, index, key, table, text, whole};

/// The schema change of this file.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0010_suggestions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut proposals = table("proposals");
        proposals
            .col(key("id"))
            .col(text("state"))
            .col(text("subject"))
            .col(whole("at_ms"))
            .col(text("content"));
        manager.create_table(proposals).await?;
        index(manager, "proposals", &["state", "id"], false).await?;
        let mut suggestions = table("suggestions");
        suggestions
            .col(key("id"))
            .col(text("state"))
            .col(text("subject"))
            .col(whole("at_ms"))
            .col(text("content"));
        manager.create_table(suggestions).await?;
        index(manager, "suggestions", &["state", "id"], false).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["suggestions", "proposals"]).await
    }
}
