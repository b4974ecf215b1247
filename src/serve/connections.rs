//! The open connections of a port: how many there may be, and which is closed for a new one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// A connection whose requests take longer can be closed for a new one.
const BUSY_TIME: Duration = Duration::from_secs(1);

/// The open connections of a port.
pub(super) struct Connections {
    max: usize,
    start: Instant,
    open: Mutex<Open>,
    /// Notified when the last connection has closed.
    closed: Notify,
}

#[derive(Default)]
struct Open {
    next: u64,
    connections: BTreeMap<u64, Arc<Activity>>,
}

/// What one connection does.
#[derive(Default)]
pub(super) struct Activity {
    /// Milliseconds from the start of the port to the last begin or end of a request.
    last_ms: AtomicU64,
    requests: AtomicUsize,
    pub close: Notify,
    pub evict: Notify,
}

/// Forgets the connection when it is dropped.
pub(super) struct Connection {
    all: Arc<Connections>,
    id: u64,
    pub activity: Arc<Activity>,
}

/// Counts a request until it is dropped.
pub(super) struct RequestGuard(Arc<Connections>, Arc<Activity>);

/// Whether there is room for a new connection.
pub(super) enum Admission {
    Free(Connection),
    /// After another connection was closed.
    Evicted(Connection),
    /// All connections have requests that came just now.
    Full,
}

impl Connections {
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max: max.max(1),
            start: Instant::now(),
            open: Mutex::default(),
            closed: Notify::new(),
        })
    }

    /// Room for a new connection. If there is none, the connection is closed that has been idle for the longest
    /// time, or else the one whose requests have taken the longest.
    pub fn admit(self: &Arc<Self>) -> Admission {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = open.connections.len() >= self.max;
        if is_full {
            let Some(victim) = self.victim(&open) else {
                return Admission::Full;
            };
            if let Some(activity) = open.connections.remove(&victim) {
                activity.evict.notify_one();
            }
        }
        let activity = Arc::new(Activity::default());
        self.touch(&activity);
        let id = open.next;
        open.next += 1;
        open.connections.insert(id, Arc::clone(&activity));
        let connection = Connection {
            all: Arc::clone(self),
            id,
            activity,
        };
        if is_full {
            Admission::Evicted(connection)
        } else {
            Admission::Free(connection)
        }
    }

    /// Asks the clients of all connections to connect again; requests under way are answered before.
    pub fn close_all(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for activity in open.connections.values() {
            activity.close.notify_one();
        }
    }

    /// Returns when no connection is open.
    pub async fn all_closed(&self) {
        loop {
            let closed = self.closed.notified();
            if self.len() == 0 {
                return;
            }
            closed.await;
        }
    }

    pub fn len(&self) -> usize {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.connections.len()
    }

    fn victim(&self, open: &Open) -> Option<u64> {
        let connections = open.connections.iter();
        let activities = connections.map(|(id, activity)| {
            let is_busy = activity.requests.load(Ordering::Relaxed) > 0;
            (is_busy, activity.last_ms.load(Ordering::Relaxed), *id)
        });
        let (is_busy, last_ms, id) = activities.min()?;
        let idle = Duration::from_millis(self.now_ms().saturating_sub(last_ms));
        (!is_busy || idle >= BUSY_TIME).then_some(id)
    }

    fn touch(&self, activity: &Activity) {
        activity.last_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Connection {
    /// A request has come.
    pub fn request(&self) -> RequestGuard {
        self.activity.requests.fetch_add(1, Ordering::Relaxed);
        self.all.touch(&self.activity);
        RequestGuard(Arc::clone(&self.all), Arc::clone(&self.activity))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut open = self.all.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.connections.remove(&self.id);
        if open.connections.is_empty() {
            self.all.closed.notify_waiters();
        }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.1.requests.fetch_sub(1, Ordering::Relaxed);
        self.0.touch(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn admitted(connections: &Arc<Connections>) -> Connection {
        match connections.admit() {
            Admission::Free(connection) | Admission::Evicted(connection) => connection,
            Admission::Full => panic!("there is no room"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn closes_the_one_that_is_idle_for_the_longest_time() {
        let connections = Connections::new(3);
        let [busy, idle, used] = [(); 3].map(|()| admitted(&connections));
        let request = busy.request();
        advance(BUSY_TIME / 4).await;
        drop(used.request());
        let new = connections.admit();
        assert!(matches!(new, Admission::Evicted(_)));
        idle.activity.evict.notified().await;
        let newest = connections.admit();
        used.activity.evict.notified().await;
        let new = [new, newest].map(|new| match new {
            Admission::Evicted(connection) => connection,
            _ => panic!("one was closed"),
        });
        let requests = new.each_ref().map(Connection::request);
        assert!(matches!(connections.admit(), Admission::Full));
        advance(BUSY_TIME).await;
        assert!(matches!(connections.admit(), Admission::Evicted(_)));
        busy.activity.evict.notified().await;
        drop((request, requests));
    }

    #[tokio::test]
    async fn tells_when_all_are_closed() {
        let connections = Connections::new(3);
        connections.all_closed().await;
        let open = admitted(&connections);
        let closed = tokio::spawn({
            let connections = Arc::clone(&connections);
            async move { connections.all_closed().await }
        });
        connections.close_all();
        open.activity.close.notified().await;
        drop(open);
        closed.await.unwrap();
        assert_eq!(connections.len(), 0);
    }
}
