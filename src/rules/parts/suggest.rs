//! "Did you mean": the one known name that is within two edits of an unknown one.

/// The help's opening sentence, or nothing where no name or several are near.
pub fn did_you_mean<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(unknown, known)
        .map(|name| format!("did you mean `{name}`? "))
        .unwrap_or_default()
}

/// The one name within two edits; `None` where there is none, or another is as near.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known
        .into_iter()
        .filter(|name| !name.is_empty() && *name != unknown)
        .map(|name| (strsim::osa_distance(unknown, name), name))
        .filter(|(edits, name)| *edits <= 2 && *edits < name.chars().count());
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
}
