//! A request that a client of the mesh sends.

use std::collections::BTreeMap;

/// One http request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// `/`, without a query.
    pub path: String,
    /// The host, as the client names it.
    pub host: String,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Request {
    /// A GET of `/` without headers.
    pub fn to(host: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            host: host.to_owned(),
            headers: BTreeMap::new(),
        }
    }

    /// The same with one header more.
    #[must_use]
    pub fn with(mut self, header: &str, value: &str) -> Self {
        self.headers.insert(header.to_lowercase(), value.to_owned());
        self
    }
}

/// `GET / with x-canary: true`.
impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        for (index, (name, value)) in self.headers.iter().enumerate() {
            let word = if index == 0 { " with" } else { "," };
            write!(f, "{word} {name}: {value}")?;
        }
        Ok(())
    }
}
