//! One process of the test bed: started, paused, killed and restarted by its id.

use std::fs::OpenOptions;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub struct Process {
    pub name: String,
    command: Mutex<Command>,
    child: Mutex<Child>,
}

impl Process {
    /// Starts a process. All its runs write into the same log.
    pub fn start(name: &str, mut command: Command, log: &PathBuf) -> Self {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log file");
        let errors = file.try_clone().expect("a log file");
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        let child = spawn(name, &mut command);
        Self {
            name: name.to_owned(),
            command: Mutex::new(command),
            child: Mutex::new(child),
        }
    }

    pub fn is_running(&self) -> bool {
        matches!(self.child().try_wait(), Ok(None))
    }

    /// The exit code of an ended process; 128 plus the signal's number if a signal ended it.
    pub fn exit_code(&self) -> i32 {
        let status = self.child().try_wait().ok().flatten();
        let code = status.map(|status| (status.code(), status.signal()));
        code.map_or(-1, |(code, signal)| {
            code.unwrap_or(128 + signal.unwrap_or(0))
        })
    }

    /// SIGSTOP: the process exists and does not respond.
    pub fn pause(&self) {
        self.send(Signal::SIGSTOP);
    }

    pub fn resume(&self) {
        self.send(Signal::SIGCONT);
    }

    /// SIGKILL. The process is gone when this returns.
    pub fn kill(&self) {
        let mut child = self.child();
        child.kill().ok();
        child.wait().ok();
    }

    /// SIGTERM. Returns whether the process ended by itself within the time.
    pub fn stop(&self, within: Duration) -> bool {
        self.send(Signal::SIGTERM);
        let end = Instant::now() + within;
        while self.is_running() {
            if Instant::now() > end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Starts it again with the same command, after `kill` or `stop`.
    pub fn start_again(&self) {
        self.kill();
        let mut command = self.command.lock().unwrap_or_else(PoisonError::into_inner);
        *self.child() = spawn(&self.name, &mut command);
    }

    fn send(&self, signal: Signal) {
        // The caller holds the child's lock: the id of a process that has been waited for may belong to another
        // process.
        let mut child = self.child();
        if matches!(child.try_wait(), Ok(None)) {
            let id = i32::try_from(child.id()).expect("process ids are small");
            kill(Pid::from_raw(id), signal).expect("a child can be sent signals");
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(name: &str, command: &mut Command) -> Child {
    command
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}
