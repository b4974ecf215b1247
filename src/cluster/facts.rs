//! What is read of a cluster, so that an answer can name the facts that it rests on, and they can be read
//! again from the API server before it denies a write.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::model::{Host, Key, Kind, Object};

/// A log of what is read through a [`View`](super::View). What the write itself brings is not a fact.
#[derive(Debug, Default)]
pub struct Facts(RefCell<Vec<Noted>>);

/// One thing that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// The object was found, and was this.
    Found(Arc<Object>),
    /// There was no object of the key.
    Missing(Key),
    /// The objects of the kind were looked up that are for the host. One that is not known yet may be among
    /// them.
    Host(Kind, Host),
}

/// The host for which something is read. Two hosts that are equal by chance only share their facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct About(u64);

#[derive(Debug)]
struct Noted {
    /// `None`: for any finding.
    about: Option<About>,
    fact: Fact,
}

/// The facts by the findings that rest on them.
pub struct FactsApart {
    /// What every finding rests on.
    common: Vec<Fact>,
    about: HashMap<About, Vec<Fact>>,
    /// Those that were asked for.
    shared: HashMap<Option<About>, Arc<[Fact]>>,
}

impl Facts {
    /// How many facts there are, for [`Facts::since`] and [`Facts::forget_since`].
    pub fn mark(&self) -> usize {
        self.0.borrow().len()
    }

    /// The facts that were noted after the mark.
    pub fn since(&self, mark: usize) -> Vec<Fact> {
        let facts = self.0.borrow();
        let since = facts.get(mark..).unwrap_or_default().iter();
        since.map(|noted| noted.fact.clone()).collect()
    }

    /// The facts that were noted after the mark, and `own` for every finding.
    pub fn apart_since(&self, mark: usize, own: &[Fact]) -> FactsApart {
        let mut apart = FactsApart {
            common: own.to_vec(),
            about: HashMap::new(),
            shared: HashMap::new(),
        };
        for noted in self.0.borrow().get(mark..).unwrap_or_default() {
            let facts = match noted.about {
                None => &mut apart.common,
                Some(about) => apart.about.entry(about).or_default(),
            };
            facts.push(noted.fact.clone());
        }
        apart
    }

    /// Drops what was noted since [`Facts::mark`] gave this mark.
    pub fn forget_since(&self, mark: usize) {
        self.0.borrow_mut().truncate(mark);
    }

    /// All that was noted, in the order of reading.
    pub fn into_vec(self) -> Vec<Fact> {
        let facts = self.0.into_inner().into_iter();
        facts.map(|noted| noted.fact).collect()
    }

    pub(super) fn note(&self, about: Option<About>, fact: Fact) {
        self.0.borrow_mut().push(Noted { about, fact });
    }
}

impl FactsApart {
    /// What a finding about this host rests on; `None`: about all of them.
    pub fn of(&mut self, about: Option<About>) -> Arc<[Fact]> {
        let (common, apart) = (&self.common, &self.about);
        let facts = self.shared.entry(about).or_insert_with(|| {
            let is_about = |other| about.is_none_or(|about| about == other);
            let facts = apart.iter().filter(|(other, _)| is_about(**other));
            let facts = facts.flat_map(|(_, facts)| facts);
            common.iter().chain(facts).cloned().collect()
        });
        Arc::clone(facts)
    }
}

impl About {
    /// The facts that were read for this host.
    pub fn host(host: &Host) -> Self {
        let mut hasher = DefaultHasher::new();
        host.as_str().hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl Fact {
    /// The kind of the object, or of the objects that were looked up by their host.
    pub fn kind(&self) -> Kind {
        match self {
            Fact::Found(object) => object.key().kind,
            Fact::Missing(key) => key.kind,
            Fact::Host(kind, _) => *kind,
        }
    }

    /// The object that was looked up by its key, found or not.
    pub fn key(&self) -> Option<&Key> {
        match self {
            Fact::Found(object) => Some(object.key()),
            Fact::Missing(key) => Some(key),
            Fact::Host(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_finding_the_facts_about_its_host() {
        let about = |host: &str| Some(About::host(&Host::resolve(host, "ns", "cluster.local")));
        let fact = |name: &str| Fact::Missing(Key::new(Kind::Service, "ns", name));
        let facts = Facts::default();
        facts.note(None, fact("before"));
        let start = facts.mark();
        facts.note(None, fact("any"));
        facts.note(about("a"), fact("a"));
        facts.note(about("b"), fact("b"));
        let mut apart = facts.apart_since(start, &[fact("own")]);
        let [own, any] = ["own", "any"].map(fact);
        assert_eq!(*apart.of(about("a")), [own.clone(), any.clone(), fact("a")]);
        assert_eq!(*apart.of(about("b")), [own.clone(), any.clone(), fact("b")]);
        assert_eq!(*apart.of(about("c")), [own, any]);
        assert_eq!(apart.of(None).len(), 4);
    }
}
