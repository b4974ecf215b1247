//! Reads settings from YAML. Unknown keys and values are errors that name the nearest known one.

use std::fmt;

use super::values::{ExemptByFieldManager, Profile, RuleAction, Settings};
use crate::cluster::ArgoVersion;
use crate::mutations::{self, MUTATIONS};
use crate::rules::{self, nearest};
use crate::source::{self, Content, KeyNode, Limits, Node, Position};

/// Why a settings file cannot be used, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Where it stands.
    pub position: Position,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// The settings of a file's text; an empty one gives the defaults.
pub fn parse(text: &str) -> Result<Settings, Error> {
    let documents = source::parse(text, Limits::default()).map_err(|error| Error {
        position: error.position,
        message: error.message,
    })?;
    let mut settings = Settings::default();
    for document in &documents {
        for (key, value) in entries(document)? {
            set(&mut settings, key, value)?;
        }
    }
    Ok(settings)
}

fn set(settings: &mut Settings, key: &KeyNode, value: &Node) -> Result<(), Error> {
    match key.text.as_str() {
        "profile" => settings.profile = word(value, &Profile::NAMES, Profile::parse)?,
        "actions" => return set_actions(settings, value),
        "mutations" => return set_mutations(settings, value),
        "controllerUsers" => settings.controller_users = texts(value)?,
        "controllerManager" => settings.mesh.controller_manager = text(value)?,
        "exemptByFieldManager" => {
            let parse = ExemptByFieldManager::parse;
            settings.exempt_by_field_manager = word(value, &ExemptByFieldManager::NAMES, parse)?;
        }
        "clusterDomain" => settings.mesh.domain = text(value)?,
        "argoVersion" => settings.mesh.argo_version = argo_version(value)?,
        "pending" => settings.pending = pending(value)?,
        "argoCDLabel" => settings.argo_cd_label = Some(text(value)?),
        "crossNamespace" => settings.mesh.needs_consent = needs_consent(value)?,
        "allowAnnotation" => settings.allow_needs_right = allow_needs_right(value)?,
        "istio" => return set_istio(settings, value),
        _ => return Err(unknown(key, &KEYS)),
    }
    Ok(())
}

fn set_actions(settings: &mut Settings, value: &Node) -> Result<(), Error> {
    for (key, value) in entries(value)? {
        let Some(rule) = rules::find(&key.text) else {
            let names = rules::CATALOGUE.iter();
            let names: Vec<&str> = names.map(|rule| rule.id.name).collect();
            return Err(unknown(key, &names));
        };
        let action = word(value, &RuleAction::NAMES, RuleAction::parse)?;
        settings.actions.insert(rule.id.code.to_owned(), action);
    }
    Ok(())
}

/// `auto` or `off` for each mutation.
fn set_mutations(settings: &mut Settings, value: &Node) -> Result<(), Error> {
    for (key, value) in entries(value)? {
        let Some(mutation) = mutations::find(&key.text) else {
            let names: Vec<&str> = MUTATIONS.iter().map(|mutation| mutation.name).collect();
            return Err(unknown(key, &names));
        };
        let is_off = |word: &str| match word {
            "auto" => Some(false),
            "off" => Some(true),
            _ => None,
        };
        if word(value, &["auto", "off"], is_off)? {
            settings.mutations_off.insert(mutation.name.to_owned());
        } else {
            settings.mutations_off.remove(mutation.name);
        }
    }
    Ok(())
}

fn set_istio(settings: &mut Settings, value: &Node) -> Result<(), Error> {
    for (key, value) in entries(value)? {
        match key.text.as_str() {
            "rootNamespace" => settings.mesh.root_namespace = text(value)?,
            "primaryCluster" => {
                let remote = |word: &str| match word {
                    "local" => Some(false),
                    "remote" => Some(true),
                    _ => None,
                };
                settings.mesh.remote_istio = word(value, &["local", "remote"], remote)?;
            }
            _ => return Err(unknown(key, &["rootNamespace", "primaryCluster"])),
        }
    }
    Ok(())
}

fn pending(value: &Node) -> Result<bool, Error> {
    word(value, &["allow", "deny"], |word| match word {
        "allow" => Some(true),
        "deny" => Some(false),
        _ => None,
    })
}

/// `warn` or `consent`.
fn needs_consent(value: &Node) -> Result<bool, Error> {
    let parse = |written: &str| match written {
        "warn" => Some(false),
        "consent" => Some(true),
        _ => None,
    };
    word(value, &["warn", "consent"], parse)
}

/// `anyone` or `authorized`.
fn allow_needs_right(value: &Node) -> Result<bool, Error> {
    let parse = |written: &str| match written {
        "anyone" => Some(false),
        "authorized" => Some(true),
        _ => None,
    };
    word(value, &["anyone", "authorized"], parse)
}

/// `"1.9"`, in quotes.
fn argo_version(value: &Node) -> Result<ArgoVersion, Error> {
    // Without quotes YAML makes 1.1 of 1.10.
    let version = value.as_str().and_then(ArgoVersion::parse);
    version.ok_or_else(|| error(value, "write the version in quotes, such as `\"1.10\"`"))
}

fn entries(node: &Node) -> Result<&[(KeyNode, Node)], Error> {
    match &node.content {
        Content::Mapping(entries) => Ok(entries),
        Content::Null => Ok(&[]),
        _ => Err(error(node, "a mapping is expected here")),
    }
}

fn text(node: &Node) -> Result<String, Error> {
    let text = node.as_str().filter(|text| !text.is_empty());
    let text = text.map(str::to_owned);
    text.ok_or_else(|| error(node, "a string that is not empty is expected here"))
}

fn texts(node: &Node) -> Result<Vec<String>, Error> {
    match &node.content {
        Content::Sequence(items) => items.iter().map(text).collect(),
        _ => Err(error(node, "a list of strings is expected here")),
    }
}

fn word<T>(node: &Node, known: &[&str], parse: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
    let written = match &node.content {
        Content::String(text) => text.as_str(),
        // YAML 1.1 reads an unquoted `off` as false.
        Content::Bool(false) => "off",
        _ => "",
    };
    parse(written).ok_or_else(|| {
        let message = format!("`{written}` is not one of {}", known.join(", "));
        error(node, message)
    })
}

fn unknown(key: &KeyNode, known: &[&str]) -> Error {
    let hint = match nearest(&key.text, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known: {}", known.join(", ")),
    };
    Error {
        position: key.span.start,
        message: format!("unknown key `{}`; {hint}", key.text),
    }
}

fn error(node: &Node, message: impl Into<String>) -> Error {
    Error {
        position: node.span.start,
        message: message.into(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column, .. } = self.position;
        write!(f, "line {line}, column {column}: {}", self.message)
    }
}

impl std::error::Error for Error {}

const KEYS: [&str; 13] = [
    "profile",
    "actions",
    "mutations",
    "controllerUsers",
    "controllerManager",
    "exemptByFieldManager",
    "clusterDomain",
    "argoVersion",
    "pending",
    "argoCDLabel",
    "crossNamespace",
    "allowAnnotation",
    "istio",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_key() {
        let text = "profile: strict\nactions: {subset-undefined: off, RG202: warn}\n\
                    mutations: {shared-ownership: off}\ncontrollerUsers: [a]\ncontrollerManager: m\n\
                    exemptByFieldManager: never\nclusterDomain: d\nargoVersion: \"1.9\"\npending: deny\n\
                    argoCDLabel: l\ncrossNamespace: consent\nallowAnnotation: authorized\n\
                    istio: {rootNamespace: r, primaryCluster: remote}\n";
        let settings = parse(text).unwrap();
        assert_eq!(settings.profile, Profile::Strict);
        assert_eq!(settings.actions["RG501"], RuleAction::Off);
        assert_eq!(settings.actions["RG202"], RuleAction::Warn);
        assert!(settings.mutations_off.contains("shared-ownership"));
        assert_eq!(settings.controller_users, ["a"]);
        assert_eq!(
            settings.exempt_by_field_manager,
            ExemptByFieldManager::Never
        );
        assert_eq!(settings.mesh.argo_version, ArgoVersion(1, 9));
        assert!(settings.mesh.needs_consent);
        assert!(settings.allow_needs_right);
        assert!(settings.mesh.remote_istio);
        assert!(!settings.pending);
        assert_eq!(settings.argo_cd_label.as_deref(), Some("l"));
        assert_eq!(parse("").unwrap(), Settings::default());
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let said = |text| parse(text).unwrap_err().to_string();
        assert_eq!(
            said("profil: guard\n"),
            "line 1, column 1: unknown key `profil`; did you mean `profile`?"
        );
        assert_eq!(
            said("actions:\n  subset-undefine: off\n"),
            "line 2, column 3: unknown key `subset-undefine`; did you mean `subset-undefined`?"
        );
        assert_eq!(
            said("profile: hard\n"),
            "line 1, column 10: `hard` is not one of guard, strict, observe"
        );
        assert_eq!(
            said("argoVersion: [1]\n"),
            "line 1, column 14: write the version in quotes, such as `\"1.10\"`"
        );
    }
}
