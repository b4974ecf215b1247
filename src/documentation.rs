//! The documentation of rules and mutations: the `//!` lines at the top of their files, which `build.rs`
//! copies into the program. No other text of the files goes there.

/// What a rule or a mutation has from its file.
pub struct Page {
    /// The file's name in kebab case: `route-not-found`.
    pub name: &'static str,
    /// Markdown; the first line is the summary.
    pub text: &'static str,
}

/// The page of a module; a module that has none is a build error.
#[allow(clippy::panic)] // evaluated by the compiler, where a panic is a build error
pub const fn page(module: &str) -> Page {
    include!(concat!(env!("OUT_DIR"), "/pages.rs"))
}
