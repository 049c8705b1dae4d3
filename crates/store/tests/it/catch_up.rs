//! Sweeps and comparisons are kept.

use plan::parity::{Apart, Difference, Parity};
use store::{CatchUpNews, Compared, ParityNews, Progress, SweepNews, Swept};

use crate::empty::{Empty, actor, at};

crate::promises! {
    a_sweep_is_held_and_confirmed,
    a_comparison_is_kept_with_what_differs,
}

async fn a_sweep_is_held_and_confirmed(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    let keep = async |what| {
        let news = SweepNews { connector: own, what, deliveries: Vec::new() };
        let progress = Progress { sweeps: vec![news], ..Progress::default() };
        empty.store.record_progress(&lease, progress).await.unwrap();
        empty.store.sweep(own).await.unwrap().unwrap()
    };
    assert_eq!(empty.store.sweep(own).await.unwrap(), None);
    assert_eq!(keep(Swept::Begins(at(1))).await.begun_at, Some(at(1)));
    assert_eq!(keep(Swept::Held(300)).await.held, Some(300));
    let notices = empty.store.catch_up_notices().await.unwrap();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].news, CatchUpNews::Held(300));
    empty.store.notify_of_catch_up(&notices[0], Vec::new(), at(2)).await.unwrap();
    assert_eq!(empty.store.catch_up_notices().await.unwrap(), []);
    empty.store.ask_for_sweep((own, "a-b"), true, &actor(), at(3)).await.unwrap();
    let asked = empty.store.sweep(own).await.unwrap().unwrap();
    assert_eq!((asked.held, asked.confirmed, asked.asked_at), (None, true, Some(at(3))));
    let ended = keep(Swept::Ended { begun_at: at(4), ended_at: at(5), found: 300 }).await;
    assert_eq!((ended.rounds, ended.found, ended.asked_at, ended.confirmed), (1, 300, None, false));
}

async fn a_comparison_is_kept_with_what_differs(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    let ends = async |parity: Parity, differences| {
        let what = Compared::Ended { at: at(9), parity, differences };
        let parities = vec![ParityNews { connector: own, what }];
        let progress = Progress { parities, ..Progress::default() };
        empty.store.record_progress(&lease, progress).await.unwrap();
    };
    empty.store.ask_for_parity((own, "a-b"), &actor(), at(1)).await.unwrap();
    assert_eq!(empty.store.parity(own).await.unwrap().asked_at, Some(at(1)));
    ends(Parity { linked: 2, agree: 2, ..Parity::default() }, Vec::new()).await;
    assert_eq!(empty.store.catch_up_notices().await.unwrap(), [], "nothing fell");
    let difference = Difference {
        apart: Apart::Differs,
        source_id: Some("a".to_owned()),
        destination_id: Some("b".to_owned()),
        known_as: None,
        fields: Vec::new(),
    };
    let fallen = Parity { linked: 2, agree: 1, differ: 1, ..Parity::default() };
    ends(fallen, vec![difference.clone()]).await;
    let standing = empty.store.parity(own).await.unwrap();
    assert_eq!(
        (standing.asked_at, standing.at, standing.parity),
        (None, Some(at(9)), Some(fallen))
    );
    assert_eq!(empty.store.catch_up_notices().await.unwrap().len(), 1, "it fell");
    let listed = async |apart| empty.store.differences(own, apart, 0, 10).await.unwrap();
    assert_eq!(listed(Some(Apart::OnlyHere)).await, []);
    assert_eq!(listed(None).await[0].difference, difference);
    let (which, by) = ((own, "a-b"), actor());
    empty.store.sync_differences(which, &[1], Vec::new(), &by, at(10)).await.unwrap();
}
