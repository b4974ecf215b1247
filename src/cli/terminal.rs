//! Standard output and standard error.

use std::io::Write;

use crate::text::printable;

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
