//! Prompts with their versions, labels and approvals.

use sea_orm_migration::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::columns::{drop_tables, index, primary_key, serial, table, text, whole};

/// The schema change of this file.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0009_prompts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut prompts = table("prompts");
        prompts
            .col(text("name"))
            .col(text("version"))
            .col(whole("at_ms"))
            .col(text("content"))
            .primary_key(&mut primary_key(&["name", "version"]));
        manager.create_table(prompts).await?;
        let mut prompt_labels = table("prompt_labels");
        prompt_labels
            .col(text("name"))
            .col(text("label"))
            .col(text("version"))
            .col(whole("at_ms"))
            .primary_key(&mut primary_key(&["name", "label"]));
        manager.create_table(prompt_labels).await?;
        let mut prompt_approvals = table("prompt_approvals");
        prompt_approvals
            .col(serial("id"))
            .col(text("name"))
            .col(text("version"))
            .col(text("decision"))
            .col(text("reason"))
            .col(whole("at_ms"))
            .col(text("content"));
        manager.create_table(prompt_approvals).await?;
        index(manager, "prompt_approvals", &["name", "version"], false).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["prompt_approvals", "prompt_labels", "prompts"]).await
    }
}
