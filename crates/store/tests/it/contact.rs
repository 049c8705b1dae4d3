//! Whether accounts respond.

use plan::problem::{Code, Problem};
use store::{Change, ContactNews, Progress};

use crate::empty::{Empty, account, at};

crate::promises! {
    whether_accounts_respond_is_kept,
}

async fn whether_accounts_respond_is_kept(empty: Empty) {
    let configuration = empty.with_connector().await;
    let [one, other] = [0, 1].map(|n| configuration.accounts[n].id);
    let lease = empty.lease(&configuration).await;
    let note = async |account, second, code: Option<Code>| {
        let closed = code.map(|code| Problem::new(code, "It does not respond.", "Wait."));
        let contacts = vec![ContactNews { account, at: at(second), closed }];
        let progress = Progress { contacts, ..Progress::default() };
        empty.store.record_progress(&lease, progress).await.unwrap();
    };
    let told = async |account| {
        let mut contacts = empty.store.contacts(&[account]).await.unwrap();
        let contact = contacts.pop()?;
        Some((contact.responded_at, contact.closed.map(|(since, problem)| (since, problem.code))))
    };
    assert_eq!(told(one).await, None);
    note(one, 1, None).await;
    assert_eq!(told(one).await, Some((Some(at(1)), None)));
    // It is closed since the first time, for as long as the reason is the same.
    for second in [2, 3] {
        note(one, second, Some(Code::Unreachable)).await;
        assert_eq!(told(one).await, Some((Some(at(1)), Some((at(2), Code::Unreachable)))));
    }
    note(one, 4, Some(Code::Credentials)).await;
    assert_eq!(told(one).await, Some((Some(at(1)), Some((at(4), Code::Credentials)))));
    note(other, 5, Some(Code::Credentials)).await;
    assert_eq!(told(other).await, Some((None, Some((at(5), Code::Credentials)))));
    let both = empty.store.contacts(&[other, one]).await.unwrap();
    assert_eq!(both.iter().map(|contact| contact.account).collect::<Vec<_>>(), [one, other]);
    // It responds, it gets other keys, or its metadata can be read.
    note(one, 6, None).await;
    assert_eq!(told(one).await, Some((Some(at(6)), None)));
    note(one, 7, Some(Code::Credentials)).await;
    empty.change(account("a", "another")).await.unwrap();
    assert_eq!(told(one).await, Some((Some(at(6)), None)));
    let unread = plan::metadata::Catalogue::default();
    empty.store.store_catalogue(other, &unread, at(8)).await.unwrap();
    assert_eq!(told(other).await, Some((Some(at(8)), None)));
    // Of an account that is gone, nothing is kept.
    empty.change(Change::RemoveConnector { name: "a-b".to_owned() }).await.unwrap();
    empty.change(Change::RemoveAccount { name: "a".to_owned() }).await.unwrap();
    assert_eq!(told(one).await, None);
}
