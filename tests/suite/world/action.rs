//! What happens in the world, one thing after the other.

use rollout_guard::model::Kind;
use serde_json::Value;

use super::cluster::{Pods, Sim};
use super::invariants::{Breach, Checks};
use super::people::{How, Outcome};
use super::random::Random;
use super::setup::{CONTENTS, Content, Files, Setup, files, key, rollout_key};

/// Each makes sense at any time, so that a sequence without some of its actions is a sequence.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// A person writes one of the files.
    Edit(usize, Files, How),
    /// `kubectl apply -f`, `kubectl replace -f`: each file by itself.
    Kubectl(Files, How),
    /// Kinds sorted by name; the first refusal ends the release.
    Helm(Files),
    /// A dry run of all; then all, if none was refused.
    Flux(Files),
    /// Each file by itself, from that one on.
    Argo(usize, Files),
    Delete(usize),
    /// `kubectl argo rollouts set image`, and `undo`.
    Image(u8),
    Promote,
    PromoteFull,
    Abort,
    Retry,
    Reconcile,
    Ready(Pods, bool),
    ScaleDown,
}

impl Action {
    pub fn random(random: &mut Random) -> Self {
        let how = if random.below(3) == 0 {
            How::Replace
        } else {
            How::Apply
        };
        match random.below(22) {
            0..4 => Self::Edit(random.below(5), versions(random), how),
            4 => Self::Kubectl(versions(random), how),
            5 => Self::Helm(versions(random)),
            6 => Self::Flux(versions(random)),
            7 => Self::Argo(random.below(5), versions(random)),
            8 => Self::Delete(random.below(5)),
            9 | 10 => Self::Image(image(random)),
            11 => Self::Promote,
            12 => [Self::PromoteFull, Self::Abort, Self::Retry][random.below(3)],
            13..18 => Self::Reconcile,
            18 => Self::Ready(Pods::Stable, random.below(2) == 0),
            19 => Self::Ready(Pods::Current, random.below(4) > 0),
            20 => Self::Ready(Pods::Current, true),
            _ => Self::ScaleDown,
        }
    }

    /// Does it, and checks each write of a person.
    pub fn run(self, sim: &mut Sim, setup: Setup) -> Result<(), Breach> {
        match self {
            Self::Edit(index, content, how) => {
                let files = files(setup, content);
                let file = &files[index % files.len()];
                Checks::stranger(sim, file, how)?;
                sim.checked(file, how).map(drop)
            }
            Self::Kubectl(content, how) => sim.each(&files(setup, content), how),
            Self::Argo(first, content) => {
                let mut files = files(setup, content);
                let first = first % files.len();
                files.rotate_left(first);
                sim.each(&files, How::Apply)
            }
            Self::Helm(content) => sim.release(&by_kind(files(setup, content))),
            Self::Flux(content) => {
                let files = by_kind(files(setup, content));
                let refused =
                    |file| matches!(sim.write(file, How::Apply, true), Outcome::Denied(_));
                if files.iter().any(refused) {
                    return Ok(());
                }
                sim.release(&files)
            }
            Self::Delete(index) => {
                let plain = Files {
                    image: 1,
                    content: Content::Plain,
                };
                let files = files(setup, plain);
                Checks::around(sim, |sim| sim.delete(&key(&files[index % files.len()]))).map(drop)
            }
            Self::Image(image) => {
                let Some(mut rollout) = sim.rollout().cloned() else {
                    return Ok(());
                };
                let containers = &mut rollout["spec"]["template"]["spec"]["containers"];
                containers[0]["image"] = format!("registry.example/app:v{image}").into();
                sim.checked(&rollout, How::Replace).map(drop)
            }
            Self::Promote | Self::PromoteFull | Self::Abort | Self::Retry => {
                self.command(sim);
                Ok(())
            }
            Self::Reconcile => {
                sim.reconcile();
                Ok(())
            }
            Self::Ready(pods, ready) => {
                sim.pods_become(pods, ready);
                Ok(())
            }
            Self::ScaleDown => {
                sim.scale_down();
                Ok(())
            }
        }
    }

    /// Commands of the plugin that write the status.
    fn command(self, sim: &mut Sim) {
        let Some(status) = sim.status() else { return };
        let released =
            status["stableRS"] != status["currentPodHash"] && status["stableRS"].is_string();
        if !released {
            return;
        }
        match self {
            Self::Promote => {
                let index = status["currentStepIndex"].as_u64().unwrap_or_default();
                status["currentStepIndex"] = (index + 1).min(5).into();
            }
            Self::PromoteFull => status["promoteFull"] = true.into(),
            Self::Abort => {
                status["abort"] = true.into();
                status["currentStepIndex"] = 0.into();
            }
            _ => status["abort"] = false.into(),
        }
    }
}

impl Sim {
    fn checked(&mut self, file: &Value, how: How) -> Result<Outcome, Breach> {
        Checks::around(self, |sim| sim.write(file, how, false))
    }

    fn each(&mut self, files: &[Value], how: How) -> Result<(), Breach> {
        files
            .iter()
            .try_for_each(|file| self.checked(file, how).map(drop))
    }

    fn release(&mut self, files: &[Value]) -> Result<(), Breach> {
        for file in files {
            if let Outcome::Denied(_) = self.checked(file, How::Apply)? {
                break;
            }
        }
        Ok(())
    }
}

/// As Helm and Flux sort them: Services first, then the custom kinds by name.
pub fn by_kind(mut files: Vec<Value>) -> Vec<Value> {
    files.sort_by_key(|file| {
        let key = key(file);
        (key.kind != Kind::Service, key.kind.as_str())
    });
    files
}

fn versions(random: &mut Random) -> Files {
    let content = match random.below(3) {
        0 => Content::Plain,
        _ => CONTENTS[random.below(CONTENTS.len())],
    };
    Files {
        image: image(random),
        content,
    }
}

fn image(random: &mut Random) -> u8 {
    [1, 2, 3][random.below(3)]
}

/// An installed flow whose first revision serves.
pub fn installed(setup: Setup) -> Sim {
    let mut sim = Sim::new();
    for file in files(
        setup,
        Files {
            image: 1,
            content: Content::Plain,
        },
    ) {
        let outcome = sim.write(&file, How::Apply, false);
        assert!(matches!(outcome, Outcome::Admitted(_)), "{}", rollout_key());
    }
    for _ in 0..4 {
        sim.reconcile();
        sim.pods_become(Pods::Current, true);
    }
    sim
}
