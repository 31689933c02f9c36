//! Jobs know which visit of their element they are: what draws are seeded from, so that a run can be repeated.

use sea_orm_migration::async_trait;
use sea_orm_migration::prelude::{Alias, DbErr, MigrationName, MigrationTrait, SchemaManager, Table};

use crate::columns::whole;

/// The schema change of this file.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0010_job_visits"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut visit = whole("visit");
        visit.default(1);
        manager.alter_table(Table::alter().table(Alias::new("jobs")).add_column(visit).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let visit = Alias::new("visit");
        manager.alter_table(Table::alter().table(Alias::new("jobs")).drop_column(visit).to_owned()).await
    }
}
