//! Deployed DMN files with their decisions.

use sea_orm_migration::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::columns::{drop_tables, index, key, table, text, whole};

/// The schema change of this file.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0011_decisions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut decisions = table("decisions");
        decisions
            .col(key("key"))
            .col(text("requirements_id"))
            .col(text("name"))
            .col(whole("version"))
            .col(text("resource"))
            .col(text("checksum"))
            .col(whole("deployed_ms"))
            .col(text("decisions"))
            .col(text("xml"));
        manager.create_table(decisions).await?;
        index(manager, "decisions", &["requirements_id", "version"], true).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["decisions"]).await
    }
}
