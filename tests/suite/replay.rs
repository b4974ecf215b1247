//! The team's recordings replayed with a guard in front: whatever the users' writes wiped, after the patch
//! the stored object says what the controller said last, and the users' own changes arrive.

use std::collections::BTreeMap;
use std::path::Path;

use rollout_guard::cluster::Cluster;
use rollout_guard::request::Phase;
use rollout_guard::settings::Settings;
use serde_json::Value;

use crate::answer::answer;
use crate::kept::{disagreements, managed_by, without_what_is_kept};
use crate::recorded::{cluster, shared_recordings};

#[test]
fn users_keep_their_changes_and_the_controller_its_word() {
    let mut stories: BTreeMap<String, Story> = BTreeMap::new();
    let mut faults = Vec::new();
    let recordings = shared_recordings();
    for path in &recordings {
        let review = Review::read(path);
        let story = stories.entry(review.story.clone()).or_default();
        faults.extend(story.tell(&review));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    let kept: usize = stories.values().map(|story| story.kept).sum();
    let replayed = !recordings.is_empty();
    assert!(!replayed || kept > 100, "only {kept} writes were patched");
}

/// What one group of recordings, such as `subset-01` to `subset-11`, has come to.
#[derive(Default)]
struct Story {
    /// Each object as the controller wrote it last.
    words: BTreeMap<String, Value>,
    /// Each object as it would be stored with the guard in front.
    stored: BTreeMap<String, Value>,
    /// How many writes were patched.
    kept: usize,
}

/// One recorded write.
struct Review {
    name: String,
    /// Such as `subset` for `subset-03-reapply-during-canary`: its folders are one story.
    story: String,
    body: Value,
    cluster: Cluster,
}

impl Story {
    fn tell(&mut self, review: &Review) -> Vec<String> {
        let key = review.key();
        match (review.by_controller(), review.text("operation")) {
            (_, "DELETE") => {
                self.words.remove(&key);
                self.stored.remove(&key);
                Vec::new()
            }
            (true, _) => {
                self.words.insert(key.clone(), review.object().clone());
                self.stored.insert(key, review.object().clone());
                Vec::new()
            }
            (false, "UPDATE") if self.words.contains_key(&key) => self.write(&key, review),
            (false, _) => {
                self.stored.insert(key, review.object().clone());
                Vec::new()
            }
        }
    }

    /// A user's write over the object as it was then, wiped perhaps, and as a guard would have kept it.
    fn write(&mut self, key: &str, review: &Review) -> Vec<String> {
        let word = &self.words[key];
        let mut faults = Vec::new();
        for guarded in [false, true] {
            let mut sent = review.body.clone();
            if let (true, Some(stored)) = (guarded, self.stored.get(key)) {
                sent["request"]["oldObject"] = stored.clone();
            }
            let Some((stored, patched)) = review.stored(&sent) else {
                continue;
            };
            let name = &review.name;
            let inserted = review.inserted();
            let mut spoken = disagreements(&stored, word, &inserted);
            // What live has lost before there was a guard is nowhere written.
            if guarded && managed_by(word).is_some() && managed_by(word) != managed_by(&stored) {
                spoken.push("not managed by who managed it".to_owned());
            }
            faults.extend(spoken.into_iter().map(|fault| format!("{name}: {fault}")));
            let asked = without_what_is_kept(review.object(), review.object(), &inserted);
            let got = without_what_is_kept(&stored, review.object(), &inserted);
            if asked != got {
                faults.push(format!("{name}: asked for\n{asked:#}\ngot\n{got:#}"));
            }
            self.kept += usize::from(patched);
            if guarded && review.body["request"]["dryRun"] != true {
                self.stored.insert(key.to_owned(), stored);
            }
        }
        faults
    }
}

impl Review {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a review");
        let folder = path.parent().and_then(Path::file_name);
        let folder = folder.expect("a folder").to_string_lossy();
        let manifests = path
            .to_string_lossy()
            .replace(".review.json", ".cluster.json");
        Self {
            name: path.display().to_string(),
            story: folder.split('-').next().unwrap_or_default().to_owned(),
            body: serde_json::from_str(&text).expect("JSON"),
            cluster: cluster(&[manifests.into()]),
        }
    }

    fn by_controller(&self) -> bool {
        self.name.contains("-controller-")
    }

    fn text(&self, field: &str) -> &str {
        self.body["request"][field].as_str().unwrap_or_default()
    }

    fn object(&self) -> &Value {
        &self.body["request"]["object"]
    }

    fn key(&self) -> String {
        let kind = &self.body["request"]["kind"]["kind"];
        format!("{kind} {}/{}", self.text("namespace"), self.text("name"))
    }

    /// The object after `/mutate`, and whether that patched it; `None` where `/validate` denies it.
    fn stored(&self, sent: &Value) -> Option<(Value, bool)> {
        let body = serde_json::to_vec(sent).expect("JSON");
        let ask = |endpoint| answer(&body, endpoint, &self.cluster, &Settings::default());
        let judged = ask(Phase::MutateThenValidate).expect("an answer");
        if judged.decision.is_denied() {
            return None;
        }
        let patched = judged.decision.mutation.is_some_and(|one| one.patches());
        Some((judged.decision.request.object, patched))
    }

    /// The names in any Rollout's `managedRoutes`.
    fn inserted(&self) -> Vec<String> {
        let rollouts = self.cluster.keys().filter_map(|key| self.cluster.get(key));
        let names = rollouts.filter_map(|object| Some(object.rollout()?.body.managed_routes()));
        names.flatten().cloned().collect()
    }
}
