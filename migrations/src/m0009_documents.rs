//! Small things kept as JSON by collection and key.

use sea_orm_migration::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::columns::{drop_tables, primary_key, table, text, whole};

/// The schema change of this file.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0009_documents"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut documents = table("documents");
        documents
            .col(text("collection"))
            .col(text("key"))
            .col(text("content"))
            .col(whole("updated_ms"))
            .primary_key(&mut primary_key(&["collection", "key"]));
        manager.create_table(documents).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["documents"]).await
    }
}
