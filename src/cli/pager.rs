//! Shows text that may be longer than the screen, as git does: in the program of `$PAGER`, if standard output is a
//! terminal.

use std::env;
use std::io::{IsTerminal, Write, stdout};
use std::process::{Command, Stdio};

use super::terminal::print_text;

/// `F`: end at once if it fits; `R`: show colours; `X`: leave the text on the screen.
const LESS_OPTIONS: &str = "FRX";

pub fn page(text: &str, is_wanted: bool) {
    let pager = env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
    let is_none = pager.trim().is_empty() || pager.trim() == "cat";
    if !is_wanted || is_none || !stdout().is_terminal() || show(&pager, text).is_none() {
        print_text(text);
    }
}

/// `None` if the pager cannot be started.
fn show(pager: &str, text: &str) -> Option<()> {
    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    if env::var_os("LESS").is_none() {
        command.env("LESS", LESS_OPTIONS);
    }
    let text = match env::var_os("NO_COLOR") {
        None => text.to_owned(),
        Some(_) => anstream::adapter::strip_str(text).to_string(),
    };
    let mut child = command.spawn().ok()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A reader who quits has seen enough.
        let _ = stdin.write_all(text.as_bytes());
    }
    let status = child.wait().ok()?;
    // The shell's answer if there is no such program.
    (status.code() != Some(127)).then_some(())
}
