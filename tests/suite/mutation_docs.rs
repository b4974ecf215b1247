//! The page on the mutations: what people must know of all of them, and each one's own documentation.

use std::path::Path;

use rollout_guard::mutations::{MUTATIONS, Mutation};

use crate::expected;
use crate::mutations::fixtures;
use crate::tidy::folders;

#[test]
fn the_mutations_page_is_in_step() {
    let mut page = String::from(OPENING);
    for mutation in MUTATIONS {
        let (name, kind, docs) = (mutation.name, mutation.kind, mutation.documentation);
        let summary = docs.lines().next().unwrap_or_default();
        page += &format!("| [{name}](#{name}) | {kind} | {summary} |\n");
    }
    page += COMMON;
    for mutation in MUTATIONS {
        let (name, kind) = (mutation.name, mutation.kind);
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

The Rollouts controller writes into VirtualServices, DestinationRules and Services that people keep in git: weights,
`rollouts-pod-template-hash`, inserted routes, an annotation. A file does not have them, or has others, and every apply of it
wipes them. rollout-guard puts them back inside the same write, so that what is stored is the user's change with the controller's
values in it. All else goes through as written: a timeout changed in the same apply is kept.

| mutation | on | in short |
|---|---|---|
";

const COMMON: &str = "
They run in this order. Each says in one warning what it kept and for whom, which `kubectl` prints:

```text
Warning: rollout-guard: kept weights 5/95 of route `primary`: Rollout shop/shop owns them
```

## Where the values come from

From the live object, whose values the controller or an earlier patch of ours has put there. Where live has none, because the object
is new or has been wiped before, from the Rollout's status. A hash is copied and never computed. **Over a live object the guard may take
traffic from a canary, never give it more than it has:** its pods may be gone.

## Who is not asked

Nothing is changed where a Rollout does not name the object, or is being deleted; where what it names does not resolve, which the
[rules](rules.md) tell; in writes of the Rollouts controller itself, known by its user or by `managedFields`; in an object or a namespace that is
being deleted; in a namespace with the label `rollout-guard.io/enforce: off`. Under profile `observe`, or with that label set to `observe`,
the warning says what would have been kept and the object is stored as written.

## In an incident: setting weights by hand

A kept value cannot be changed by an apply: that is the point. **While the controller is gone or stuck, a kept weight can be changed only
by break-glass**, and by nothing else. The annotation `rollout-guard.io/allow` names the mutations that leave this one object alone, by
commas, or `*` for all of them and all rules. It is read from the written object, so it can come with the change or before it:

```sh
kubectl annotate virtualservice shop -n shop rollout-guard.io/allow=weights
kubectl edit virtualservice shop -n shop             # 0/100, and it stays
kubectl annotate virtualservice shop -n shop rollout-guard.io/allow-
```

**Remove it afterwards.** While it stands, the next apply of the file wipes the object as if there were no guard. After it is gone, the weights
that are live then are kept, set by hand or not, until the controller writes its own; only where the Rollout's status is of the present
revisions and gives the canary less does the status count. With GitOps, take the annotation out of the file, too, if it went in there.
";
