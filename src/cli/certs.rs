//! `certs`: a CA and a serving certificate for development, as files.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;

use super::error::Error;
use super::terminal::print_line;
use crate::pki::{
    Authority, CA_LIFETIME, DEFAULT_DNS_NAME, SERVING_LIFETIME, Validity, with_local_names,
};

/// Create a CA and a serving certificate for development
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// Folder for ca.crt, ca.key, tls.crt and tls.key
    #[arg(long, value_name = "DIR", default_value = "certs")]
    dir: PathBuf,
    /// Name or address of the server, in addition to localhost, 127.0.0.1 and ::1
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = DEFAULT_DNS_NAME)]
    dns: Vec<String>,
    /// Replace existing files
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  rollout-guard certs --dir certs
  rollout-guard serve --manifests manifests/ --tls-cert certs/tls.crt --tls-key certs/tls.key";

/// Writes the files into the folder, and prints their paths.
///
/// # Errors
/// A name that no certificate can have, a file that exists or cannot be written.
pub fn run(options: &Options) -> Result<ExitCode, Error> {
    let dir = &options.dir;
    let now = SystemTime::now();
    let authority = Authority::new(Validity::starting(now, CA_LIFETIME))?;
    let names = with_local_names(&options.dns);
    let serving = authority.issue(&names, Validity::starting(now, SERVING_LIFETIME))?;
    let files = [
        ("ca.crt", authority.certificate_pem(), Access::Public),
        ("ca.key", authority.key_pem(), Access::Secret),
        (
            "tls.crt",
            serving.certificate_pem().to_owned(),
            Access::Public,
        ),
        ("tls.key", serving.key_pem().to_owned(), Access::Secret),
    ];
    let files = files.map(|(name, pem, access)| (dir.join(name), pem, access));
    std::fs::create_dir_all(dir).map_err(Error::of_file(dir))?;
    let mut paths = files.iter().map(|(path, ..)| path);
    let existing = paths.find(|path| path.symlink_metadata().is_ok());
    if let Some(file) = existing.filter(|_| !options.force) {
        let file = file.clone();
        return Err(Error::FileExists { file });
    }
    for (path, pem, access) in &files {
        write(path, pem, *access).map_err(Error::of_file(path))?;
        print_line(path.display());
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Clone, Copy)]
enum Access {
    /// For everybody to read.
    Public,
    /// For its owner alone.
    Secret,
}

/// Writes a new file. An existing file would keep its mode, and a process that has opened it would read the key.
fn write(path: &Path, text: &str, access: Access) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => create(path, access)?.write_all(text.as_bytes()),
    }
}

fn create(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if let Access::Secret = access {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = access;
    options.open(path)
}
