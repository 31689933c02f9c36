//! Process instances: what everybody sees, and the engine's own state.

use sea_orm_migration::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::columns::{drop_tables, index, key, table, text, text_or_null, whole, whole_or_null};

/// The schema change of this file.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_instances"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut instances = table("instances");
        instances
            .col(key("key"))
            .col(whole("definition"))
            .col(text("process_id"))
            .col(whole("version"))
            .col(text("status"))
            .col(whole("incidents"))
            .col(text_or_null("business_key"))
            .col(whole_or_null("parent_instance"))
            .col(whole_or_null("parent_call"))
            .col(text("variables"))
            .col(whole("seed"))
            .col(whole("dry_run"))
            .col(whole("started_ms"))
            .col(whole_or_null("ended_ms"))
            .col(text("state"));
        manager.create_table(instances).await?;
        index(manager, "instances", &["status", "key"], false).await?;
        index(manager, "instances", &["process_id", "key"], false).await?;
        index(manager, "instances", &["definition", "key"], false).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["instances"]).await
    }
}
