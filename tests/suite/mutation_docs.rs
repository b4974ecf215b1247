//! The page about the mutations: what applies to all of them, and the documentation of each one.

use std::path::Path;

use rollout_guard::mutations::{MUTATIONS, Mutation};

use crate::expected;
use crate::mutations::fixtures;
use crate::tidy::folders;

#[test]
fn the_mutations_page_is_in_step() {
    let mut page = String::from(OPENING);
    for mutation in MUTATIONS {
        let (name, kind, docs) = (mutation.name, kinds(mutation), mutation.documentation);
        let summary = docs.lines().next().unwrap_or_default();
        page += &format!("| [{name}](#{name}) | {kind} | {summary} |\n");
    }
    page += COMMON;
    for mutation in MUTATIONS {
        let (name, kind) = (mutation.name, kinds(mutation));
        let docs = mutation.documentation.replace("\n## ", "\n### ");
        page += &format!("\n## {name}\n\n*{kind}*. {}\n", docs.trim_end());
    }
    expected::file("docs/mutations.md", &page);
}

#[test]
fn every_mutation_has_its_folder_of_fixtures() {
    let mut mutations: Vec<&str> = MUTATIONS.iter().map(|mutation| mutation.name).collect();
    mutations.sort_unstable();
    assert_eq!(folders("tests/mutations"), mutations);
}

#[test]
fn every_mutation_is_documented_and_shown_both_ways() {
    for mutation in MUTATIONS {
        let docs = mutation.documentation;
        for heading in ["\n## What\n", "\n## Why\n", "\n## Not when\n"] {
            assert!(docs.contains(heading), "{}: no {heading}", mutation.name);
        }
        assert!(shown(mutation, true), "{}: never patches", mutation.name);
        assert!(shown(mutation, false), "{}: always patches", mutation.name);
    }
}

fn kinds(mutation: &Mutation) -> String {
    let kinds: Vec<&str> = mutation.kinds.iter().map(|kind| kind.as_str()).collect();
    kinds.join(", ")
}

fn shown(mutation: &Mutation, patching: bool) -> bool {
    let name = |path: &Path| {
        path.file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    };
    let mut cases = fixtures(mutation).into_iter().map(|path| name(&path));
    cases.any(|case| case.starts_with("none-") != patching)
}

const OPENING: &str = "\
# Mutations

Generated from `src/mutations/` by `UPDATE=1 cargo test`.

The Rollouts controller writes values into VirtualServices, DestinationRules and Services that people keep in git: weights,
`rollouts-pod-template-hash`, inserted routes, an annotation. A file does not contain these values, or contains others, so each
apply of it wipes them. rollout-guard puts them back in the same write: the stored object contains the user's change and the
controller's values. Everything else is stored as written. For example, a timeout that changes in the same apply is stored.

| mutation | on | summary |
|---|---|---|
";

const COMMON: &str = "
The mutations run in this order. Each one adds one warning, which says what it kept and for whom. `kubectl` prints it:

```text
Warning: rollout-guard: kept weights 5/95 of route `primary`: Rollout shop/shop owns them
```

## Source of the values

The values come from the live object, where the controller or an earlier patch of rollout-guard has put them. If the live object
has none, because it is new or was wiped before, they come from the Rollout's status. A hash is copied, never computed. **On a live
object rollout-guard may take traffic from a canary, but never gives it more than it has:** the pods of the canary may be gone.

## Writes that are not changed

Nothing is changed

- if no Rollout names the object, or the Rollout is being deleted;
- if a reference of the Rollout does not resolve (the [rules](rules.md) report this);
- in writes of the Rollouts controller, identified by its user or by `managedFields` (only `shared-ownership` runs there);
- in an object or a namespace that is being deleted;
- in a namespace with the label `rollout-guard.io/enforce: off`.

Under profile `observe`, or with that label set to `observe`, the warning says what would have been kept, and the object is stored
as written.

## In an incident: set weights by hand

An apply cannot change a kept value; this is the purpose of a mutation. **While the controller is down or stuck, only break-glass
can change a kept weight.** The annotation `rollout-guard.io/allow` on an object lists the mutations that skip this object,
separated by commas, or `*` for all mutations and all rules. rollout-guard reads it from the written object, so you can set it before
the change or together with it:

```sh
kubectl annotate virtualservice shop -n shop rollout-guard.io/allow=weights
kubectl edit virtualservice shop -n shop             # 0/100, and it stays
kubectl annotate virtualservice shop -n shop rollout-guard.io/allow-
```

**Remove the annotation afterwards.** While it is set, the next apply of the file wipes the values of the object, as it does without
rollout-guard. After you remove it, rollout-guard keeps the weights that are live then, whether the controller or a person set them,
until the controller writes its own. There is one exception: if the Rollout's status belongs to the current revisions and gives the
canary less, the status counts. With GitOps, also remove the annotation from the file if you added it there.
";
