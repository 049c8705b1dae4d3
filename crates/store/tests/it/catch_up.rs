//! Sweeps and comparisons are kept.

use plan::id::RequestId;
use plan::parity::{Apart, Difference, Parity};
use plan::problem::{Code, Problem};
use store::{
    CatchUpNews, ChosenDifferences, Compared, Error, HeldNews, MassChange, ParityNews, Progress,
    SweepNews, Swept,
};

use crate::empty::{Empty, actor, at};

crate::promises! {
    a_sweep_is_held_and_confirmed,
    a_comparison_is_kept_with_what_differs,
    leads_that_are_gone_wait_for_a_person,
    a_fall_is_told_by_the_result_before_it,
    a_mass_change_waits_for_a_person,
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
    let held = Swept::Held { begun_at: at(1), found: 300 };
    assert_eq!(keep(held).await.held, Some(300));
    let refused = empty.store.ask_for_sweep((own, "a-b"), false, &actor(), at(2)).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    let notices = empty.store.catch_up_notices().await.unwrap();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].news, CatchUpNews::Held(300));
    empty.store.notify_of_catch_up(&notices[0], Vec::new(), at(2)).await.unwrap();
    assert_eq!(empty.store.catch_up_notices().await.unwrap(), []);
    empty.store.ask_for_sweep((own, "a-b"), true, &actor(), at(3)).await.unwrap();
    let asked = empty.store.sweep(own).await.unwrap().unwrap();
    assert_eq!((asked.held, asked.confirmed, asked.asked_at), (None, true, Some(at(3))));
    // A round that began before it was confirmed is not the one that is confirmed.
    let again = keep(Swept::Held { begun_at: at(2), found: 301 }).await;
    assert_eq!((again.held, again.confirmed, again.asked_at), (None, true, Some(at(3))));
    let ended = |begun_at, problem: Option<Problem>| Swept::Ended {
        begun_at,
        ended_at: at(5),
        found: 300,
        behind: problem.iter().map(|_| (201, at(1))).collect(),
        problem,
    };
    let before = keep(ended(at(2), None)).await;
    assert_eq!((before.confirmed, before.asked_at), (true, Some(at(3))));
    let after = keep(ended(at(4), None)).await;
    assert_eq!((after.rounds, after.found, after.asked_at, after.confirmed), (2, 600, None, false));

    // A sweep that keeps failing sends one mail.
    let problem = Problem::new(Code::Unreachable, "It is off.", "Switch it on.");
    for _ in 0..3 {
        assert_eq!(empty.store.catch_up_notices().await.unwrap(), []);
        keep(Swept::Failed(problem.clone())).await;
    }
    let behind = keep(ended(at(6), Some(problem.clone()))).await;
    assert_eq!((behind.behind, &behind.problem), ([(201, at(1))].into(), &Some(problem.clone())));
    let notices = empty.store.catch_up_notices().await.unwrap();
    assert_eq!(notices[0].news, CatchUpNews::Failing(problem.clone()));
    empty.store.notify_of_catch_up(&notices[0], Vec::new(), at(7)).await.unwrap();
    keep(Swept::Failed(problem)).await;
    assert_eq!(empty.store.catch_up_notices().await.unwrap(), [], "people know it");
    let well = keep(ended(at(8), None)).await;
    assert_eq!((well.behind.len(), well.problem), (0, None));
}

async fn a_comparison_is_kept_with_what_differs(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    let ends = async |parity: Parity, differences| {
        let (ended_at, held, deliveries) = (at(9), None, Vec::new());
        let what = Compared::Ended { at: ended_at, parity, differences, held, deliveries };
        let parities = vec![ParityNews { connector: own, asked_at: at(1), what }];
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
    let sync = async |compared_at| {
        let request = RequestId::new(at(10), 1, 1);
        let leads = vec![(1, request)];
        let chosen = ChosenDifferences { compared_at, leads, deliveries: Vec::new() };
        let done = empty.store.sync_differences((own, "a-b"), chosen, &actor(), at(10)).await;
        done.map(|()| request)
    };
    // The list of another comparison has other leads by the same numbers.
    assert!(matches!(sync(at(8)).await, Err(Error::Changed(_))));
    assert_eq!(listed(None).await[0].request, None);
    let request = sync(at(9)).await.unwrap();
    assert_eq!(listed(None).await[0].request, Some(request));
}

async fn leads_that_are_gone_wait_for_a_person(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    let gone = |id: &str| Difference {
        apart: Apart::GoneHere,
        source_id: Some(id.to_owned()),
        destination_id: None,
        known_as: None,
        fields: Vec::new(),
    };
    let ends = async |asked_at, held| {
        let (parity, differences) = (Parity::default(), vec![gone("a"), gone("b")]);
        let what = Compared::Ended { at: at(9), parity, differences, held, deliveries: Vec::new() };
        let parities = vec![ParityNews { connector: own, asked_at, what }];
        let progress = Progress { parities, ..Progress::default() };
        empty.store.record_progress(&lease, progress).await.unwrap();
    };
    empty.store.ask_for_parity((own, "a-b"), &actor(), at(2)).await.unwrap();
    ends(at(1), Some(2)).await;
    let standing = empty.store.parity(own).await.unwrap();
    assert_eq!((standing.held, standing.asked_at), (Some(2), Some(at(2))), "it was asked for anew");
    let notices = empty.store.catch_up_notices().await.unwrap();
    assert_eq!(notices[0].news, CatchUpNews::Gone(2));
    empty.store.notify_of_catch_up(&notices[0], Vec::new(), at(3)).await.unwrap();
    ends(at(2), Some(2)).await;
    assert_eq!(empty.store.catch_up_notices().await.unwrap(), [], "people know it");
    let sync = async |number| {
        let leads = vec![(number, RequestId::new(at(10), 1, 1))];
        let chosen = ChosenDifferences { compared_at: at(9), leads, deliveries: Vec::new() };
        empty.store.sync_differences((own, "a-b"), chosen, &actor(), at(10)).await.unwrap();
        empty.store.parity(own).await.unwrap().held
    };
    assert_eq!(sync(1).await, Some(2));
    assert_eq!(sync(2).await, None, "nothing waits any more");
}

async fn a_fall_is_told_by_the_result_before_it(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.store.ask_for_parity((own, "a-b"), &actor(), at(1)).await.unwrap();
    let of = |agree| Parity { linked: 10, agree, differ: 10 - agree, ..Parity::default() };
    // No mail is sent between the second and the third.
    for agree in [10, 4, 5] {
        let (parity, held) = (of(agree), None);
        let (differences, deliveries) = (Vec::new(), Vec::new());
        let what = Compared::Ended { at: at(9), parity, differences, held, deliveries };
        let parities = vec![ParityNews { connector: own, asked_at: at(1), what }];
        let progress = Progress { parities, ..Progress::default() };
        empty.store.record_progress(&lease, progress).await.unwrap();
    }
    let notices = empty.store.catch_up_notices().await.unwrap();
    assert_eq!(notices[0].news, CatchUpNews::Fell { before: of(10), now: of(5) });
}

async fn a_mass_change_waits_for_a_person(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    let kept = async || {
        let found = empty.store.mass_changes(&[own]).await.unwrap();
        found.first().map(|(_, kept)| *kept).unwrap_or_default()
    };
    let confirm = async || empty.store.confirm_mass_change((own, "a-b"), &actor(), at(5)).await;
    assert!(matches!(confirm().await, Err(Error::Refused(_))), "nothing waits");
    for changes in [300, 400] {
        let held = vec![HeldNews { connector: own, at: at(1), changes }];
        let progress = Progress { held, ..Progress::default() };
        empty.store.record_progress(&lease, progress).await.unwrap();
        let kept = kept().await;
        assert_eq!((kept.held_at, kept.changes), (Some(at(1)), changes));
        let notices = empty.store.catch_up_notices().await.unwrap();
        assert_eq!(notices[0].news, CatchUpNews::Arrived(changes));
        empty.store.notify_of_catch_up(&notices[0], Vec::new(), at(2)).await.unwrap();
        assert_eq!(empty.store.catch_up_notices().await.unwrap(), [], "people know it");
        confirm().await.unwrap();
    }
    let kept = kept().await;
    assert_eq!(kept.held_at, None);
    assert!(!kept.may_be_held(at(6)) && kept.may_be_held(at(5) + MassChange::CONFIRMED));
}
