//! Cells as they are measured, in any order, and the Markdown that they become. A cell without a
//! figure says why in a note below the table.

use std::fmt::Write;
use std::time::Instant;

/// A figure, or why there is none.
pub(crate) type Cell = Result<String, String>;

pub(crate) struct Table {
    begun: Instant,
    columns: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    cells: Vec<(String, Cell)>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Table {
        let columns = columns.iter().map(|&name| name.to_owned()).collect();
        Table { begun: Instant::now(), columns, rows: Vec::new() }
    }

    /// Rows stand in the order in which they got their first cell.
    pub(crate) fn put(&mut self, row: &str, column: &str, cell: Cell) {
        let (Ok(text) | Err(text)) = &cell;
        eprintln!("{:>4} s  {row}: {column}: {text}", self.begun.elapsed().as_secs());
        let place = self.rows.iter().position(|known| known.name == row).unwrap_or_else(|| {
            self.rows.push(Row { name: row.to_owned(), cells: Vec::new() });
            self.rows.len() - 1
        });
        self.rows[place].cells.push((column.to_owned(), cell));
    }

    /// A line for each cell, as [`Table::read`] takes them.
    pub(crate) fn lines(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            for (column, cell) in &row.cells {
                let (kind, said) = match cell {
                    Ok(figure) => ("figure", figure),
                    Err(reason) => ("reason", reason),
                };
                let said = said.replace(['\n', '\t'], " ");
                writeln!(text, "cell\t{}\t{column}\t{kind}\t{said}", row.name).unwrap();
            }
        }
        text
    }

    pub(crate) fn read(&mut self, lines: &str) {
        for line in lines.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields[..] {
                ["cell", row, column, "figure", said] => self.put(row, column, Ok(said.into())),
                ["cell", row, column, "reason", said] => self.put(row, column, Err(said.into())),
                _ => (),
            }
        }
    }

    /// Takes a row out.
    pub(crate) fn remove(&mut self, row: &str) -> Vec<(String, Cell)> {
        let place = self.rows.iter().position(|known| known.name == row);
        place.map_or_else(Vec::new, |place| self.rows.remove(place).cells)
    }

    /// Says in every row why a column is empty.
    pub(crate) fn fill(&mut self, column: &str, reason: &str) {
        for row in &mut self.rows {
            row.cells.push((column.to_owned(), Err(reason.to_owned())));
        }
    }

    pub(crate) fn markdown(&self) -> String {
        let mut notes: Vec<String> = Vec::new();
        let mut text = format!("| | {} |\n", self.columns.join(" | "));
        writeln!(text, "|---|{}", "---:|".repeat(self.columns.len())).unwrap();
        for row in &self.rows {
            write!(text, "| {} |", row.name).unwrap();
            for column in &self.columns {
                let cell = row.cells.iter().find(|(known, _)| known == column);
                match cell {
                    Some((_, Ok(figure))) => write!(text, " {figure} |").unwrap(),
                    Some((_, Err(reason))) => {
                        let note = format!("{column}: {}", reason.replace('\n', " "));
                        let number = notes.iter().position(|known| *known == note);
                        let number = number.unwrap_or_else(|| {
                            notes.push(note);
                            notes.len() - 1
                        });
                        write!(text, " - ({}) |", number + 1).unwrap();
                    }
                    None => text.push_str(" |"),
                }
            }
            text.push('\n');
        }
        if !notes.is_empty() {
            text.push_str("\nWhere there is no figure:\n\n");
        }
        for (number, note) in notes.iter().enumerate() {
            writeln!(text, "{}. {note}", number + 1).unwrap();
        }
        text
    }
}
