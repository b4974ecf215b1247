//! Standard output and standard error.

use std::io::Write;

use crate::text::printable;

/// Less is not readable, and lines are not read further than more.
#[cfg(feature = "terminal")]
const MIN_COLUMNS: usize = 40;
#[cfg(feature = "terminal")]
const MAX_COLUMNS: usize = 240;

/// Prints a line on standard output, which may be closed, as by `head`.
pub fn print_line(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Prints text that has its own line ends on standard output.
pub fn print_text(text: &str) {
    let _ = write!(anstream::stdout(), "{text}");
}

/// Prints one line on standard error, whatever names from a repository the text holds.
pub fn print_error(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{}", printable(&text.to_string()));
}

/// The columns of standard output, if it is a terminal.
#[cfg(feature = "terminal")]
pub fn columns() -> Option<usize> {
    let (columns, _) = terminal_size::terminal_size_of(std::io::stdout())?;
    Some(usize::from(columns.0).clamp(MIN_COLUMNS, MAX_COLUMNS))
}

/// In the image, nothing is a terminal.
#[cfg(not(feature = "terminal"))]
pub fn columns() -> Option<usize> {
    None
}
