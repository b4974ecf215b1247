//! A line on standard error that tells what a long command does, if standard error is a terminal.

use std::io::{IsTerminal, Write, stderr};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::text::printable;

/// A command that ends before shows nothing.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);
const SPINNER: [char; 4] = ['|', '/', '-', '\\'];
/// Back to the start of the line, and clears it.
const CLEAR: &str = "\r\u{1b}[K";

/// Shown until it is dropped.
pub struct Progress {
    doing: Arc<Mutex<String>>,
    /// Ends the thread when it is dropped.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    pub fn start(doing: &str) -> Self {
        let doing = Arc::new(Mutex::new(doing.to_owned()));
        let (end, ended) = channel();
        let shown = Arc::clone(&doing);
        let thread = || thread::spawn(move || draw(&shown, &ended));
        Self {
            doing,
            end: Some(end),
            thread: stderr().is_terminal().then(thread),
        }
    }

    /// Names the next thing that the command does.
    pub fn now(&self, doing: String) {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = doing;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn draw(doing: &Mutex<String>, ended: &Receiver<()>) {
    let started = Instant::now();
    let mut wait = SHOWN_AFTER;
    let mut spinner = SPINNER.iter().cycle();
    // Only the end of the command is an answer other than a timeout.
    while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        let doing = doing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (mark, doing) = (spinner.next().unwrap_or(&' '), printable(&doing));
        let seconds = started.elapsed().as_secs();
        let _ = write!(stderr(), "{CLEAR}{mark} {doing} ({seconds} s)");
        wait = REDRAW_INTERVAL;
    }
    if wait == REDRAW_INTERVAL {
        let _ = write!(stderr(), "{CLEAR}");
    }
}
