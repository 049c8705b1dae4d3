//! A caller that goes away tears nothing.

use std::time::Duration;

use store::Filter;

use crate::empty::{Empty, delivery};

crate::promises! {
    a_dropped_caller_tears_nothing,
}

async fn a_dropped_caller_tears_nothing(empty: Empty) {
    const ROUNDS: i64 = 60;
    const BATCH: i64 = 5;
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    for round in 0..ROUNDS {
        let first = round * BATCH * 2;
        let some = (first..first + BATCH).map(|n| delivery(own, n)).collect();
        // Dropped at a point that is another each time.
        let patience = Duration::from_micros(u64::try_from(round).unwrap() * 40);
        let _ = tokio::time::timeout(patience, empty.store.store_deliveries(some)).await;
        // Somebody else's write after it is kept.
        empty.deliver(own, first + BATCH..first + BATCH + 1).await;
    }
    // What was begun may still be on its way to its end.
    empty.deliver(own, 100_000..100_001).await;
    for round in 0..ROUNDS {
        let first = round * BATCH * 2;
        let ids: Vec<_> = (first..first + BATCH).map(crate::empty::id).collect();
        let kept = empty.find(Filter { ids, ..Filter::default() }).await.len();
        assert!(kept == 0 || i64::try_from(kept) == Ok(BATCH), "round {round}: {kept} of {BATCH}");
        let other = Filter { ids: vec![crate::empty::id(first + BATCH)], ..Filter::default() };
        assert_eq!(empty.find(other).await.len(), 1, "round {round}: another's write is lost");
    }
}
