//! Typed field paths, written as Kubernetes writes them: `spec.http[0].route[1]`, `metadata.labels[app]`.
//! They do not know the objects that they point into.

#![warn(missing_docs)]

use std::fmt;

use smallvec::SmallVec;

/// Nearly all paths have no more segments. They need no memory but their own: rules make hundreds of paths for a
/// review, of which only those in findings are kept.
const MAX_INLINE: usize = 8;

/// The place of a value in an object. Never built by `format!`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(SmallVec<[Segment; MAX_INLINE]>);

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// A field of a type, `spec`.
    Field(&'static str),
    /// An element of a list, `[0]`.
    Index(usize),
    /// A key of a map whose keys the user chose, `[app]`.
    Entry(String),
    /// A field that the type does not have, `.nmae`.
    Unknown(String),
}

impl Path {
    /// A path of plain fields from the object's root.
    pub fn of<const N: usize>(fields: [&'static str; N]) -> Self {
        Self(fields.into_iter().map(Segment::Field).collect())
    }

    /// `spec` followed by plain fields.
    pub fn spec<const N: usize>(fields: [&'static str; N]) -> Self {
        let mut path = Self::default();
        path.0.push(Segment::Field("spec"));
        path.0.extend(fields.into_iter().map(Segment::Field));
        path
    }

    /// The field of that name below this place.
    #[must_use]
    pub fn field(&self, name: &'static str) -> Self {
        self.with(Segment::Field(name))
    }

    /// The place that the fields lead to from here.
    #[must_use]
    pub fn fields<const N: usize>(&self, names: [&'static str; N]) -> Self {
        let mut path = self.clone();
        path.0.extend(names.into_iter().map(Segment::Field));
        path
    }

    /// The element of the list at this place.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// The entry of the map at this place.
    #[must_use]
    pub fn entry(&self, key: &str) -> Self {
        self.with(Segment::Entry(key.to_owned()))
    }

    /// One step further.
    #[must_use]
    pub fn with(&self, segment: Segment) -> Self {
        let mut path = self.clone();
        path.0.push(segment);
        path
    }

    /// The steps from the root of the object.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether this is the place `outer` or one within it.
    pub fn starts_with(&self, outer: &Path) -> bool {
        self.0.starts_with(&outer.0)
    }

    /// The path without its last step; `None` at the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, parents) = self.0.split_last()?;
        Some(Self(parents.into()))
    }

    /// The same place as an RFC 6901 JSON pointer, `~` and `/` escaped.
    pub fn pointer(&self) -> String {
        self.0.iter().fold(String::new(), |mut pointer, segment| {
            pointer.push('/');
            match segment {
                Segment::Field(name) => pointer.push_str(name),
                Segment::Index(index) => pointer.push_str(&index.to_string()),
                Segment::Entry(key) | Segment::Unknown(key) => {
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
            }
            pointer
        })
    }
}

impl FromIterator<Segment> for Path {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Field(name) if position == 0 => f.write_str(name)?,
                Segment::Field(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Entry(key) => write!(f, "[{key}]")?,
                Segment::Unknown(name) if position == 0 => f.write_str(name)?,
                Segment::Unknown(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_paths_as_kubernetes_does() {
        let path = Path::spec(["http"])
            .index(0)
            .field("route")
            .index(1)
            .fields(["destination", "subset"]);
        assert_eq!(path.to_string(), "spec.http[0].route[1].destination.subset");
        assert!(path.starts_with(&Path::spec(["http"])));
        let label = Path::of(["metadata", "labels"]).entry("app.io/x~y");
        assert_eq!(label.to_string(), "metadata.labels[app.io/x~y]");
        assert_eq!(label.pointer(), "/metadata/labels/app.io~1x~0y");
    }
}
