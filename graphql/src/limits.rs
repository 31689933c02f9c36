//! What a query may cost: its text, its shape before it runs, and the nodes it reads while it runs.

mod guard;
mod shape;

pub(crate) use guard::Guard;

/// Bytes of a query's text.
pub const QUERY_BYTES_LIMIT: usize = 256 * 1024;
/// Brackets open at once in a query's text; deeper text is refused before it is parsed.
pub(crate) const BRACKETS_LIMIT: usize = 64;
/// Fields within fields.
pub const DEPTH_LIMIT: usize = 20;
/// Cost by the schema: a page counts as often as it may have items.
pub const COMPLEXITY_LIMIT: usize = 200_000;
/// Directives on one field.
pub const DIRECTIVES_LIMIT: usize = 10;
/// Fields under another name, with fragments written out.
pub const ALIASES_LIMIT: usize = 100;
/// Fields, with fragments written out.
pub const SELECTIONS_LIMIT: usize = 5_000;
/// Nodes (objects and items of lists) that one request reads.
pub const NODES_LIMIT: usize = 20_000;
/// Most items of a page.
pub const PAGE_LIMIT: usize = 1_000;
/// Items of a page where none are asked for.
pub(crate) const PAGE: usize = 100;
/// Items that are counted for `totalCount` where counting means reading.
pub(crate) const COUNT_LIMIT: usize = 10_000;

/// Static cost of a page: its items' cost as often as it may have some.
pub(crate) fn page_cost(first: Option<i32>, child: usize) -> usize {
    let items = first.and_then(|first| usize::try_from(first).ok()).unwrap_or(PAGE);
    1 + items.max(1).saturating_mul(child)
}
