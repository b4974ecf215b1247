//! A team's repository: the story's copies of folders, whose commits are pushed to a bare repository on loopback.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::bed::{Bed, Process, poll};
use crate::network::run;
use crate::world::World;

pub struct Repository<'w> {
    bed: &'w Bed,
    files: PathBuf,
    pub url: String,
}

impl<'w> Repository<'w> {
    /// The first commit contains all folders that the story has copied so far.
    pub fn new(world: &'w World<'w>) -> Self {
        let bed = world.bed;
        bed.git_server.get_or_init(|| serve(bed));
        let name = &world.namespace;
        let bare = repositories(bed).join(name);
        std::fs::create_dir_all(&bare).expect("the state folder can be written");
        let repository = Self {
            bed,
            files: bed.layout.logs.join(name),
            url: format!("http://{ADDRESS}/{name}"),
        };
        git(bed, &bare, "init --quiet --bare --initial-branch=main", &[]);
        repository.git("init --quiet --initial-branch=main");
        repository.git(&format!("remote add origin {}", bare.display()));
        repository.commit("Create the application");
        repository
    }

    /// Commits every changed file and pushes.
    pub fn commit(&self, message: &str) {
        self.git("add --all");
        git(self.bed, &self.files, "commit --quiet -m", &[message]);
        self.push();
    }

    /// Reverts the last commit and pushes.
    pub fn revert(&self) {
        self.git("revert --no-edit HEAD");
        self.push();
    }

    /// The hash of the last commit.
    pub fn head(&self) -> String {
        self.git("rev-parse HEAD").trim().to_owned()
    }

    fn push(&self) {
        self.git("push --quiet origin main");
    }

    fn git(&self, words: &str) -> String {
        git(self.bed, &self.files, words, &[])
    }
}

/// Runs git as somebody of the team, and returns what it prints.
fn git(bed: &Bed, folder: &Path, words: &str, more: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .args(words.split_whitespace())
        .args(more)
        .current_dir(folder);
    command.env_clear().env("PATH", bed.layout.path());
    command
        .env("HOME", &bed.layout.state)
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "A Team");
        command.env(format!("GIT_{role}_EMAIL"), "team@example.com");
    }
    run(&mut command)
}

fn serve(bed: &Bed) -> Process {
    let folder = repositories(bed);
    std::fs::create_dir_all(&folder).expect("the state folder can be written");
    let mut command = Command::new(bed.layout.tool("git-server"));
    command.arg(ADDRESS).arg(&folder);
    let process = Process::start("git-server", command, &bed.layout.log("git-server"));
    poll("the git server", Duration::from_secs(10), &mut || {
        let connected = std::net::TcpStream::connect(ADDRESS);
        connected.map(drop).map_err(|error| error.to_string())
    });
    process
}

fn repositories(bed: &Bed) -> PathBuf {
    bed.layout.state.join("repositories")
}

const ADDRESS: &str = "127.0.0.1:3000";
