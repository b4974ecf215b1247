//! The log on standard error: its format and its level.

use std::io;

use clap::{Args, ValueEnum};
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

const DEFAULT_LEVEL: &str = "info";

/// How much is logged, and in which format.
#[derive(Args, Clone, Debug)]
pub struct LogOptions {
    /// Format of the log on standard error: lines of text, or a JSON object on each line
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Level of the log (error, warn, info, debug), or levels by module such as `info,kube=debug`
    #[arg(long, value_name = "LEVEL", env = "RUST_LOG", default_value = DEFAULT_LEVEL, value_parser = level)]
    pub log_level: Targets,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Starts to log. Does nothing if the process logs elsewhere already.
pub(super) fn start(options: &LogOptions) {
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .log_internal_errors(false);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match options.log_format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true);
            lines.with_current_span(false).with_span_list(false).boxed()
        }
    };
    let levels = options.log_level.clone();
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(levels))
        .try_init();
}

/// The directives of `RUST_LOG` about modules and levels; those about spans would need a regular expression
/// engine in the image.
fn level(text: &str) -> Result<Targets, ParseError> {
    // An empty RUST_LOG counts as none.
    let text = if text.is_empty() { DEFAULT_LEVEL } else { text };
    text.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_level() {
        assert_eq!(
            level("info,kube=debug").unwrap().to_string(),
            "kube=debug,info"
        );
        assert_eq!(level("").unwrap().to_string(), DEFAULT_LEVEL);
        assert!(level("kube=loud").is_err());
    }
}
