//! Limits the Events that the audit sends: a problem is reported after it has lasted for a while, because the objects
//! of an application are applied one by one, then once an hour, and all problems together at a limited rate.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::topics::Topic;
use crate::api::events::EventContent;

/// A problem that is shorter is a set of objects that is being applied.
const SETTLE_TIME: Duration = Duration::from_secs(5);
/// The API server keeps Events for an hour by default.
const REPEAT_INTERVAL: Duration = Duration::from_hours(1);
const RETRY_DELAY: Duration = Duration::from_mins(1);
/// A problem that returns sooner is the same problem.
const RESOLVED_AFTER: Duration = Duration::from_mins(1);
/// Events at once. After these, one a second.
const MAX_BURST: u64 = 25;

/// The problems of now, each with the time of its next Event.
#[derive(Debug)]
pub(super) struct EventThrottle {
    topics: BTreeMap<Topic, NextEvent>,
    bucket: TokenBucket,
}

#[derive(Debug)]
struct NextEvent {
    content: EventContent,
    due: Instant,
    /// Whether an Event was sent before.
    sent: bool,
    /// Since when the problem is gone.
    gone_since: Option<Instant>,
}

/// Gains one token a second.
#[derive(Debug)]
struct TokenBucket {
    tokens: u64,
    filled: Instant,
}

impl EventThrottle {
    pub fn new(now: Instant) -> Self {
        Self {
            topics: BTreeMap::new(),
            bucket: TokenBucket {
                tokens: MAX_BURST,
                filled: now,
            },
        }
    }

    /// Replaces the problems by those of now.
    pub fn update(&mut self, now: Instant, current: Vec<(Topic, EventContent)>) {
        self.remove_resolved(now);
        for next in self.topics.values_mut() {
            next.gone_since = next.gone_since.or(Some(now));
        }
        for (topic, content) in current {
            let next = self.topics.entry(topic).or_insert_with(|| NextEvent {
                content: EventContent::default(),
                due: now + SETTLE_TIME,
                sent: false,
                gone_since: None,
            });
            next.content = content;
            next.gone_since = None;
        }
    }

    /// Takes the Events that are due, and counts them as sent. New problems come first, errors before warnings.
    pub fn take_due(&mut self, now: Instant) -> Vec<(Topic, EventContent)> {
        let topics = self.topics.iter_mut();
        let mut due: Vec<_> = topics
            .filter(|(_, next)| next.gone_since.is_none() && next.due <= now)
            .collect();
        due.sort_by_key(|(_, next)| (next.sent, !next.content.urgent));
        let bucket = &mut self.bucket;
        let due = due.into_iter().take_while(|_| bucket.take(now));
        due.map(|(topic, next)| {
            next.due = now + REPEAT_INTERVAL;
            next.sent = true;
            (topic.clone(), next.content.clone())
        })
        .collect()
    }

    /// An Event that was taken could not be sent.
    pub fn failed(&mut self, topic: &Topic, now: Instant) {
        if let Some(next) = self.topics.get_mut(topic) {
            next.due = now + RETRY_DELAY;
            next.sent = false;
        }
    }

    fn remove_resolved(&mut self, now: Instant) {
        let is_recent = |since: Instant| now.duration_since(since) < RESOLVED_AFTER;
        self.topics
            .retain(|_, next| next.gone_since.is_none_or(is_recent));
    }
}

impl TokenBucket {
    /// Takes a token, if there is one.
    fn take(&mut self, now: Instant) -> bool {
        let gained = now.duration_since(self.filled).as_secs();
        self.filled += Duration::from_secs(gained);
        self.tokens = self.tokens.saturating_add(gained).min(MAX_BURST);
        let has_token = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        has_token
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Key, Kind};

    fn topic(subject: usize) -> (Topic, EventContent) {
        let rollout = Key::new(Kind::Rollout, "ns", "app");
        let topic = Topic {
            object: rollout.clone(),
            rollout,
            about: "RG202",
            subject: subject.to_string(),
        };
        (topic, EventContent::default())
    }

    /// A throttle with a clock that the test sets.
    struct Clocked {
        throttle: EventThrottle,
        now: Instant,
    }

    impl Clocked {
        fn new() -> Self {
            let now = Instant::now();
            Self {
                throttle: EventThrottle::new(now),
                now,
            }
        }

        /// How many Events are due after these seconds.
        fn due_after(&mut self, seconds: u64) -> usize {
            self.now += Duration::from_secs(seconds);
            self.throttle.take_due(self.now).len()
        }

        fn update(&mut self, problems: usize) {
            let current = (0..problems).map(topic).collect();
            self.throttle.update(self.now, current);
        }
    }

    #[test]
    fn reports_what_lasts_and_again_each_hour() {
        let mut throttle = Clocked::new();
        throttle.update(1);
        assert_eq!(throttle.due_after(4), 0);
        throttle.update(1);
        assert_eq!(throttle.due_after(1), 1);
        assert_eq!(throttle.due_after(3_599), 0);
        assert_eq!(throttle.due_after(1), 1);
    }

    #[test]
    fn does_not_report_what_is_soon_resolved() {
        let mut throttle = Clocked::new();
        throttle.update(1);
        assert_eq!(throttle.due_after(3), 0);
        throttle.update(0);
        assert_eq!(throttle.due_after(30), 0);
    }

    #[test]
    fn reports_again_what_was_resolved_and_returns() {
        let mut throttle = Clocked::new();
        throttle.update(1);
        assert_eq!(throttle.due_after(5), 1);
        throttle.update(0);
        assert_eq!(throttle.due_after(30), 0);
        // It returns within the minute.
        throttle.update(1);
        assert_eq!(throttle.due_after(30), 0);
        throttle.update(0);
        assert_eq!(throttle.due_after(60), 0);
        throttle.update(1);
        assert_eq!(throttle.due_after(5), 1);
    }

    #[test]
    fn reports_many_at_a_limited_rate() {
        let mut throttle = Clocked::new();
        throttle.update(100);
        assert_eq!(throttle.due_after(5), 25);
        assert_eq!(throttle.due_after(1), 1);
        assert_eq!(throttle.due_after(10), 10);
        assert_eq!(throttle.due_after(1_000), 25);
        assert_eq!(throttle.due_after(1_000), 25);
        assert_eq!(throttle.due_after(1_000), 14);
        assert_eq!(throttle.due_after(1_000), 25, "the first ones again");
    }

    #[test]
    fn reports_errors_first() {
        let mut throttle = Clocked::new();
        let mut current: Vec<_> = (0..30).map(topic).collect();
        current[29].1.urgent = true;
        throttle.throttle.update(throttle.now, current);
        throttle.now += SETTLE_TIME;
        let due = throttle.throttle.take_due(throttle.now);
        assert_eq!(due[0].0, topic(29).0);
        assert_eq!(due.len(), 25);
    }

    #[test]
    fn tries_again_what_failed() {
        let mut throttle = Clocked::new();
        throttle.update(1);
        assert_eq!(throttle.due_after(5), 1);
        let (topic, _) = topic(0);
        throttle.throttle.failed(&topic, throttle.now);
        assert_eq!(throttle.due_after(59), 0);
        assert_eq!(throttle.due_after(1), 1);
    }
}
