//! Messages on standard input and output. `lsp-server` has threads for it too, but they end at the first message that
//! is no JSON, and believe any length.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use lsp_server::{Message, Notification, Request, RequestId, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::terminal::print_error;

/// A longer message is not read.
const MAX_BYTES: usize = 64 << 20;
/// A longer line is no header.
const MAX_HEADER_BYTES: u64 = 4096;

/// The messages of the client. The channel closes when standard input ends, or cannot be understood any more.
pub fn incoming() -> Receiver<Message> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            match next(&mut input) {
                Ok(None) => return,
                Ok(Some(bytes)) => match serde_json::from_slice(&bytes) {
                    Ok(message) => {
                        if sender.send(message).is_err() {
                            return;
                        }
                    }
                    Err(error) => print_error(format_args!("a message is not understood: {error}")),
                },
                Err(error) => {
                    print_error(format_args!("standard input cannot be read: {error}"));
                    return;
                }
            }
        }
    });
    receiver
}

/// The bytes of the next message; `None` at the end.
fn next(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        let count = input
            .by_ref()
            .take(MAX_HEADER_BYTES)
            .read_until(b'\n', &mut line)?;
        if count == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    let length: usize = length.ok_or_else(|| invalid("a message has no length"))?;
    if length > MAX_BYTES {
        return Err(invalid("a message is too long"));
    }
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

pub fn notify(method: &str, params: impl Serialize) {
    send(&Message::Notification(Notification {
        method: method.to_owned(),
        params: value(params),
    }));
}

pub fn request(id: &str, method: &str, params: impl Serialize) {
    send(&Message::Request(Request {
        id: RequestId::from(id.to_owned()),
        method: method.to_owned(),
        params: value(params),
    }));
}

pub fn answer(id: RequestId, result: impl Serialize) {
    send(&Message::Response(Response {
        id,
        response_result: Ok(value(result)),
    }));
}

pub fn refuse(id: RequestId, code: lsp_server::ErrorCode, message: &str) {
    send(&Message::Response(Response::new_err(
        id,
        code as i32,
        message.to_owned(),
    )));
}

/// The params of a message, or why they are none.
pub fn read<T: DeserializeOwned>(params: Value) -> Result<T, String> {
    serde_json::from_value(params).map_err(|error| error.to_string())
}

fn value(content: impl Serialize) -> Value {
    serde_json::to_value(content).unwrap_or_default()
}

/// A client that is gone closes standard input too, which ends the program.
fn send(message: &Message) {
    let _ = message.write(&mut io::stdout().lock());
}
