//! Filters of the log that people saved.

use plan::permission::Role;
use secrecy::SecretString;
use store::{Error, PasswordHash, UserChange, View};

use crate::empty::{Empty, actor, at};

crate::promises! {
    a_view_is_saved_renamed_and_removed,
    views_are_limited,
    views_go_with_their_user,
}

const ASHA: &str = "asha@example.com";

async fn names(empty: &Empty, owner: &str) -> Vec<String> {
    let views = empty.store.views(owner).await.unwrap();
    views.into_iter().map(|view| view.name).collect()
}

async fn a_view_is_saved_renamed_and_removed(empty: Empty) {
    let store = &empty.store;
    store.save_view(ASHA, " My  failures ", "state=failed", at(0)).await.unwrap();
    store.save_view(ASHA, "all", "", at(1)).await.unwrap();
    store.save_view("imran@example.com", "all", "q=x", at(1)).await.unwrap();
    assert_eq!(names(&empty, ASHA).await, ["all", "My failures"]);
    store.save_view(ASHA, "all", "q=y", at(2)).await.unwrap();
    let views = store.views(ASHA).await.unwrap();
    assert_eq!(views[0].query, "q=y", "one of the same name is replaced");
    assert_eq!(store.views("imran@example.com").await.unwrap()[0].query, "q=x");
    let id = views[1].id;
    assert!(store.rename_view(ASHA, id, "Failed").await.unwrap());
    assert!(!store.rename_view("imran@example.com", id, "Mine").await.unwrap(), "it is not his");
    let taken = store.rename_view(ASHA, id, "all").await;
    assert!(matches!(&taken, Err(Error::Refused(why)) if why.contains("all")), "{taken:?}");
    assert_eq!(names(&empty, ASHA).await, ["all", "Failed"]);
    assert!(!store.remove_view("imran@example.com", id).await.unwrap());
    assert!(store.remove_view(ASHA, id).await.unwrap());
    assert!(!store.remove_view(ASHA, id).await.unwrap());
    assert_eq!(names(&empty, ASHA).await, ["all"]);
}

async fn views_are_limited(empty: Empty) {
    let store = &empty.store;
    let long = "x".repeat(View::LONGEST_NAME + 1);
    for name in ["", "  ", long.as_str()] {
        let refused = store.save_view(ASHA, name, "", at(0)).await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{name}: {refused:?}");
    }
    let long = "x".repeat(View::LONGEST_QUERY + 1);
    assert!(matches!(store.save_view(ASHA, "n", &long, at(0)).await, Err(Error::Refused(_))));
    for n in 0..View::MOST {
        store.save_view(ASHA, &format!("view {n}"), "", at(0)).await.unwrap();
    }
    let one_more = store.save_view(ASHA, "one more", "", at(0)).await;
    assert!(matches!(one_more, Err(Error::Refused(_))), "{one_more:?}");
    assert_eq!(names(&empty, ASHA).await.len(), View::MOST, "the refused view is not stored");
    store.save_view(ASHA, "view 1", "q=1", at(0)).await.unwrap();
}

async fn views_go_with_their_user(empty: Empty) {
    let add = |email: &str| UserChange::Add {
        email: email.to_owned(),
        role: Role::Administrator,
        password: PasswordHash(SecretString::from("hash")),
    };
    for email in [ASHA, "imran@example.com"] {
        empty.store.change_users(add(email), &actor(), at(0)).await.unwrap();
        empty.store.save_view(email, "all", "", at(0)).await.unwrap();
    }
    let remove = UserChange::Remove { email: ASHA.to_owned() };
    empty.store.change_users(remove, &actor(), at(1)).await.unwrap();
    assert!(names(&empty, ASHA).await.is_empty());
    assert_eq!(names(&empty, "imran@example.com").await, ["all"]);
}
