//! Suggests the known name that an unknown name was probably meant to be.

/// The first sentence of a help, or nothing if no name or several names are near.
pub fn did_you_mean<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(unknown, known)
        .map(|name| format!("did you mean `{name}`? "))
        .unwrap_or_default()
}

/// The name that differs by at most two edits; `None` if there is none, or several are equally near.
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
