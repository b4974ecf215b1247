//! The settings that `check`, `review` and `serve` share on the command line.

use std::io;
use std::path::PathBuf;

use clap::Args;

use super::error::Error;
use super::manifests::Manifests;
use crate::settings::{self, Profile, Settings};

#[derive(Args, Clone, Debug)]
pub struct SettingsOptions {
    /// Settings file (YAML): profile, actions by rule, controllerUsers, clusterDomain, …
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Which writes are denied; overrides the settings file
    #[arg(long, value_name = "PROFILE", value_parser = ["guard", "strict", "observe"])]
    pub profile: Option<String>,
    /// Namespace of objects without one [default: default]; with `check --cluster`, the only namespace to judge
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
}

/// Why a settings file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("{}: {source}", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("{}: {source}", file.display())]
    Parse {
        file: PathBuf,
        source: settings::Error,
    },
}

/// Why the files that a command is given cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Manifests(#[from] Error),
}

impl SettingsOptions {
    /// The settings, and the manifests of these paths.
    pub fn read(&self, paths: &[PathBuf]) -> Result<(Settings, Manifests), InputError> {
        let settings = self.settings()?;
        Ok((settings, Manifests::read(paths, self.namespace())?))
    }

    /// The settings, and what can be used of these paths.
    pub fn collect(&self, paths: &[PathBuf]) -> Result<(Settings, Manifests), InputError> {
        let settings = self.settings()?;
        Ok((settings, Manifests::collect(paths, self.namespace())))
    }

    /// The namespace of objects that name none.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// The settings of the file, and over them those of the flags.
    pub fn settings(&self) -> Result<Settings, SettingsError> {
        let mut settings = match &self.config {
            None => Settings::default(),
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|source| SettingsError::Read {
                    file: file.clone(),
                    source,
                })?;
                settings::parse(&text).map_err(|source| SettingsError::Parse {
                    file: file.clone(),
                    source,
                })?
            }
        };
        if let Some(profile) = self.profile.as_deref().and_then(Profile::parse) {
            settings.profile = profile;
        }
        Ok(settings)
    }
}
