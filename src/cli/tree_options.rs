//! The options of `tree`, and what both of its sources share.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::error::Error;
use super::terminal::{columns, print_error, print_text};
use crate::cluster::Cluster;
use crate::files::is_manifest;
use crate::files::settings::SettingsOptions;
use crate::model::{Key, Kind};
use crate::tree::{Format, Node, Selection, render};
use crate::verdict::Severity;

/// Show flows: Rollouts, their routes, where these lead, and what is wrong
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, mut_arg("namespace", |namespace| namespace.help(NAMESPACE)))]
pub struct Options {
    /// Files and folders of manifests (or `-`) in place of a cluster, and objects, such as `rollout/app` or
    /// `dr/shop/app`: with what they lead to and what refers to them [default: all flows of the namespace]
    #[arg(value_name = "PATH|KIND/[NAMESPACE/]NAME")]
    #[cfg_attr(not(feature = "serve"), arg(required_unless_present = "filename"))]
    objects: Vec<String>,
    /// The same as PATH, as for `kubectl`
    #[arg(short, long, value_name = "PATH")]
    pub(super) filename: Vec<PathBuf>,
    /// The flows of all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Kubeconfig of the cluster [default: $KUBECONFIG, else ~/.kube/config, else the cluster that this runs in]
    #[cfg(feature = "serve")]
    #[arg(long, value_name = "FILE", conflicts_with = "filename")]
    kubeconfig: Option<PathBuf>,
    /// Draw again whenever something changes, until interrupted
    #[cfg(feature = "serve")]
    #[arg(short, long, conflicts_with = "filename")]
    watch: bool,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    settings: SettingsOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Text,
    Json,
    Mermaid,
    Dot,
    Svg,
    Html,
}

impl Options {
    /// With the words that are paths among the files, and an error for a word that can be nothing.
    pub(super) fn sorted(mut self) -> Result<Self, Error> {
        let words = std::mem::take(&mut self.objects).into_iter();
        let (paths, objects): (Vec<String>, Vec<String>) = words.partition(|word| is_path(word));
        self.filename.extend(paths.into_iter().map(PathBuf::from));
        self.objects = joined(objects);
        for word in &self.objects {
            kind_and_name(word)?;
        }
        #[cfg(feature = "serve")]
        if !self.filename.is_empty() && (self.watch || self.kubeconfig.is_some()) {
            return Err(Error::NotOfManifests);
        }
        #[cfg(not(feature = "serve"))]
        if self.filename.is_empty() {
            return Err(Error::NoManifests);
        }
        Ok(self)
    }

    /// What is to be shown. An object without a namespace is of `default`, or the only one of that name.
    pub(super) fn selection(
        &self,
        cluster: &Cluster,
        namespace: Option<String>,
        default: &str,
    ) -> Result<Selection, Error> {
        if self.objects.is_empty() {
            return Ok(Selection::Namespace(namespace));
        }
        let objects = self.objects.iter();
        let keys = objects.map(|word| find(word, cluster, default));
        Ok(Selection::Objects(keys.collect::<Result<_, _>>()?))
    }

    pub(super) fn print(&self, nodes: &[Node]) -> ExitCode {
        print_text(&render(nodes, self.output.format()));
        if nodes.is_empty() {
            print_error("note: there is no Rollout and no VirtualService to show");
        }
        let findings = nodes.iter().flat_map(Node::all_findings);
        let codes: BTreeSet<&str> = findings.clone().map(|finding| finding.rule.code).collect();
        if self.output == Output::Text && !codes.is_empty() {
            let codes: Vec<&str> = codes.into_iter().collect();
            let codes = codes.join(" ");
            print_error(format_args!(
                "note: what to do: `rollout-guard explain {codes}`"
            ));
        }
        let mut errors = findings.filter(|finding| finding.severity == Severity::Error);
        ExitCode::from(u8::from(errors.next().is_some()))
    }

    pub(super) fn settings(&self) -> &SettingsOptions {
        &self.settings
    }

    #[cfg(feature = "serve")]
    pub(super) fn kubeconfig(&self) -> Option<&std::path::Path> {
        self.kubeconfig.as_deref()
    }

    #[cfg(feature = "serve")]
    pub(super) fn watches(&self) -> bool {
        self.watch
    }

    pub(super) fn all_namespaces(&self) -> bool {
        self.all_namespaces
    }
}

impl Output {
    pub(super) fn format(self) -> Format {
        match self {
            Output::Text => Format::Text(columns()),
            Output::Json => Format::Json,
            Output::Mermaid => Format::Mermaid,
            Output::Dot => Format::Dot,
            Output::Svg => Format::Svg,
            Output::Html => Format::Html,
        }
    }
}

/// The object of a word such as `vs/app` or `virtualservice/shop/app`.
pub(super) fn find(word: &str, cluster: &Cluster, default: &str) -> Result<Key, Error> {
    let unknown = |hint: String| unknown(word, hint);
    let (kind, name) = kind_and_name(word)?;
    let (namespace, name) = name.split_once('/').unwrap_or((default, name));
    let key = Key::new(kind, namespace, name);
    if cluster.get(&key).is_some() {
        return Ok(key);
    }
    let mut named: Vec<&Key> = cluster
        .keys()
        .filter(|other| other.kind == kind && *other.name == *key.name)
        .collect();
    named.sort();
    match named.as_slice() {
        [only] if word.matches('/').count() == 1 => Ok((*only).clone()),
        [] => Err(unknown(similar(&key, cluster))),
        several => {
            let names: Vec<String> = several.iter().map(|key| key.full_name()).collect();
            Err(unknown(format!("there is {}", names.join(", "))))
        }
    }
}

fn kind_and_name(word: &str) -> Result<(Kind, &str), Error> {
    let (kind, name) = word
        .split_once('/')
        .ok_or_else(|| unknown(word, "write KIND/NAME, such as rollout/app".to_owned()))?;
    let kind = kind_of(kind).ok_or_else(|| unknown(word, unknown_kind(kind)))?;
    Ok((kind, name))
}

fn unknown(word: &str, hint: String) -> Error {
    Error::UnknownObject {
        word: word.to_owned(),
        hint,
    }
}

/// Whether the word is a file or folder, or is written like one. `rollout/app` is an object even if there is such a
/// folder, and `rollout/app/` is not.
fn is_path(word: &str) -> bool {
    let path = Path::new(word);
    let is_like_one = word == "-" || word.ends_with('/') || is_manifest(path);
    match word.split_once('/') {
        None => is_like_one || path.exists(),
        Some((kind, _)) if kind_of(kind).is_some() => is_like_one && path.exists(),
        Some((kind, _)) => path.exists() || near_kind(kind).is_none(),
    }
}

/// Of `rollout app` and of `app` alone `rollout/app`.
fn joined(words: Vec<String>) -> Vec<String> {
    let mut joined = Vec::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let is_bare = !word.contains('/');
        let is_kind = is_bare && kind_of(&word).is_some();
        let name = words.next_if(|next| is_kind && !next.contains('/'));
        joined.push(match name {
            Some(name) => format!("{word}/{name}"),
            None if is_bare && !is_kind => format!("rollout/{word}"),
            None => word,
        });
    }
    joined
}

fn similar(key: &Key, cluster: &Cluster) -> String {
    let names = cluster.keys().filter(|other| other.kind == key.kind);
    let names: Vec<String> = names.map(|key| key.name.to_string()).collect();
    match crate::rules::nearest(&key.name, names.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("{} objects of this kind are known", names.len()),
    }
}

fn unknown_kind(word: &str) -> String {
    let near = near_kind(word).map(|near| format!("; did you mean `{near}`?"));
    format!("no kind is called `{word}`{}", near.unwrap_or_default())
}

fn near_kind(word: &str) -> Option<String> {
    let names: Vec<String> = Kind::ALL.map(|kind| kind.as_str().to_lowercase()).to_vec();
    let near = crate::rules::nearest(&word.to_lowercase(), names.iter().map(String::as_str));
    near.map(str::to_owned)
}

/// A kind by its name, its plural, or the short form that kubectl takes.
fn kind_of(word: &str) -> Option<Kind> {
    let word = word.to_lowercase();
    let mut all = Kind::ALL.into_iter();
    all.find(|kind| {
        let name = kind.as_str().to_lowercase();
        let short = SHORT.iter().find(|(known, _)| known == kind);
        name == word || kind.plural() == word || short.is_some_and(|(_, short)| *short == word)
    })
}

/// As the CRDs and the API server define them.
const SHORT: [(Kind, &str); 6] = [
    (Kind::Rollout, "ro"),
    (Kind::VirtualService, "vs"),
    (Kind::DestinationRule, "dr"),
    (Kind::Service, "svc"),
    (Kind::ServiceEntry, "se"),
    (Kind::Gateway, "gw"),
];

const NAMESPACE: &str =
    "Namespace whose flows are shown [default: that of the context; of manifests all]";

const EXAMPLES: &str = "\
Examples:
  rollout-guard tree manifests/                     all flows of these files
  rollout-guard tree -n shop                        all flows of a namespace of the cluster
  rollout-guard tree rollout/app --watch            one flow during a release
  rollout-guard tree dr/app manifests/              a DestinationRule, and what refers to it
  rollout-guard tree manifests/ -o html > flows.html
  kubectl rollout-guard tree                        installed as kubectl-rollout_guard";
