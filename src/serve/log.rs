//! The log on standard error: its format and its level.

use std::io;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

const DEFAULT_LEVEL: &str = "info";

/// How much is logged, and in which format.
#[derive(Args, Clone, Debug)]
pub struct LogOptions {
    /// Format of the log on standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Level of the log (error, warn, info, debug, trace), or levels by module such as `info,kube=debug`
    #[arg(long, value_name = "LEVEL", env = "RUST_LOG", default_value = DEFAULT_LEVEL, value_parser = level)]
    pub log_level: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people: time, level, message, `field=value`
    Text,
    /// A JSON object on each line
    Json,
}

/// Starts to log. Does nothing if the process logs elsewhere already.
pub(super) fn start(options: &LogOptions) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&options.log_level))
        .with_writer(io::stderr)
        .log_internal_errors(false);
    let _ = match options.log_format {
        LogFormat::Text => log.with_target(false).try_init(),
        LogFormat::Json => {
            let log = log.json().flatten_event(true);
            log.with_current_span(false)
                .with_span_list(false)
                .try_init()
        }
    };
}

fn level(text: &str) -> Result<String, ParseError> {
    // An empty RUST_LOG counts as none.
    let text = if text.is_empty() { DEFAULT_LEVEL } else { text };
    EnvFilter::builder().parse(text)?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_level() {
        assert_eq!(level("info,kube=debug").unwrap(), "info,kube=debug");
        assert_eq!(level("").unwrap(), DEFAULT_LEVEL);
        assert!(level("kube=loud").is_err());
    }
}
