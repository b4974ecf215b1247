//! Replaces a file in one step: at every moment it has the old content or the new one, also if the disk is full.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Names of temporary files that are tried.
const MAX_ATTEMPTS: u32 = 16;

/// Writes a temporary file in the same folder with the mode and owner of the old one, and renames it. The old file
/// must still have the content `old`, must be writable, and must be no link.
pub fn replace(path: &Path, old: &str, new: &str) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::Error::other(
            "is a link: name the file that it leads to",
        ));
    }
    // A rename would also replace a file that may not be written.
    drop(OpenOptions::new().write(true).open(path)?);
    if fs::read(path)? != old.as_bytes() {
        return Err(io::Error::other("has changed since it was read"));
    }
    let (temporary, file) = create_beside(path)?;
    let written = write(file, path, new).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_folder(path)
}

/// A new file that nobody else can read yet.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut attempt = 0;
    loop {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}-{attempt}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        match options.open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && attempt < MAX_ATTEMPTS =>
            {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

fn write(mut file: File, old: &Path, text: &str) -> io::Result<()> {
    let metadata = fs::metadata(old)?;
    file.write_all(text.as_bytes())?;
    keep_owner(&file, &metadata)?;
    let permissions: Permissions = metadata.permissions();
    file.set_permissions(permissions)?;
    file.sync_all()
}

/// Before the mode is set: a change of the owner clears bits of it.
#[cfg(unix)]
fn keep_owner(file: &File, old: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(file, Some(old.uid()), Some(old.gid())).map_err(|error| {
        let (uid, gid) = (old.uid(), old.gid());
        io::Error::new(
            error.kind(),
            format!("its owner {uid}:{gid} cannot be kept: {error}"),
        )
    })
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// The rename itself is on the disk only when the folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
