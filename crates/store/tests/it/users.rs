//! Users, API tokens and the audit log.

use plan::permission::{Role, Scope};
use secrecy::{ExposeSecret, SecretString};
use store::{
    Change, EndSessions, Error, NewApiToken, NewSession, PasswordHash, TokenHash, UserChange,
};

use crate::empty::{Empty, account, actor, at, connector};

crate::promises! {
    a_user_lives_from_add_to_remove,
    impossible_changes_of_users_are_refused,
    a_token_works_until_it_expires_or_is_removed,
    a_token_allows_no_more_than_its_user_may,
    every_change_is_in_the_audit_log_and_no_secret_is,
    there_is_one_first_user,
    a_session_lives_until_it_is_idle_old_or_ended,
    a_new_password_ends_every_session,
    settings_made_from_an_older_version_are_not_saved,
}

async fn change(empty: &Empty, change: UserChange) -> store::Result<()> {
    empty.store.change_users(change, &actor(), at(5)).await
}

fn add(email: &str, role: Role) -> UserChange {
    UserChange::Add { email: email.to_owned(), role, password: password("first") }
}

fn password(text: &str) -> PasswordHash {
    PasswordHash(SecretString::from(text))
}

fn token(name: &str, user: Option<&str>, scope: Option<Scope>) -> UserChange {
    UserChange::AddToken(NewApiToken {
        name: name.to_owned(),
        user: user.map(str::to_owned),
        scope,
        hash: TokenHash::of(name),
        expires_at: Some(at(100)),
    })
}

async fn a_user_lives_from_add_to_remove(empty: Empty) {
    change(&empty, add(" Ops@Example.com ", Role::Operator)).await.unwrap();
    let users = empty.store.users().await.unwrap();
    assert_eq!(users.len(), 1);
    assert_eq!((users[0].email.as_str(), users[0].role), ("ops@example.com", Role::Operator));
    assert_eq!(users[0].made_at, at(5));
    let kept = async || {
        let kept = empty.store.password("OPS@example.com").await.unwrap();
        kept.map(|kept| kept.0.expose_secret().to_owned())
    };
    assert_eq!(kept().await.as_deref(), Some("first"));
    let email = "ops@example.com".to_owned();
    let another = UserChange::SetPassword { email: email.clone(), password: password("second") };
    change(&empty, another).await.unwrap();
    assert_eq!(kept().await.as_deref(), Some("second"));
    change(&empty, token("t", Some("ops@example.com"), None)).await.unwrap();
    change(&empty, token("nobody's", None, None)).await.unwrap();
    change(&empty, UserChange::Remove { email }).await.unwrap();
    assert_eq!(kept().await, None);
    assert!(empty.store.use_api_token(TokenHash::of("t"), at(6)).await.unwrap().is_none());
    let left = empty.store.api_tokens().await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!((left[0].name.as_str(), &left[0].user), ("nobody's", &None));
}

async fn impossible_changes_of_users_are_refused(empty: Empty) {
    change(&empty, add("ops@example.com", Role::Operator)).await.unwrap();
    change(&empty, token("t", None, None)).await.unwrap();
    let before = empty.store.audit(100, None).await.unwrap().0.len();
    let email = || "nobody@example.com".to_owned();
    for (impossible, part) in [
        (add("OPS@example.com", Role::Administrator), "already"),
        (add("ops", Role::Operator), "no email address"),
        (add("a b@example.com", Role::Operator), "no email address"),
        (add("", Role::Operator), "no email address"),
        (UserChange::SetPassword { email: email(), password: password("x") }, "no user nobody"),
        (UserChange::Remove { email: email() }, "no user nobody"),
        (token("u", Some("nobody@example.com"), None), "no user nobody"),
        (token("t", Some("ops@example.com"), None), "a token t already"),
        (token("a/b", None, None), "no name for a token"),
        (token("v", Some("ops@example.com"), Some(Scope::Administer)), "operate at most"),
        (UserChange::RemoveToken { name: "x".to_owned() }, "no token x"),
    ] {
        let error = change(&empty, impossible).await.unwrap_err();
        assert!(matches!(&error, Error::Refused(what) if what.contains(part)), "{error}");
    }
    assert_eq!(empty.store.audit(100, None).await.unwrap().0.len(), before);
}

async fn a_token_works_until_it_expires_or_is_removed(empty: Empty) {
    change(&empty, token("t", None, Some(Scope::Read))).await.unwrap();
    let used =
        async |seconds| empty.store.use_api_token(TokenHash::of("t"), at(seconds)).await.unwrap();
    assert_eq!(empty.store.api_tokens().await.unwrap()[0].last_used_at, None);
    let found = used(6).await.expect("it is there");
    assert_eq!((found.name.as_str(), found.allows()), ("t", Scope::Read));
    assert_eq!(found.made_at, at(5));
    // Only the day is kept.
    let day = found.last_used_at.expect("it was used");
    assert_eq!(day.as_second() % 86_400, 0);
    assert!(day <= at(6) && at(6).as_second() - day.as_second() < 86_400);
    assert_eq!(empty.store.api_tokens().await.unwrap()[0].last_used_at, Some(day));
    assert!(used(99).await.is_some());
    assert!(used(100).await.is_none(), "it has expired");
    assert!(empty.store.use_api_token(TokenHash::of("u"), at(6)).await.unwrap().is_none());
    change(&empty, UserChange::RemoveToken { name: "t".to_owned() }).await.unwrap();
    assert!(used(7).await.is_none());
    assert_eq!(empty.store.api_tokens().await.unwrap(), []);
}

async fn a_token_allows_no_more_than_its_user_may(empty: Empty) {
    change(&empty, add("ops@example.com", Role::Operator)).await.unwrap();
    change(&empty, add("head@example.com", Role::Administrator)).await.unwrap();
    for (name, user, asked, allowed) in [
        ("a", Some("ops@example.com"), None, Scope::Operate),
        ("b", Some("ops@example.com"), Some(Scope::Read), Scope::Read),
        ("c", Some("head@example.com"), None, Scope::Administer),
        ("d", None, None, Scope::Administer),
        ("e", None, Some(Scope::Operate), Scope::Operate),
    ] {
        change(&empty, token(name, user, asked)).await.unwrap();
        let found = empty.store.use_api_token(TokenHash::of(name), at(6)).await.unwrap().unwrap();
        assert_eq!((found.allows(), found.user.as_deref()), (allowed, user), "{name}");
    }
}

async fn every_change_is_in_the_audit_log_and_no_secret_is(empty: Empty) {
    empty.change(account("a", "the-secret")).await.unwrap();
    change(&empty, add("ops@example.com", Role::Operator)).await.unwrap();
    let email = || "ops@example.com".to_owned();
    let another = UserChange::SetPassword { email: email(), password: password("the-password") };
    change(&empty, another).await.unwrap();
    change(&empty, token("t", Some("ops@example.com"), None)).await.unwrap();
    change(&empty, UserChange::RemoveToken { name: "t".to_owned() }).await.unwrap();
    change(&empty, UserChange::Remove { email: email() }).await.unwrap();
    let (all, next) = empty.store.audit(100, None).await.unwrap();
    assert_eq!(next, None);
    let told: Vec<_> = all.iter().map(|i| (i.action.as_str(), i.subject.as_str())).collect();
    let expected = [
        ("remove_user", "ops@example.com"),
        ("remove_token", "t"),
        ("add_token", "t"),
        ("set_password", "ops@example.com"),
        ("add_user", "ops@example.com"),
        ("put_account", "a"),
    ];
    assert_eq!(told, expected);
    assert!(all.iter().all(|item| item.actor == "test"));
    let text = serde_json::to_string(&all).unwrap();
    for secret in ["the-secret", "the-password", "first"] {
        assert!(!text.contains(secret), "{text}");
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let (items, next) = empty.store.audit(4, after).await.unwrap();
        seen.extend(items.into_iter().map(|item| item.id));
        after = next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen, all.iter().map(|item| item.id).collect::<Vec<_>>());
}

async fn settings_made_from_an_older_version_are_not_saved(empty: Empty) {
    let put = |made_from| match connector("a-b", "a", "b") {
        Change::PutConnector { definition, token, .. } => {
            Change::PutConnector { definition, token, made_from }
        }
        other => other,
    };
    for name in ["a", "b"] {
        empty.change(account(name, "x")).await.unwrap();
    }
    assert!(matches!(empty.change(put(Some(1))).await, Err(Error::Changed(_))));
    empty.change(put(Some(0))).await.unwrap();
    assert!(matches!(empty.change(put(Some(0))).await, Err(Error::Changed(_))));
    empty.change(put(Some(1))).await.unwrap();
    let error = empty.change(put(Some(1))).await.unwrap_err().to_string();
    assert!(error.contains("version 2"), "{error}");
    empty.change(put(None)).await.unwrap();
    assert_eq!(empty.store.configuration().await.unwrap().connectors[0].version, 3);
}

async fn there_is_one_first_user(empty: Empty) {
    let first =
        |email: &str| UserChange::AddFirst { email: email.to_owned(), password: password("first") };
    let (one, other) = tokio::join!(
        change(&empty, first("a@example.com")),
        change(&empty, first("b@example.com"))
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let users = empty.store.users().await.unwrap();
    assert_eq!(users.len(), 1, "{users:?}");
    assert_eq!(users[0].role, Role::Administrator);
    let late = change(&empty, first("c@example.com")).await;
    assert!(matches!(late, Err(Error::Refused(_))), "{late:?}");
}

fn session(name: &str, email: &str) -> NewSession {
    let agent = format!("Browser {name}\n");
    NewSession { hash: TokenHash::of(name), email: email.to_owned(), agent }
}

async fn a_session_lives_until_it_is_idle_old_or_ended(empty: Empty) {
    let email = "ops@example.com";
    assert!(!empty.store.begin_session(session("x", email), at(0)).await.unwrap(), "nobody");
    change(&empty, add(email, Role::Operator)).await.unwrap();
    for name in ["one", "two", "three"] {
        assert!(empty.store.begin_session(session(name, email), at(0)).await.unwrap());
    }
    let known = async |name: &str, now| {
        empty.store.use_session(TokenHash::of(name), at(now)).await.unwrap()
    };
    let one = known("one", 10).await.expect("it goes on");
    assert_eq!((one.email.as_str(), one.role), (email, Role::Operator));
    assert_eq!(known("nobody's", 10).await, None);
    let hour = 3_600;
    // Used now and then it goes on, though not for ever.
    for time in 1..36 {
        assert!(known("one", time * 20 * hour).await.is_some(), "after {time} times 20 hours");
    }
    assert_eq!(known("two", 24 * hour).await, None, "it was idle");
    assert_eq!(known("one", 30 * 24 * hour).await, None, "it is old");

    let later = 40 * 24 * hour;
    change(&empty, add("other@example.com", Role::Operator)).await.unwrap();
    for name in ["four", "five", "six"] {
        empty.store.begin_session(session(name, email), at(later)).await.unwrap();
    }
    empty.store.begin_session(session("other", "other@example.com"), at(later)).await.unwrap();
    let shown = empty.store.sessions(email, at(later)).await.unwrap();
    assert_eq!(shown[0].agent, "Browser six", "without the line's end");
    let four = known("four", later).await.expect("it goes on");
    empty.store.end_sessions("other@example.com", EndSessions::One(four.id)).await.unwrap();
    assert!(known("four", later).await.is_some(), "it is not that user's");
    empty.store.end_sessions(email, EndSessions::Others(four.id)).await.unwrap();
    assert_eq!(empty.store.sessions(email, at(later)).await.unwrap().len(), 1);
    empty.store.end_sessions(email, EndSessions::One(four.id)).await.unwrap();
    assert_eq!(known("four", later).await, None);
    assert!(known("other", later).await.is_some());
    for n in 0..30 {
        empty.store.begin_session(session(&format!("n{n}"), email), at(later + n)).await.unwrap();
    }
    assert_eq!(empty.store.sessions(email, at(later + hour)).await.unwrap().len(), 20);
}

async fn a_new_password_ends_every_session(empty: Empty) {
    let email = "ops@example.com";
    change(&empty, add(email, Role::Operator)).await.unwrap();
    empty.store.begin_session(session("one", email), at(0)).await.unwrap();
    let another = UserChange::SetPassword { email: email.to_owned(), password: password("second") };
    change(&empty, another).await.unwrap();
    assert_eq!(empty.store.use_session(TokenHash::of("one"), at(1)).await.unwrap(), None);
    empty.store.begin_session(session("two", email), at(0)).await.unwrap();
    change(&empty, UserChange::Remove { email: email.to_owned() }).await.unwrap();
    assert_eq!(empty.store.use_session(TokenHash::of("two"), at(1)).await.unwrap(), None);
}
