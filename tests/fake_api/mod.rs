//! A Kubernetes API server in memory, for the unit tests and for the suite: lists in pages, watches,
//! versions that conflict, patches, discovery. What watches send and what reads answer can be made to differ.

// Each of the two test programs uses a part of it.
#![allow(dead_code)]

mod answer;
mod kinds;
mod store;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::http::Method;
use kube::Client;
use serde_json::Value;

pub use self::kinds::{ARGO, ISTIO};
use self::store::{Store, Target};

#[derive(Clone, Default)]
pub struct FakeApi(Arc<Mutex<Store>>);

#[derive(Clone, Copy, Default, PartialEq)]
pub enum Fault {
    #[default]
    None,
    /// Every request fails with status 500.
    Refuse,
    /// No request is answered.
    Hang,
    /// Reads of one object fail with this status.
    FailReads(u16),
    /// No read is answered, watches go on.
    HangReads,
    /// Each read takes so long.
    SlowReads(Duration),
    /// Questions for a right fail with this status.
    FailQuestions(u16),
    /// Server-side apply fails with status 403.
    RefuseWrites,
    /// The connection ends without an answer to so many reads.
    BreakReads(usize),
}

impl FakeApi {
    /// A client that calls this API server without a connection.
    pub fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request| api.clone().answer(request));
        Client::new(service, "default")
    }

    pub fn fail(&self, fault: Fault) {
        self.store().fault = fault;
    }

    pub fn object(&self, path: &str) -> Option<Value> {
        self.store().object(&target(path)).cloned()
    }

    /// Stores the object at this path, and sends it to the watches.
    pub fn put(&self, path: &str, object: Value) {
        self.store().put(&target(path), object);
    }

    /// Stores the object at the path of its kind, and sends it to the watches.
    pub fn apply(&self, object: &Value) {
        self.put(&kinds::path(object), object.clone());
    }

    /// Like [`FakeApi::apply`], but no watch sends it before the next change of the object.
    pub fn apply_unheard(&self, object: &Value) {
        let mut store = self.store();
        store.put_unheard(target(&kinds::path(object)), object.clone());
    }

    pub fn delete(&self, path: &str) {
        self.store().delete(&target(path));
    }

    /// The writes of clients that succeeded: method, path with query, body.
    pub fn writes(&self) -> Vec<(Method, String, Value)> {
        self.store().writes.clone()
    }

    /// Gives this user the right to use the `allow` annotation.
    pub fn grant_allow(&self, user: &str) {
        self.store().allowing.push(user.to_owned());
    }

    /// The specs of the SubjectAccessReviews that were created.
    pub fn questions(&self) -> Vec<Value> {
        self.store().questions.clone()
    }

    /// How many slow reads there have been, and the most at a time.
    pub fn slow_reads(&self) -> (usize, usize) {
        let store = self.store();
        (store.slow_reads, store.most_running_reads)
    }

    /// Installs these groups of CRDs and no others. Watches of their kinds end, and without any group the
    /// objects of all of them are deleted.
    pub fn serve_groups(&self, groups: &[&'static str]) {
        self.store().serve_groups(groups);
    }

    /// Answers a GET of this path, which is of no object, with this text.
    pub fn serve_text(&self, path: &str, text: &str) {
        self.store().texts.insert(path.to_owned(), text.to_owned());
    }

    /// Answers each dry run with this status and body.
    pub fn answer_dry_runs(&self, status: u16, body: Value) {
        self.store().dry_run = Some((status, body));
    }

    /// Adds a warning to each answer to a path that contains this text.
    pub fn warn(&self, path: &str, warning: &str) {
        self.store().warning = Some((path.to_owned(), warning.to_owned()));
    }

    /// Ends every watch.
    pub fn cut_watches(&self) {
        self.store().watches.clear();
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap()
    }
}

fn target(path: &str) -> Target {
    Target::parse(path).unwrap_or_else(|| panic!("{path} is not the path of an object"))
}
