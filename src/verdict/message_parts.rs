//! The text of a finding in parts: what is always said, and the fields that a reader does not need where they
//! are shown beside it. A message is rendered with all fields, without one of them, or without any.

use std::fmt;

use crate::field::Path;
use crate::model::Key;

/// A message such as ``Rollout shop/app names Service shop/web in `spec.…`, which does not exist``: in lower
/// case but for kinds, without a full stop, with identifiers in backticks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A field, and what comes before and after it.
    Field(&'static str, Box<Path>, &'static str),
}

impl Message {
    /// `` Rollout shop/app: `spec.selector` is missing or empty ``: the field is what the sentence is about, and so
    /// is always said.
    pub fn missing(object: &Key, field: &Path) -> Self {
        Self::from(format!("{object}: `{field}` is missing or empty"))
    }

    /// Adds text that is always said.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(shortened(text.into())));
        self
    }

    /// Adds `` in `spec.hosts` ``.
    #[must_use]
    pub fn in_field(self, field: &Path) -> Self {
        self.field(" in `", field, "`")
    }

    /// Adds `` by `spec.hosts` ``.
    #[must_use]
    pub fn by_field(self, field: &Path) -> Self {
        self.field(" by `", field, "`")
    }

    /// Adds `` (`spec.hosts`) ``.
    #[must_use]
    pub fn with_field(self, field: &Path) -> Self {
        self.field(" (`", field, "`)")
    }

    /// Adds all parts of another message.
    #[must_use]
    pub fn join(mut self, other: Message) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// The message for a place that shows this field beside it.
    pub fn without(&self, field: &Path) -> String {
        self.render(|other| other != field)
    }

    /// The message for a place where one short line is all there is.
    pub fn without_fields(&self) -> String {
        self.render(|_| false)
    }

    fn field(mut self, before: &'static str, field: &Path, after: &'static str) -> Self {
        self.parts
            .push(Part::Field(before, Box::new(field.clone()), after));
        self
    }

    fn render(&self, is_shown: impl Fn(&Path) -> bool) -> String {
        let texts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Field(before, field, after) if is_shown(field) => {
                format!("{before}{field}{after}")
            }
            Part::Field(..) => String::new(),
        });
        let line: String = texts.collect();
        // A name or a label may hold anything; a message is one line.
        line.replace(char::is_control, " ")
    }
}

/// With all fields.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(|_| true))
    }
}

/// Names can be as long as a request; a message with them is not.
fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
    text.shrink_to_fit();
    text
}

const MAX_TEXT_BYTES: usize = 2048;

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::default().text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_is_shown_beside_it() {
        let (own, other) = (Path::spec(["name"]), Path::spec(["host"]));
        let message = Message::from("a\n".to_owned())
            .in_field(&own)
            .text(" is")
            .with_field(&other);
        assert_eq!(message.to_string(), "a  in `spec.name` is (`spec.host`)");
        assert_eq!(message.without(&own), "a  is (`spec.host`)");
        assert_eq!(message.without_fields(), "a  is");
    }
}
