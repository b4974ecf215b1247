//! `kubectl`, `kubectl argo rollouts` and Helm, run as a user runs them, and their output.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::bed::Layout;

/// A command that has not been run yet.
pub struct Run {
    command: Command,
    shown: String,
    input: String,
}

impl Run {
    /// `words` are separated by spaces; `arg` adds a word that contains spaces.
    pub fn new(layout: &Layout, tool: &str, user: &str, namespace: &str, words: &str) -> Self {
        let mut command = Command::new(layout.tool(tool));
        let home = layout.state.join("home").join(namespace);
        std::fs::create_dir_all(&home).expect("the state folder can be written");
        command
            .args(words.split_whitespace())
            .env_clear()
            .env("PATH", layout.path())
            .env("HOME", home)
            .env("KUBECONFIG", layout.kubeconfig(user, namespace))
            .current_dir(&layout.root);
        Self {
            command,
            shown: format!("{tool} {words}"),
            input: String::new(),
        }
    }

    pub fn kubectl(layout: &Layout, user: &str, namespace: &str, words: &str) -> Self {
        Self::new(layout, "kubectl", user, namespace, words)
    }

    #[must_use]
    pub fn arg(mut self, word: impl AsRef<Path>) -> Self {
        self.shown += &format!(" '{}'", word.as_ref().display());
        self.command.arg(word.as_ref());
        self
    }

    /// The standard input of the command.
    #[must_use]
    pub fn input(mut self, text: impl Display) -> Self {
        self.input = text.to_string();
        self
    }

    pub fn run(mut self) -> Ran {
        let command = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.shown));
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = std::mem::take(&mut self.input);
        // In a thread of its own: a command that prints much before it has read its input would block.
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).ok());
        let output = child.wait_with_output().expect("the command's output");
        writer.join().ok();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        Ran {
            shown: self.shown,
            code: output.status.code().unwrap_or(-1),
            stdout,
            stderr,
        }
    }

    /// Runs the command and requires success.
    pub fn ok(self) -> Ran {
        self.run().succeeded()
    }

    /// Runs the command and requires failure.
    pub fn fails(self) -> Ran {
        self.run().failed()
    }
}

/// The result of a command. A failed check prints the command and its whole output.
#[derive(Clone, Debug)]
pub struct Ran {
    shown: String,
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert!(self.code == 0, "this should succeed:\n{self}");
        self
    }

    #[track_caller]
    pub fn failed(self) -> Self {
        assert!(self.code != 0, "this should fail:\n{self}");
        self
    }

    /// Requires this text anywhere in the output.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(said, "this should say `{text}`:\n{self}");
        self
    }

    /// Requires exactly these lines on standard error, in this order, besides warnings.
    #[track_caller]
    pub fn prints(self, lines: &[&str]) -> Self {
        let printed = self.stderr.lines();
        let printed: Vec<&str> = printed
            .filter(|line| !line.starts_with("Warning: "))
            .collect();
        assert!(
            printed == lines,
            "this should print\n{}\nand not\n{self}",
            lines.join("\n")
        );
        self
    }

    /// Requires that no warning was printed.
    #[track_caller]
    pub fn without_warning(self) -> Self {
        self.never_says("Warning:")
    }

    /// Requires that this text was not printed.
    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(!said, "this should not say `{text}`:\n{self}");
        self
    }
}

impl Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            shown,
            code,
            stdout,
            stderr,
        } = self;
        write!(f, "$ {shown}\n(exit code {code})\n{stdout}{stderr}")
    }
}
