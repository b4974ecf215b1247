//! How messages list names and labels.

/// The names in backticks, or `none`.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names = names.into_iter().filter(|name| !name.is_empty());
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() {
        "none".to_owned()
    } else {
        quoted.join(", ")
    }
}
