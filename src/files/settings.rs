//! The settings that `check`, `review` and `serve` share on the command line.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::error::Error;
use super::manifests::Manifests;
use crate::settings::{self, Profile, Settings};

/// The name of the settings file that is found without `--config`.
const FILE_NAME: &str = "rollout-guard.yaml";

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Settings")]
pub struct SettingsOptions {
    /// Settings file (YAML): profile, actions by rule, controllerUsers, clusterDomain, … [default: rollout-guard.yaml
    /// in this folder or above it]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Which writes are denied; overrides the settings file
    #[arg(long, value_name = "PROFILE", value_parser = ["guard", "strict", "observe"])]
    pub profile: Option<String>,
    /// Namespace of objects without one [default: default]
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
        let settings = self.discover()?;
        Ok((settings, Manifests::read(paths, self.namespace())?))
    }

    /// The settings, and what can be used of these paths.
    pub fn collect(&self, paths: &[PathBuf]) -> Result<(Settings, Manifests), InputError> {
        let settings = self.discover()?;
        Ok((settings, Manifests::collect(paths, self.namespace())))
    }

    /// The namespace of objects that name none.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// The settings of `--config` or of the file that is found, and over them those of the flags.
    pub fn discover(&self) -> Result<Settings, SettingsError> {
        self.settings_of(self.file().as_deref())
    }

    /// The settings of `--config`, and over them those of the flags: nothing else counts for `serve`.
    pub fn settings(&self) -> Result<Settings, SettingsError> {
        self.settings_of(self.config.as_deref())
    }

    /// The settings file: `--config`, or `rollout-guard.yaml` in the working directory or a folder above it, up to the
    /// root of the git repository.
    pub fn file(&self) -> Option<PathBuf> {
        self.config.clone().or_else(|| {
            let here = std::env::current_dir().ok()?;
            let above = here.ancestors();
            let root = above
                .clone()
                .position(|folder| folder.join(".git").exists());
            let folders = above.take(root.map_or(usize::MAX, |root| root + 1));
            let mut files = folders.map(|folder| folder.join(FILE_NAME));
            files.find(|file| file.is_file())
        })
    }

    fn settings_of(&self, file: Option<&Path>) -> Result<Settings, SettingsError> {
        let mut settings = match file {
            None => Settings::default(),
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|source| SettingsError::Read {
                    file: file.to_owned(),
                    source,
                })?;
                settings::parse(&text).map_err(|source| SettingsError::Parse {
                    file: file.to_owned(),
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
