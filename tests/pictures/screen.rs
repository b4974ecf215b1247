//! A terminal as a picture: commands run in a pseudo-terminal one after the other, and what it shows becomes an SVG.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use anstyle::RgbColor;
use anstyle_svg::{Term, WIN10_CONSOLE};
use nix::pty::{OpenptyResult, Winsize, openpty};

/// As wide as the page of a repository shows it.
const COLUMNS: u16 = 100;

/// Light on dark, in both themes of a page.
const FOREGROUND: RgbColor = RgbColor(0xe6, 0xed, 0xf3);
const BACKGROUND: RgbColor = RgbColor(0x0d, 0x11, 0x17);

/// What the terminal shows, with escape sequences.
#[derive(Default)]
pub struct Screen(String);

impl Screen {
    /// Runs a command that somebody types so.
    #[must_use]
    pub fn run(self, typed: &str, command: Command) -> Self {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        let shown = format!(
            "{gap}\u{1b}[1m$ {typed}\u{1b}[0m\n{}",
            output(command, COLUMNS)
        );
        Self(self.0 + &folded(shown.trim_end()) + "\n")
    }

    pub fn svg(&self) -> String {
        let term = Term::new().palette(WIN10_CONSOLE);
        let term = term.fg_color(FOREGROUND.into()).bg_color(BACKGROUND.into());
        let svg = term.render_svg(&self.0);
        // As dim as terminals show it.
        svg.replace("opacity: 0.4", "opacity: 0.65")
    }
}

/// What a command prints to a terminal of this width.
pub fn output(mut command: Command, columns: u16) -> String {
    let size = Winsize {
        ws_row: 50,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let OpenptyResult { master, slave } = openpty(Some(&size), None).expect("a terminal");
    let other = slave.try_clone().expect("a descriptor");
    command.stdin(Stdio::null()).stdout(slave).stderr(other);
    command.env("TERM", "xterm-256color");
    let mut child = command.spawn().expect("the command starts");
    // Its end of the terminal is then open in the child alone.
    drop(command);
    let (mut master, mut bytes, mut part) = (File::from(master), Vec::new(), [0; 4096]);
    // Once the other end is closed, Linux answers with an error.
    while let Ok(length @ 1..) = master.read(&mut part) {
        bytes.extend_from_slice(&part[..length]);
    }
    child.wait().expect("the command ends");
    String::from_utf8(bytes)
        .expect("text")
        .replace("\r\n", "\n")
}

/// The lines as a terminal shows them: what is longer goes on in the next.
fn folded(text: &str) -> String {
    let mut folded = String::new();
    let (mut column, mut is_escaped) = (0, false);
    for c in text.chars() {
        match c {
            '\n' => column = 0,
            '\u{1b}' => is_escaped = true,
            'm' if is_escaped => is_escaped = false,
            _ if is_escaped => {}
            _ if column == COLUMNS => {
                folded.push('\n');
                column = 1;
            }
            _ => column += 1,
        }
        folded.push(c);
    }
    folded
}
