//! Reads one file, whatever it turns out to be: no special file is opened, and what is read is bounded.

use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read};
use std::path::Path;

use super::error::Fault;

/// A larger file is not read.
pub(super) const MAX_BYTES: u64 = 64 << 20;

/// The content of a regular file, of standard input (`-`), or of a descriptor that the caller opened, such as that of
/// a shell's `<(…)`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    if is_stdin(path) {
        return bounded(io::stdin().lock());
    }
    if !is_descriptor(path) {
        check(&fs::metadata(path)?)?;
    }
    bounded(File::open(path)?)
}

pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether there is a file of this name that can be read as text.
pub(super) fn check(metadata: &Metadata) -> Result<(), Fault> {
    if !metadata.is_file() {
        return Err(Fault::Special(special(metadata.file_type())));
    }
    if metadata.len() > MAX_BYTES {
        return Err(Fault::TooLarge);
    }
    Ok(())
}

fn bounded(reader: impl Read) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Fault::TooLarge);
    }
    // Texts are kept as long as their objects.
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// Whether the caller has opened it already, as standard input.
pub(super) fn is_descriptor(path: &Path) -> bool {
    let folders = ["/dev/fd", "/proc/self/fd"].map(Path::new);
    let opened = path
        .parent()
        .is_some_and(|parent| folders.contains(&parent));
    opened || path == Path::new("/dev/stdin")
}

#[cfg(unix)]
fn special(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_fifo() => "a FIFO",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_dir() => "a folder",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn special(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else {
        "a special file"
    }
}
