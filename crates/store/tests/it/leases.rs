//! Who works which accounts.

use std::time::Duration;

use store::{Error, Progress, Room};

use crate::empty::Empty;

crate::promises! {
    one_holder_at_a_time,
    an_older_fence_is_refused,
    a_lease_that_ran_out_can_be_taken,
    a_restart_does_not_break_what_is_known,
}

const LONG: Duration = Duration::from_mins(1);

async fn one_holder_at_a_time(empty: Empty) {
    let configuration = empty.with_connector().await;
    let (a, b) = (configuration.accounts[0].id, configuration.accounts[1].id);
    let first = empty.store.take_lease(&[a, b], "one", LONG).await.unwrap().expect("it is free");
    for accounts in [vec![a], vec![b], vec![b, a]] {
        assert_eq!(empty.store.take_lease(&accounts, "other", LONG).await.unwrap(), None);
    }
    empty.store.renew_lease(&first, LONG).await.unwrap();
    empty.store.release_lease(&first).await.unwrap();
    let next = empty.store.take_lease(&[a], "other", LONG).await.unwrap().expect("it is free");
    assert!(next.fence > first.fence);
    empty.store.release_lease(&first).await.expect("giving up a lost one is no error");
    assert_eq!(
        empty.store.take_lease(&[a], "third", LONG).await.unwrap(),
        None,
        "and takes nothing"
    );
}

async fn an_older_fence_is_refused(empty: Empty) {
    let configuration = empty.with_connector().await;
    let lease = empty.lease(&configuration).await;
    empty.store.release_lease(&lease).await.unwrap();
    // Nobody took it meanwhile, so what its holder did is still true.
    let settled = || Progress { settled: vec![1], ..Progress::default() };
    empty.store.record_progress(&lease, settled()).await.unwrap();
    let next = empty.lease(&configuration).await;
    let store = &empty.store;
    let connectors = [configuration.connectors[0].id];
    let now = crate::empty::at(0);
    assert!(matches!(store.record_progress(&lease, settled()).await, Err(Error::LeaseLost)));
    assert!(matches!(store.renew_lease(&lease, LONG).await, Err(Error::LeaseLost)));
    assert!(matches!(store.unsettled_intents(&lease).await, Err(Error::LeaseLost)));
    assert!(matches!(store.wake_waiting(&lease, &connectors, now).await, Err(Error::LeaseLost)));
    assert!(matches!(store.waiting_records(&lease, &connectors, now).await, Err(Error::LeaseLost)));
    let open = std::collections::HashSet::new();
    let opened = store.open_requests(&lease, &connectors, &open, now, Room::of(10)).await;
    assert!(matches!(opened, Err(Error::LeaseLost)));
    store.record_progress(&next, settled()).await.unwrap();
}

async fn a_lease_that_ran_out_can_be_taken(empty: Empty) {
    let configuration = empty.with_connector().await;
    let accounts = [configuration.accounts[0].id];
    let short = Duration::from_millis(1);
    let first = empty.store.take_lease(&accounts, "one", short).await.unwrap().expect("it is free");
    let next = loop {
        if let Some(lease) = empty.store.take_lease(&accounts, "other", LONG).await.unwrap() {
            break lease;
        }
    };
    assert!(next.fence > first.fence);
}

async fn a_restart_does_not_break_what_is_known(empty: Empty) {
    let configuration = empty.with_connector().await;
    let accounts = [configuration.accounts[0].id];
    let first = empty.store.take_lease(&accounts, "one", LONG).await.unwrap().expect("it is free");
    empty.store.release_lease(&first).await.unwrap();
    let next = empty.store.take_lease(&accounts, "one", LONG).await.unwrap().expect("it is free");
    assert_eq!(next.unbroken, first.unbroken);
    assert!(next.unbroken > crate::empty::at(0), "nobody held it before the first");
}
