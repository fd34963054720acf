//! Reading a log back, record by record, over all its files.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::log_files;
use crate::filter::Filter;
use crate::lines::{End, Line, Lines};
use crate::record::Record;

/// A line that is not a record, or a file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: {what}", file.display())]
pub struct ReadError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 if the file cannot be read at all.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

impl ReadError {
    pub(crate) fn file(file: &Path, error: &io::Error) -> Self {
        Self { file: file.to_owned(), line: 0, what: error.to_string() }
    }
}

/// Reads all records of a log that the filter lets through, oldest first, rotated files included. Lines that are no
/// records come as errors in their place; the records after them still come.
///
/// This checks each line by itself. Whether lines are missing is for [`crate::verify`].
///
/// # Errors
/// The log's directory cannot be read.
pub fn read(path: &Path, filter: Filter) -> io::Result<Reader> {
    Ok(Reader { files: log_files(path)?.into_iter(), open: None, filter })
}

/// See [`read`].
pub struct Reader {
    files: std::vec::IntoIter<PathBuf>,
    open: Option<(PathBuf, Lines)>,
    filter: Filter,
}

impl Iterator for Reader {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((file, lines)) = &mut self.open else {
                let file = self.files.next()?;
                match File::open(&file) {
                    Ok(opened) => self.open = Some((file, Lines::new(opened))),
                    Err(error) => return Some(Err(ReadError::file(&file, &error))),
                }
                continue;
            };
            match lines.next() {
                Ok(Some(line)) => match parse(file, &line) {
                    Ok(record) if !self.filter.admits(&record) => {}
                    item => return Some(item),
                },
                Ok(None) => self.open = None,
                Err(error) => {
                    let error = ReadError::file(file, &error);
                    self.open = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Reads one line.
pub(crate) fn parse(file: &Path, line: &Line) -> Result<Record, ReadError> {
    let wrong = |what: String| ReadError { file: file.to_owned(), line: line.number, what };
    match line.end {
        End::Cut => Err(wrong(format!("the last line is not whole ({} bytes)", line.bytes.len()))),
        End::TooLong => Err(wrong("the line is longer than any record".to_owned())),
        End::Newline => Record::parse(&line.bytes).map_err(|error| wrong(error.to_string())),
    }
}
