//! A line on standard error that tells what a long command does, if standard error is a terminal.

use std::io::{IsTerminal, stderr};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A command that ends before shows nothing.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

/// Shown until it is dropped.
pub struct Progress {
    bar: ProgressBar,
    /// Ends the thread when it is dropped.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    pub fn start(doing: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(doing.to_owned());
        let mut progress = Self {
            bar,
            end: None,
            thread: None,
        };
        if stderr().is_terminal() {
            progress.show_later();
        }
        progress
    }

    /// Names the next thing that the command does.
    pub fn now(&self, doing: String) {
        self.bar.set_message(doing);
    }

    fn show_later(&mut self) {
        let (end, ended) = channel::<()>();
        let bar = self.bar.clone();
        self.end = Some(end);
        self.thread = Some(thread::spawn(move || {
            // Only the end of the command is an answer other than a timeout.
            if ended.recv_timeout(SHOWN_AFTER) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(REDRAW_INTERVAL);
            }
        }));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
