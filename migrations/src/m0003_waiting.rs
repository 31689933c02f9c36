//! What waits: jobs with their leases, timers, subscriptions, buffered messages, and what the engine owes.

use sea_orm_migration::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::columns::{drop_tables, index, key, primary_key, table, text, text_or_null, whole, whole_or_null};

/// The schema change of this file.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_waiting"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut jobs = table("jobs");
        jobs.col(key("key"))
            .col(whole("instance"))
            .col(whole("definition"))
            .col(text("element"))
            .col(text("kind"))
            .col(text_or_null("job_type"))
            .col(text("variables"))
            .col(whole("attempt"))
            .col(whole("retries"))
            .col(whole("priority"))
            .col(text_or_null("worker"))
            .col(whole_or_null("lease_until_ms"))
            .col(whole("not_before_ms"))
            .col(whole("created_ms"))
            .col(text_or_null("assignee"));
        manager.create_table(jobs).await?;
        index(manager, "jobs", &["instance"], false).await?;
        let mut timers = table("timers");
        timers
            .col(whole("instance"))
            .col(whole("number"))
            .col(whole("due_ms"))
            .col(whole("repetitions_left"))
            .primary_key(&mut primary_key(&["instance", "number"]));
        manager.create_table(timers).await?;
        let mut subscriptions = table("subscriptions");
        subscriptions
            .col(whole("instance"))
            .col(whole("number"))
            .col(text("kind"))
            .col(text("name"))
            .col(text_or_null("correlation_key"))
            .col(text_or_null("start_event"))
            .primary_key(&mut primary_key(&["instance", "number"]));
        manager.create_table(subscriptions).await?;
        let mut messages = table("messages");
        messages
            .col(key("key"))
            .col(text("name"))
            .col(text_or_null("correlation_key"))
            .col(text("variables"))
            .col(whole("expires_ms"))
            .col(text_or_null("message_id"));
        manager.create_table(messages).await?;
        let mut follow_ups = table("follow_ups");
        follow_ups.col(key("key")).col(text("action"));
        manager.create_table(follow_ups).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["follow_ups", "messages", "subscriptions", "timers", "jobs"]).await
    }
}
