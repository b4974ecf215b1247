//! Which hosts, names and labels istiod accepts, as its `ValidateWildcardDomain` and the functions beside it. What
//! is wrong with a host ends a sentence: "which is empty". Kubernetes' own labels are in `kubernetes_labels.rs`.

use std::net::{IpAddr, Ipv6Addr};

/// What is wrong with a host of a DestinationRule, a destination or `hosts`. Its first label may be or begin with `*`.
pub fn host_fault(host: &str) -> Option<String> {
    length_fault(host).or_else(|| {
        let (first, rest) = match host.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (host, None),
        };
        if is_first_label(first) {
            return rest.and_then(domain_fault);
        }
        Some(label_fault(first))
    })
}

/// What is wrong with a host or an SNI host of a VirtualService on gateways. With SNI hosts, istiod also accepts the
/// names that it generates for passthrough, such as `outbound_.80_._.app.mesh`.
pub fn gateway_host_fault(host: &str, sni: bool) -> Option<String> {
    if sni && host.len() <= MAX_HOST && host.starts_with("outbound_") {
        return passthrough_fault(host);
    }
    host_fault(host)
}

pub fn is_ip(host: &str) -> bool {
    let zoned =
        |(address, zone): (&str, &str)| !zone.is_empty() && address.parse::<Ipv6Addr>().is_ok();
    host.parse::<IpAddr>().is_ok() || host.split_once('%').is_some_and(zoned)
}

/// 1 to 63 letters, digits and `-`, with a letter or digit at both ends. Capitals are valid.
pub fn is_label(text: &str) -> bool {
    text.len() <= MAX_LABEL && is_word(text, "-")
}

/// Whether it is a label's key: a name, with or without a DNS name and `/` before it.
pub fn is_label_key(key: &str) -> bool {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let is_prefix = |prefix: &str| {
        prefix.len() <= MAX_PREFIX && prefix.split('.').all(|label| is_word(label, "-"))
    };
    name.len() <= MAX_LABEL && is_word(name, "-_.") && prefix.is_none_or(is_prefix)
}

/// Whether it is a label's value: empty, or like the name of a key, but of any length.
pub fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_word(value, "-_.")
}

fn length_fault(host: &str) -> Option<String> {
    if host.is_empty() {
        return Some("is empty".to_owned());
    }
    (host.len() > MAX_HOST).then(|| format!("is longer than {MAX_HOST} characters"))
}

fn domain_fault(domain: &str) -> Option<String> {
    let top = domain.rsplit('.').next().unwrap_or(domain);
    // As istiod, which parses a Go int: more digits than fit are not a number.
    if top.parse::<i64>().is_ok() {
        return Some(format!("ends in `{top}`, which is all digits"));
    }
    // The last label may be empty: `istio.io.` is the absolute form.
    let labels = domain.strip_suffix('.').unwrap_or(domain);
    if domain.is_empty() {
        return None;
    }
    let wrong = labels.split('.').find(|label| !is_label(label))?;
    Some(label_fault(wrong))
}

fn label_fault(label: &str) -> String {
    if label.is_empty() {
        return "is not a DNS name: it has an empty label".to_owned();
    }
    format!("is not a DNS name: the label `{label}` is not valid")
}

fn passthrough_fault(host: &str) -> Option<String> {
    let mut parts = host.split('_').skip(1);
    let port = parts.next().unwrap_or_default().trim_matches('.');
    let name = parts.nth(1).unwrap_or_default().trim_matches('.');
    let fits = port.contains(|c: char| c.is_ascii_digit())
        && name.contains(|c: char| c.is_ascii_alphabetic());
    (!fits).then(|| "is not of the form `outbound_.<port>_._.<host>`".to_owned())
}

/// `*`, or a label that may begin with `*` or `*-`.
fn is_first_label(text: &str) -> bool {
    let rest = text.strip_prefix('*');
    let after_dash = rest.and_then(|rest| rest.strip_prefix('-'));
    let mut forms = [Some(text), rest, after_dash].into_iter().flatten();
    text.len() <= MAX_LABEL && (text == "*" || forms.any(|form| is_word(form, "-")))
}

/// Letters and digits, and `inner` between them.
fn is_word(text: &str, inner: &str) -> bool {
    let outer = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(outer)
        && text.ends_with(outer)
        && text.chars().all(|c| outer(c) || inner.contains(c))
}

const MAX_HOST: usize = 255;
const MAX_LABEL: usize = 63;
const MAX_PREFIX: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_hosts_that_istiod_accepts() {
        let long = "a".repeat(63);
        let good = [
            "a", "*", "*.a", "*a.b", "*-a.b", "A-b.C", "a.", "123", "1.a",
        ];
        for host in good
            .into_iter()
            .chain([long.as_str(), "a.99999999999999999999"])
        {
            assert_eq!(host_fault(host), None, "{host}");
        }
        let long = "a".repeat(64);
        let bad = [
            "", "**", "*.*", "a.*", "a_b", "-a", "a..b", "a.1", "10.0.0.1", "a.+5",
        ];
        for host in bad
            .into_iter()
            .chain([long.as_str(), "é", ".", "a.b..", "*-"])
        {
            assert!(host_fault(host).is_some(), "{host}");
        }
    }

    #[test]
    fn accepts_passthrough_names_with_sni_hosts() {
        let name = "outbound_.80_._.app.mesh";
        assert_eq!(gateway_host_fault(name, true), None);
        assert!(gateway_host_fault(name, false).is_some());
        assert!(gateway_host_fault("outbound_.x_._.app.mesh", true).is_some());
        assert!(gateway_host_fault("outbound_.80", true).is_some());
    }

    #[test]
    fn tells_addresses_from_names() {
        assert!(is_ip("10.0.0.1") && is_ip("::1") && is_ip("fe80::1%eth0"));
        assert!(!is_ip("10.0.0") && !is_ip("10.0.0.0/8") && !is_ip("10.0.0.1%eth0"));
    }

    #[test]
    fn accepts_the_labels_that_istiod_accepts() {
        assert!(is_label_key("app.io/x_y") && is_label_key("A") && is_label_value(""));
        assert!(is_label_value(&"a".repeat(64)));
        assert!(!is_label_key("") && !is_label_key("/a") && !is_label_key("a/b/c"));
        assert!(!is_label_key("a_b/c") && !is_label_value("-a") && !is_label_value("a b"));
        assert!(!is_label_key(&"a".repeat(64)) && !is_label_value("{{ x }}"));
    }
}
