//! Suggests the known name that an unknown name was probably meant to be. Names can be many and long: only the
//! first of a near length are compared, and none that is longer than a Kubernetes name can be.

const MAX_NAMES: usize = 50;
const MAX_LENGTHS: usize = 1000;
const MAX_NAME_BYTES: usize = 253;
const MAX_EDITS: usize = 2;

/// The first sentence of a help, or nothing if no name or several names are near.
pub fn did_you_mean<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(unknown, known)
        .map(|name| format!("did you mean `{name}`? "))
        .unwrap_or_default()
}

/// The name that differs by at most two edits; `None` if there is none, or several are equally near.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if unknown.len() > MAX_NAME_BYTES {
        return None;
    }
    let chars = unknown.chars().count();
    let has_near_length = |name: &&str| {
        name.len() <= MAX_NAME_BYTES && name.chars().count().abs_diff(chars) <= MAX_EDITS
    };
    let near = known
        .into_iter()
        .filter(|name| !name.is_empty() && *name != unknown)
        .take(MAX_LENGTHS)
        .filter(has_near_length)
        .take(MAX_NAMES)
        .map(|name| (strsim::osa_distance(unknown, name), name))
        .filter(|(edits, name)| *edits <= MAX_EDITS && *edits < name.chars().count());
    let mut near: Vec<(usize, &str)> = near.collect();
    near.sort_unstable();
    near.dedup();
    match near.as_slice() {
        [(_, name)] => Some(name),
        [(first, name), (second, _), ..] if first < second => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_one_near_neighbour() {
        assert_eq!(nearest("primray", ["primary", "legacy"]), Some("primary"));
        assert_eq!(nearest("main", ["primary", "legacy"]), None);
        assert_eq!(nearest("v3", ["v1", "v2"]), None);
    }

    #[test]
    fn compares_few_and_short_names() {
        let long = "a".repeat(MAX_NAME_BYTES + 1);
        assert_eq!(nearest(&long, [&long[1..]]), None);
        assert_eq!(nearest(&long[1..], [long.as_str()]), None);
        let many = std::iter::repeat_n("unlikes", MAX_NAMES).chain(["primary"]);
        assert_eq!(nearest("primray", many), None);
    }
}
