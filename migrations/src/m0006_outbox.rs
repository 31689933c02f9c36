//! Effects on other parts that wait for delivery, and results of commands with an idempotency key.

use sea_orm_migration::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::columns::{drop_tables, index, primary_text, serial, table, text, text_or_null, whole};

/// The schema change of this file.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_outbox"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut outbox = table("outbox");
        outbox
            .col(serial("id"))
            .col(text("topic"))
            .col(text("item_key"))
            .col(text("payload"))
            .col(whole("attempts"))
            .col(text_or_null("reason"));
        manager.create_table(outbox).await?;
        index(manager, "outbox", &["topic", "id"], false).await?;
        let mut idempotency = table("idempotency");
        idempotency.col(primary_text("idempotency_key")).col(whole("result"));
        manager.create_table(idempotency).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["idempotency", "outbox"]).await
    }
}
