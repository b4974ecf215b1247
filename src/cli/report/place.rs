//! The path of a file as other programs read it: relative to where the command runs, with `/`.

use std::fmt::Write;
use std::path::{Component, Path};

/// Without `./` at its beginning.
pub fn path(path: &Path) -> String {
    let parts = path.components();
    let parts = parts.filter(|part| *part != Component::CurDir);
    let parts: Vec<_> = parts
        .map(|part| match part {
            Component::RootDir => "".into(),
            part => part.as_os_str().to_string_lossy(),
        })
        .collect();
    parts.join("/")
}

/// The path as a URI reference: characters with a meaning there are escaped.
pub fn uri(path: &Path) -> String {
    let text = self::path(path);
    let mut uri = String::from(if text.starts_with('/') { "file://" } else { "" });
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            // Also `:`, before which a relative reference would have a scheme.
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}
