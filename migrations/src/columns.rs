//! The few kinds of columns that tables are made of, and how tables and indexes are made and dropped.

use sea_orm_migration::prelude::{
    Alias, ColumnDef, DbErr, Index, IndexCreateStatement, IntoIden, SchemaManager, Table,
    TableCreateStatement,
};

/// A table of this name with organisation and actor, ready for further columns.
pub(crate) fn table(name: &'static str) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(Alias::new(name)).col(owner("organisation")).col(owner("actor"));
    table
}

fn owner(name: &'static str) -> ColumnDef {
    let mut column = text(name);
    column.default("local");
    column
}

/// A number that the database gives: 1, 2, 3, …
pub(crate) fn serial(name: &'static str) -> ColumnDef {
    let mut column = whole(name);
    column.auto_increment().primary_key();
    column
}

/// A number that is the row's identity.
pub(crate) fn key(name: &'static str) -> ColumnDef {
    let mut column = whole(name);
    column.primary_key();
    column
}

/// A text that is the row's identity.
pub(crate) fn primary_text(name: &'static str) -> ColumnDef {
    let mut column = text(name);
    column.primary_key();
    column
}

/// A primary key over several columns.
pub(crate) fn primary_key(columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    for column in columns {
        index.col(Alias::new(*column).into_iden());
    }
    index
}

/// A 64-bit whole number: counts, keys, times, truth values.
pub(crate) fn whole(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(Alias::new(name));
    column.big_integer().not_null();
    column
}

/// A whole number or nothing.
pub(crate) fn whole_or_null(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(Alias::new(name));
    column.big_integer().null();
    column
}

/// A floating-point number.
pub(crate) fn real(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(Alias::new(name));
    column.double().not_null();
    column
}

/// A text of any length, also JSON and XML.
pub(crate) fn text(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(Alias::new(name));
    column.text().not_null();
    column
}

/// A text or nothing.
pub(crate) fn text_or_null(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(Alias::new(name));
    column.text().null();
    column
}

/// Makes an index over columns, unique or not.
pub(crate) async fn index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
    unique: bool,
) -> Result<(), DbErr> {
    let name = format!("{table}_by_{}", columns.join("_"));
    let mut index = Index::create();
    index.name(name).table(Alias::new(table));
    for column in columns {
        index.col(Alias::new(*column).into_iden());
    }
    if unique {
        index.unique();
    }
    manager.create_index(index).await
}

/// Drops tables with their indexes.
pub(crate) async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(Alias::new(*table)).if_exists().to_owned()).await?;
    }
    Ok(())
}
