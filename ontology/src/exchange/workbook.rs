//! Requirements and the trace matrix as an Excel workbook (XLSX), out and in.

use std::io::Cursor;

use calamine::{Data, Range, Reader, Xlsx};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError};

use super::table::{Table, crosses, requirements};
use super::{Imported, archive};
use crate::matrix::Columns;
use crate::{Error, SystemIndex};

/// Longest text in a cell, in characters: Excel's own limit.
const MAX_CELL_CHARS: usize = 32_767;
/// Most columns of a sheet: Excel's own limit.
const MAX_COLUMNS: usize = 16_384;
/// Rows of a sheet in which its header is looked for.
const HEADER_ROWS: usize = 20;

/// A workbook with the requirements of a system on its first sheet and the trace matrix to its components on the second;
/// with what had no place in it, in words.
///
/// # Errors
/// [`Error::Invalid`] naming a requirement that is too long for a cell; [`Error::Store`].
pub fn write(system: &SystemIndex, now: &str) -> Result<(Vec<u8>, Vec<String>), Error> {
    let mut workbook = Workbook::new();
    // Only the day, in the form that Excel takes: the same system on the same day gives the same file.
    if let Some(day) = now.get(..10).and_then(|day| ExcelDateTime::parse_from_str(day).ok()) {
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&day));
    }
    let rows = requirements(system);
    let sheet = workbook.add_worksheet();
    sheet.set_name("Requirements").map_err(failed)?;
    fill(sheet, &rows)?;
    for (column, width) in [(0, 12.0), (1, 70.0), (2, 22.0)] {
        sheet.set_column_width(column, width).map_err(failed)?;
    }
    let mut remarks = Vec::new();
    let matrix = crosses(system, Columns::Components);
    if matrix.first().is_some_and(|header| header.len() > MAX_COLUMNS) {
        remarks.push(format!("the trace matrix stayed out: a sheet has at most {MAX_COLUMNS} columns"));
    } else {
        let sheet = workbook.add_worksheet();
        sheet.set_name("Trace matrix").map_err(failed)?;
        fill(sheet, &matrix)?;
    }
    Ok((workbook.save_to_buffer().map_err(failed)?, remarks))
}

/// A header that stays in sight and filters, and the rows below it. Everything is a text: what looks like a formula is
/// none.
fn fill(sheet: &mut Worksheet, rows: &[Vec<String>]) -> Result<(), Error> {
    let (bold, plain) = (Format::new().set_bold(), Format::new().set_text_wrap().set_align(FormatAlign::Top));
    for (at, row) in rows.iter().enumerate() {
        let line = u32::try_from(at)
            .map_err(|_| Error::Invalid("the system has too many requirements".to_owned()))?;
        let format = if at == 0 { &bold } else { &plain };
        for (column, text) in row.iter().enumerate() {
            if text.chars().count() > MAX_CELL_CHARS {
                let id = row.first().map_or("", String::as_str);
                let reason =
                    format!("{id} has a text of more than {MAX_CELL_CHARS} characters, which no cell holds");
                return Err(Error::Invalid(reason));
            }
            let column = u16::try_from(column).map_err(|_| Error::Invalid("too many columns".to_owned()))?;
            sheet.write_string_with_format(line, column, text, format).map_err(failed)?;
        }
    }
    sheet.set_freeze_panes(1, 1).map_err(failed)?;
    let last_row = u32::try_from(rows.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let last_column = rows.first().and_then(|header| u16::try_from(header.len().saturating_sub(1)).ok());
    sheet.autofilter(0, 0, last_row, last_column.unwrap_or(0)).map_err(failed)?;
    Ok(())
}

fn failed(error: XlsxError) -> Error {
    Error::Store(format!("the workbook cannot be written: {error}"))
}

/// Reads requirements from the first sheet that has a header with `id` and `text`; columns it does not know become
/// attributes.
///
/// # Errors
/// [`Error::Malformed`] with the row; [`Error::Limit`] for a file that unpacks to too much.
pub fn read(bytes: &[u8]) -> Result<Imported, Error> {
    let found = Sheet::find(bytes)?;
    let mut imported = found.requirements()?;
    imported.remark(found.others, &format!("other sheets than {} were not read", found.name));
    Ok(imported)
}

/// That sheet as CSV, each row on the line it has there.
///
/// # Errors
/// As [`read`].
pub fn as_csv(bytes: &[u8]) -> Result<String, Error> {
    let found = Sheet::find(bytes)?;
    let rows: Vec<Vec<String>> = found.rows().map(|(_, row)| row).collect();
    let above = usize::try_from(found.line(found.header)).unwrap_or(1) - 1;
    Ok("\n".repeat(above) + &super::table::as_csv(&rows)?)
}

/// A sheet with requirements.
struct Sheet {
    name: String,
    range: Range<Data>,
    /// The row of its header, from 0 within the range.
    header: usize,
    /// How many other sheets there are.
    others: usize,
}

impl Sheet {
    fn find(bytes: &[u8]) -> Result<Self, Error> {
        archive::check("XLSX", bytes)?;
        let malformed = |reason: String| Error::Malformed { format: "XLSX", line: 1, reason };
        let mut workbook: Xlsx<_> =
            Xlsx::new(Cursor::new(bytes)).map_err(|error| malformed(error.to_string()))?;
        let names = workbook.sheet_names();
        for name in &names {
            let range = workbook.worksheet_range(name).map_err(|error| malformed(error.to_string()))?;
            if let Some(header) = header(&range) {
                return Ok(Self { name: name.clone(), range, header, others: names.len() - 1 });
            }
        }
        Err(malformed("no sheet has a header with the columns id and text".to_owned()))
    }

    /// The line of a row, from 1 in the sheet.
    fn line(&self, at: usize) -> u32 {
        let first = self.range.start().map_or(0, |(row, _)| row);
        first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX)).saturating_add(1)
    }

    /// The header and the rows below it, with their lines.
    fn rows(&self) -> impl Iterator<Item = (u32, Vec<String>)> {
        let rows = self.range.rows().enumerate().skip(self.header);
        rows.map(|(at, row)| (self.line(at), row.iter().map(shown).collect()))
    }

    fn requirements(&self) -> Result<Imported, Error> {
        let mut rows = self.rows();
        let (line, names) = rows.next().unwrap_or_default();
        let mut table = Table::new("XLSX", line, names.iter().map(String::as_str))?;
        for (line, row) in rows {
            table.row(line, row.iter().map(String::as_str))?;
        }
        Ok(table.imported)
    }
}

/// The row of the header, from 0 within the range.
fn header(sheet: &Range<Data>) -> Option<usize> {
    sheet.rows().take(HEADER_ROWS).position(|row| {
        let is = |wanted: &str| row.iter().any(|cell| cell.to_string().trim().eq_ignore_ascii_case(wanted));
        is("id") && is("text")
    })
}

/// A cell as it is seen: a whole number has no decimals, a day is written as in ISO 8601.
fn shown(cell: &Data) -> String {
    match cell {
        Data::DateTime(moment) if !moment.is_duration() => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            match (hour, minute, second) {
                (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
                _ => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
            }
        }
        cell => cell.to_string(),
    }
}
