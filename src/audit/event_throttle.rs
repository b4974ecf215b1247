//! What has been told, and what is to be told when: not at once, as the objects of a flow come one by one; not
//! again within the hour; not much in a short time.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::topics::Topic;
use crate::api::events::Words;

/// What stands, with when it is to be told next.
#[derive(Debug)]
pub(super) struct EventThrottle {
    topics: BTreeMap<Topic, Next>,
    bucket: Bucket,
}

#[derive(Debug)]
struct Next {
    words: Words,
    due: Instant,
    told: bool,
    /// Since when it does not stand any more.
    gone: Option<Instant>,
}

/// Tokens that come back one by one.
#[derive(Debug)]
struct Bucket {
    tokens: u64,
    filled: Instant,
}

impl EventThrottle {
    pub fn new(now: Instant) -> Self {
        Self {
            topics: BTreeMap::new(),
            bucket: Bucket {
                tokens: BURST,
                filled: now,
            },
        }
    }

    /// All that stands now. What has gone for a while and comes back is told again.
    pub fn hear(&mut self, now: Instant, standing: Vec<(Topic, Words)>) {
        self.forget(now);
        for next in self.topics.values_mut() {
            next.gone = next.gone.or(Some(now));
        }
        for (topic, words) in standing {
            let next = self.topics.entry(topic).or_insert_with(|| Next {
                words: Words::default(),
                due: now + SETTLED,
                told: false,
                gone: None,
            });
            next.words = words;
            next.gone = None;
        }
    }

    /// What is to be told now and counts as told: what is new first, errors before warnings.
    pub fn due(&mut self, now: Instant) -> Vec<(Topic, Words)> {
        let topics = self.topics.iter_mut();
        let mut due: Vec<_> = topics
            .filter(|(_, next)| next.gone.is_none() && next.due <= now)
            .collect();
        due.sort_by_key(|(_, next)| (next.told, !next.words.urgent));
        let bucket = &mut self.bucket;
        let due = due.into_iter().take_while(|_| bucket.take(now));
        due.map(|(topic, next)| {
            next.due = now + AGAIN;
            next.told = true;
            (topic.clone(), next.words.clone())
        })
        .collect()
    }

    /// It could not be told after all.
    pub fn failed(&mut self, topic: &Topic, now: Instant) {
        if let Some(next) = self.topics.get_mut(topic) {
            next.due = now + RETRY;
            next.told = false;
        }
    }

    fn forget(&mut self, now: Instant) {
        let is_fresh = |gone: Instant| now.duration_since(gone) < FORGOTTEN;
        self.topics.retain(|_, next| next.gone.is_none_or(is_fresh));
    }
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let back = now.duration_since(self.filled).as_secs();
        self.filled += Duration::from_secs(back);
        self.tokens = self.tokens.saturating_add(back).min(BURST);
        let some = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        some
    }
}

/// What stands for less than this is a set of objects that is being applied.
const SETTLED: Duration = Duration::from_secs(5);
/// The API server keeps Events for an hour unless told otherwise.
const AGAIN: Duration = Duration::from_hours(1);
const RETRY: Duration = Duration::from_mins(1);
/// What is back sooner had not really gone.
const FORGOTTEN: Duration = Duration::from_mins(1);
/// Events at once; after these, one a second.
const BURST: u64 = 25;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Key, Kind};

    fn topic(subject: usize) -> (Topic, Words) {
        let rollout = Key::new(Kind::Rollout, "ns", "app");
        let topic = Topic {
            object: rollout.clone(),
            rollout,
            about: "RG202",
            subject: subject.to_string(),
        };
        (topic, Words::default())
    }

    /// A clock that is wound, and how much is due at each look.
    struct Story {
        told: EventThrottle,
        now: Instant,
    }

    impl Story {
        fn begin() -> Self {
            let now = Instant::now();
            Self {
                told: EventThrottle::new(now),
                now,
            }
        }

        fn after(&mut self, seconds: u64) -> usize {
            self.now += Duration::from_secs(seconds);
            self.told.due(self.now).len()
        }

        fn stands(&mut self, subjects: usize) {
            self.told.hear(self.now, (0..subjects).map(topic).collect());
        }
    }

    #[test]
    fn tells_what_stays_and_again_each_hour() {
        let mut story = Story::begin();
        story.stands(1);
        assert_eq!(story.after(4), 0);
        story.stands(1);
        assert_eq!(story.after(1), 1);
        assert_eq!(story.after(3_599), 0);
        assert_eq!(story.after(1), 1);
    }

    #[test]
    fn does_not_tell_of_what_is_soon_mended() {
        let mut story = Story::begin();
        story.stands(1);
        assert_eq!(story.after(3), 0);
        story.stands(0);
        assert_eq!(story.after(30), 0);
    }

    #[test]
    fn tells_again_of_what_went_and_came_back() {
        let mut story = Story::begin();
        story.stands(1);
        assert_eq!(story.after(5), 1);
        story.stands(0);
        assert_eq!(story.after(30), 0);
        // Back within the minute: it flaps, and was told.
        story.stands(1);
        assert_eq!(story.after(30), 0);
        story.stands(0);
        assert_eq!(story.after(60), 0);
        story.stands(1);
        assert_eq!(story.after(5), 1);
    }

    #[test]
    fn tells_much_bit_by_bit() {
        let mut story = Story::begin();
        story.stands(100);
        assert_eq!(story.after(5), 25);
        assert_eq!(story.after(1), 1);
        assert_eq!(story.after(10), 10);
        assert_eq!(story.after(1_000), 25);
        assert_eq!(story.after(1_000), 25);
        assert_eq!(story.after(1_000), 14);
        assert_eq!(story.after(1_000), 25, "the first ones again");
    }

    #[test]
    fn tells_the_urgent_first() {
        let mut story = Story::begin();
        let mut standing: Vec<_> = (0..30).map(topic).collect();
        standing[29].1.urgent = true;
        story.told.hear(story.now, standing);
        story.now += SETTLED;
        let due = story.told.due(story.now);
        assert_eq!(due[0].0, topic(29).0);
        assert_eq!(due.len(), 25);
    }

    #[test]
    fn tries_again_what_failed() {
        let mut story = Story::begin();
        story.stands(1);
        assert_eq!(story.after(5), 1);
        let (topic, _) = topic(0);
        story.told.failed(&topic, story.now);
        assert_eq!(story.after(59), 0);
        assert_eq!(story.after(1), 1);
    }
}
