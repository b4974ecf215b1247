//! `certs`: a CA and a serving certificate for development, as files.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;

use super::terminal::print_line;
use crate::pki::authority::{
    Authority, CA_LIFE, DEFAULT_DNS, Life, SERVING_LIFE, with_local_names,
};

/// Make a CA and a serving certificate for development
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Folder for ca.crt, ca.key, tls.crt and tls.key
    #[arg(long, value_name = "DIR", default_value = "certs")]
    dir: PathBuf,
    /// Name or address that the certificate is for, beside localhost, 127.0.0.1 and ::1
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = DEFAULT_DNS)]
    dns: Vec<String>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

pub fn run(options: &Options) -> Result<ExitCode, String> {
    let dir = &options.dir;
    let now = SystemTime::now();
    let unmade = |error| format!("cannot make certificates for `--dns`: {error}");
    let authority = Authority::new(Life::starting(now, CA_LIFE)).map_err(unmade)?;
    let names = with_local_names(&options.dns);
    let serving = authority.issue(&names, Life::starting(now, SERVING_LIFE));
    let serving = serving.map_err(unmade)?;
    let files = [
        (
            dir.join("ca.crt"),
            authority.pem().to_owned(),
            Access::Public,
        ),
        (dir.join("ca.key"), authority.key_pem(), Access::Secret),
        (
            dir.join("tls.crt"),
            serving.certificate.pem(),
            Access::Public,
        ),
        (
            dir.join("tls.key"),
            serving.key.serialize_pem(),
            Access::Secret,
        ),
    ];
    std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let kept = files
        .iter()
        .find(|(path, ..)| path.symlink_metadata().is_ok());
    if let Some((path, ..)) = kept.filter(|_| !options.force) {
        return Err(format!(
            "{} is there already: pass `--force` to replace it",
            path.display()
        ));
    }
    for (path, pem, access) in &files {
        write(path, pem, *access).map_err(|error| format!("{}: {error}", path.display()))?;
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

/// Writes a new file: one that is there would keep its mode, and who has opened it would read on.
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
