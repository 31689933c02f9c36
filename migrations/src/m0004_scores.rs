//! How tasks were executed, attempts that count in scores, and their sums by subject.

use sea_orm_migration::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::columns::{drop_tables, index, primary_key, real, serial, table, text, whole, whole_or_null};

/// The schema change of this file.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_scores"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut task_runs = table("task_runs");
        task_runs
            .col(serial("id"))
            .col(whole("instance"))
            .col(whole("job"))
            .col(whole("attempt"))
            .col(text("element"))
            .col(text("executed_by"))
            .col(text("state"))
            .col(whole("started_ms"))
            .col(whole("ended_ms"))
            .col(text("content"));
        manager.create_table(task_runs).await?;
        index(manager, "task_runs", &["instance", "id"], false).await?;
        let mut attempts = table("attempts");
        attempts
            .col(serial("id"))
            .col(text("subject_kind"))
            .col(text("subject"))
            .col(whole_or_null("version"))
            .col(whole("success"))
            .col(whole_or_null("instance"))
            .col(whole("duration_ms"))
            .col(real("cost"))
            .col(whole("at_ms"));
        manager.create_table(attempts).await?;
        index(manager, "attempts", &["subject_kind", "subject", "id"], false).await?;
        let mut scores = table("scores");
        scores
            .col(text("subject_kind"))
            .col(text("subject"))
            .col(whole("attempts"))
            .col(whole("successes"))
            .col(whole("duration_ms"))
            .col(real("cost"))
            .col(whole("last_ms"))
            .primary_key(&mut primary_key(&["subject_kind", "subject"]));
        manager.create_table(scores).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["scores", "attempts", "task_runs"]).await
    }
}
