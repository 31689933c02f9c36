//! Change sets of the ontology.

use sea_orm_migration::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::columns::{drop_tables, index, key, table, text, whole, whole_or_null};

/// The schema change of this file.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0008_change_sets"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut change_sets = table("change_sets");
        change_sets
            .col(key("id"))
            .col(text("system"))
            .col(whole_or_null("parent"))
            .col(text("author"))
            .col(text("message"))
            .col(whole("at_ms"))
            .col(text("content"));
        manager.create_table(change_sets).await?;
        index(manager, "change_sets", &["system", "id"], false).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["change_sets"]).await
    }
}
