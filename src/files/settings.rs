//! The settings that `check`, `review` and `serve` share on the command line.

use std::path::PathBuf;

use clap::Args;

use super::manifests::Manifests;
use crate::settings::{self, Profile, Settings};

#[derive(Args, Clone, Debug)]
pub struct SettingsOptions {
    /// Settings file (YAML): profile, actions by rule, controllerUsers, clusterDomain, …
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is denied; overrides the settings file
    #[arg(long, value_name = "PROFILE", value_parser = ["guard", "strict", "observe"])]
    pub profile: Option<String>,
    /// Namespace of objects that name none [default: default]; with `check --cluster` the only one judged
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
}

impl SettingsOptions {
    /// The settings and the manifests of these paths, or what of them cannot be used.
    pub fn read(&self, paths: &[PathBuf]) -> Result<(Settings, Manifests), String> {
        let settings = self.settings()?;
        let manifests = Manifests::read(paths, self.namespace());
        Ok((settings, manifests.map_err(|error| error.to_string())?))
    }

    /// The namespace of objects that name none.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// The settings of the file and the flags, or what is wrong with the file.
    pub fn settings(&self) -> Result<Settings, String> {
        let mut settings = match &self.config {
            None => Settings::default(),
            Some(path) => {
                let name = path.display();
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|error| format!("{name}: {error}"))?;
                settings::parse(&text).map_err(|error| format!("{name}: {error}"))?
            }
        };
        if let Some(profile) = self.profile.as_deref().and_then(Profile::parse) {
            settings.profile = profile;
        }
        Ok(settings)
    }
}
