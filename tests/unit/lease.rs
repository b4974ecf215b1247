//! The candidates of an election, with a paused clock and an API server in memory.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::candidate::{RENEW_INTERVAL, RETRY_INTERVAL};
use super::election::{LEASE_DURATION, RENEW_DEADLINE};
use super::{Leadership, Lease, identity};
use crate::api::fake::{FakeApi, Fault};
use serde_json::{Value, json};

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/ns/leases/guard";

fn campaign(api: &FakeApi, identity: &str) -> Leadership {
    let lease = Lease {
        client: api.client(),
        namespace: "ns".to_owned(),
        name: "guard".to_owned(),
    };
    lease.campaign(identity.to_owned(), Arc::default())
}

fn leads(leadership: &Leadership) -> bool {
    *leadership.watch().borrow()
}

fn spec(api: &FakeApi) -> Value {
    api.object(PATH).unwrap()["spec"].clone()
}

async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

async fn won(leadership: &Leadership) -> Duration {
    let begun = Instant::now();
    let mut watched = leadership.watch();
    watched.wait_for(|leads| *leads).await.unwrap();
    begun.elapsed()
}

fn held_by_another(renewed: &str) -> Value {
    json!({"spec": {"holderIdentity": "other", "leaseDurationSeconds": 15,
                    "leaseTransitions": 4, "renewTime": renewed}})
}

#[tokio::test(start_paused = true)]
async fn one_leads_and_the_next_takes_over_when_it_resigns() {
    let api = FakeApi::default();
    let one = campaign(&api, "one");
    won(&one).await;
    let two = campaign(&api, "two");
    for _ in 0..100 {
        seconds(1).await;
        assert!(leads(&one) && !leads(&two));
    }
    assert_eq!(spec(&api)["holderIdentity"], "one");
    assert_eq!(spec(&api)["leaseTransitions"], 0);
    let watched = one.watch();
    one.resign().await;
    assert!(!*watched.borrow());
    assert!(won(&two).await < Duration::from_secs(3));
    assert_eq!(spec(&api)["holderIdentity"], "two");
    assert_eq!(spec(&api)["leaseTransitions"], 1);
}

#[tokio::test(start_paused = true)]
async fn one_of_two_that_start_together_leads() {
    for _ in 0..20 {
        let api = FakeApi::default();
        let (one, two) = (campaign(&api, "one"), campaign(&api, "two"));
        seconds(15).await;
        assert!(api.object(PATH).is_none(), "Helm may still create it");
        seconds(25).await;
        assert!(leads(&one) != leads(&two));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_without_spec_is_taken_and_the_rest_of_it_kept() {
    let api = FakeApi::default();
    let labels = json!({"app.kubernetes.io/managed-by": "Helm"});
    api.put(PATH, json!({"metadata": {"labels": labels}}));
    let one = campaign(&api, "one");
    won(&one).await;
    assert_eq!(spec(&api)["holderIdentity"], "one");
    assert_eq!(spec(&api)["leaseDurationSeconds"], 15);
    assert_eq!(api.object(PATH).unwrap()["metadata"]["labels"], labels);
}

#[tokio::test(start_paused = true)]
async fn waits_for_a_gone_holder_on_its_own_clock() {
    // The holder's clock may be years behind or ahead.
    for renewed in ["1999-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z"] {
        let api = FakeApi::default();
        api.put(PATH, held_by_another(renewed));
        let one = campaign(&api, "one");
        let took = won(&one).await;
        assert!(
            took >= LEASE_DURATION && took < LEASE_DURATION + RETRY_INTERVAL * 2,
            "{took:?}"
        );
        assert_eq!(spec(&api)["leaseTransitions"], 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_renews_is_left_alone() {
    let api = FakeApi::default();
    let one = campaign(&api, "one");
    for minute in 0..10 {
        api.put(
            PATH,
            held_by_another(&format!("1999-01-01T00:{minute:02}:00Z")),
        );
        seconds(12).await;
        assert!(!leads(&one));
    }
}

#[tokio::test(start_paused = true)]
async fn steps_down_in_time_when_it_cannot_renew() {
    for fault in [Fault::Refuse, Fault::Hang] {
        let api = FakeApi::default();
        let one = campaign(&api, "one");
        won(&one).await;
        seconds(30).await;
        let renewals = |api: &FakeApi| api.writes().len();
        let before = renewals(&api);
        while renewals(&api) == before {
            sleep(Duration::from_millis(100)).await;
        }
        api.fail(fault);
        let since = Instant::now();
        let mut watched = one.watch();
        watched.wait_for(|leads| !*leads).await.unwrap();
        let took = since.elapsed();
        assert!(took <= RENEW_DEADLINE && took > RENEW_INTERVAL, "{took:?}");
        api.fail(Fault::None);
        // The Lease still names it as the holder.
        assert!(won(&one).await < RENEW_DEADLINE);
        assert_eq!(spec(&api)["leaseTransitions"], 0);
    }
}

#[tokio::test(start_paused = true)]
async fn steps_down_when_another_has_taken_the_lease() {
    let api = FakeApi::default();
    let one = campaign(&api, "one");
    won(&one).await;
    api.put(PATH, held_by_another("2099-01-01T00:00:00Z"));
    seconds(7).await;
    assert!(!leads(&one));
    assert_eq!(spec(&api)["holderIdentity"], "other");
    one.resign().await;
    assert_eq!(spec(&api)["holderIdentity"], "other");
}

#[tokio::test(start_paused = true)]
async fn creates_a_deleted_lease_again() {
    let api = FakeApi::default();
    let one = campaign(&api, "one");
    won(&one).await;
    api.delete(PATH);
    seconds(7).await;
    assert!(leads(&one));
    assert_eq!(spec(&api)["holderIdentity"], "one");
}

#[test]
fn two_processes_have_different_identities() {
    assert_ne!(identity("pod"), identity("pod"));
}
