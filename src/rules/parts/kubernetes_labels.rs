//! Which keys and values are valid labels to Kubernetes, and so in a Rollout's selector. Istio accepts more in a
//! subset (`istio_names.rs`): capitals in the prefix of a key, and values of any length.

/// A qualified name: `app` or `example.org/app`.
pub fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name(name),
        None => is_name(key),
    }
}

/// Empty, or like the name of a key.
pub fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_name(value)
}

/// At most 63 letters, digits, `-`, `_` and `.`, a letter or digit at both ends.
fn is_name(name: &str) -> bool {
    let inner = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
    let ends = [name.as_bytes().first(), name.as_bytes().last()];
    name.len() <= 63
        && name.bytes().all(inner)
        && ends
            .iter()
            .all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
}

/// A DNS name in lower case, of at most 253 characters.
fn is_subdomain(name: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let is_label = |label: &str| {
        let dashed = label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && !dashed && label.bytes().all(inner)
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_kubernetes_accepts() {
        for key in ["a", "App_1.x", "example.org/app", "a-b.c/A", "1/1"] {
            assert!(is_label_key(key), "{key}");
        }
        for key in [
            "", "/a", "a/", "a/b/c", "-a", "a-", "a b", "A.org/x", "a..b/x", "-a/x",
        ] {
            assert!(!is_label_key(key), "{key}");
        }
        assert!(is_label_key(&"a".repeat(63)) && !is_label_key(&"a".repeat(64)));
        let prefix = "a.".repeat(126);
        assert!(is_label_key(&format!("{prefix}a/x")) && !is_label_key(&format!("{prefix}aa/x")));
        assert!(is_label_value("") && is_label_value("v1.2_3"));
        assert!(!is_label_value("v1/2") && !is_label_value("_") && !is_label_value("ä"));
    }
}
