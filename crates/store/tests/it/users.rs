//! Users, API tokens and the audit log.

use plan::access::AccountUser;
use plan::permission::{Role, Scope};
use secrecy::{ExposeSecret, SecretString};
use store::{
    Actor, AuditFilter, Change, EndSessions, Error, MailEnd, NewApiToken, NewLink, NewMail,
    NewSession, PasswordHash, Person, TokenHash, UserChange,
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
    the_last_administrator_stays,
    the_audit_log_is_filtered,
    a_link_signs_in_once,
    what_accounts_say_of_a_user_is_kept,
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
    let before =
        empty.store.audit(&store::AuditFilter::default(), 100, None).await.unwrap().0.len();
    let email = || "nobody@example.com".to_owned();
    for (impossible, part) in [
        (add("OPS@example.com", Role::Administrator), "already"),
        (add("ops", Role::Operator), "not a valid email address"),
        (add("a b@example.com", Role::Operator), "not a valid email address"),
        (add("", Role::Operator), "not a valid email address"),
        (UserChange::SetPassword { email: email(), password: password("x") }, "no user nobody"),
        (UserChange::Remove { email: email() }, "no user nobody"),
        (token("u", Some("nobody@example.com"), None), "no user nobody"),
        (token("t", Some("ops@example.com"), None), "a token t already"),
        (token("a/b", None, None), "not a valid name for a token"),
        (token("v", Some("ops@example.com"), Some(Scope::Administer)), "operate at most"),
        (UserChange::RemoveToken { name: "x".to_owned() }, "no token x"),
    ] {
        let error = change(&empty, impossible).await.unwrap_err();
        assert!(matches!(&error, Error::Refused(what) if what.contains(part)), "{error}");
    }
    assert_eq!(
        empty.store.audit(&store::AuditFilter::default(), 100, None).await.unwrap().0.len(),
        before
    );
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
    let (all, next) = empty.store.audit(&store::AuditFilter::default(), 100, None).await.unwrap();
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
        let (items, next) =
            empty.store.audit(&store::AuditFilter::default(), 4, after).await.unwrap();
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

fn session(name: &str) -> NewSession {
    NewSession {
        hash: TokenHash::of(name),
        agent: format!("Browser {name}\n"),
        browser: None,
        is_confirmed: true,
        needs_code: false,
        replaces: None,
    }
}

async fn a_session_lives_until_it_is_idle_old_or_ended(empty: Empty) {
    let email = "ops@example.com";
    assert!(!empty.store.begin_session(email, session("x"), at(0)).await.unwrap(), "nobody");
    change(&empty, add(email, Role::Operator)).await.unwrap();
    for name in ["one", "two", "three"] {
        assert!(empty.store.begin_session(email, session(name), at(0)).await.unwrap());
    }
    let known = async |name: &str, now| {
        empty.store.use_session(TokenHash::of(name), at(now)).await.unwrap()
    };
    let one = known("one", 10).await.expect("it goes on");
    assert_eq!((one.email.as_str(), one.person), (email, Person::User(Role::Operator)));
    assert_eq!(known("nobody's", 10).await, None);
    let hour = 3_600;
    // Used now and then it goes on, though not for long.
    for time in 1..12 {
        assert!(known("one", time * hour).await.is_some(), "after {time} hours");
    }
    assert_eq!(known("two", 2 * hour).await, None, "it was idle");
    assert_eq!(known("one", 12 * hour).await, None, "it is old");

    let later = 40 * 24 * hour;
    change(&empty, add("other@example.com", Role::Operator)).await.unwrap();
    for name in ["four", "five", "six"] {
        empty.store.begin_session(email, session(name), at(later)).await.unwrap();
    }
    empty.store.begin_session("other@example.com", session("other"), at(later)).await.unwrap();
    let four = known("four", later).await.expect("it goes on");
    let shown = empty.store.sessions(&four, at(later)).await.unwrap();
    assert_eq!(shown[0].agent, "Browser six", "without the line's end");
    let other = known("other", later).await.expect("it goes on");
    empty.store.end_sessions(&other, EndSessions::One(four.id)).await.unwrap();
    assert!(known("four", later).await.is_some(), "it is not that user's");
    empty.store.end_sessions(&four, EndSessions::Others(four.id)).await.unwrap();
    assert_eq!(empty.store.sessions(&four, at(later)).await.unwrap().len(), 1);
    empty.store.end_sessions(&four, EndSessions::One(four.id)).await.unwrap();
    assert_eq!(known("four", later).await, None);
    assert!(known("other", later).await.is_some());
    for n in 0..30 {
        empty.store.begin_session(email, session(&format!("n{n}")), at(later + n)).await.unwrap();
    }
    let last = known("n29", later + hour).await.expect("it goes on");
    assert_eq!(empty.store.sessions(&last, at(later + hour)).await.unwrap().len(), 20);
}

async fn a_new_password_ends_every_session(empty: Empty) {
    let email = "ops@example.com";
    change(&empty, add(email, Role::Operator)).await.unwrap();
    empty.store.begin_session(email, session("one"), at(0)).await.unwrap();
    let another = UserChange::SetPassword { email: email.to_owned(), password: password("second") };
    change(&empty, another).await.unwrap();
    assert_eq!(empty.store.use_session(TokenHash::of("one"), at(1)).await.unwrap(), None);
    empty.store.begin_session(email, session("two"), at(0)).await.unwrap();
    change(&empty, UserChange::Remove { email: email.to_owned() }).await.unwrap();
    assert_eq!(empty.store.use_session(TokenHash::of("two"), at(1)).await.unwrap(), None);
}

async fn the_last_administrator_stays(empty: Empty) {
    let set = |email: &str, role| UserChange::SetRole { email: email.to_owned(), role };
    let remove = |email: &str| UserChange::Remove { email: email.to_owned() };
    let (one, other) = ("one@example.com", "other@example.com");
    change(&empty, add(one, Role::Administrator)).await.unwrap();
    change(&empty, add(other, Role::Operator)).await.unwrap();
    for impossible in [set(one, Role::Operator), remove(one)] {
        let error = change(&empty, impossible).await.unwrap_err();
        assert!(
            matches!(&error, Error::Refused(what) if what.contains("last administrator")),
            "{error}"
        );
    }
    change(&empty, set(one, Role::Administrator)).await.unwrap();
    empty.store.begin_session(other, session("s"), at(5)).await.unwrap();
    change(&empty, set(other, Role::Administrator)).await.unwrap();
    let found = empty.store.use_session(TokenHash::of("s"), at(6)).await.unwrap().unwrap();
    assert_eq!(found.person, Person::User(Role::Administrator), "sessions follow at once");
    let filter = AuditFilter { subject: Some(other.to_owned()), ..AuditFilter::default() };
    let (entries, _) = empty.store.audit(&filter, 1, None).await.unwrap();
    let told = |json: &Option<Box<serde_json::value::RawValue>>| json.as_ref().unwrap().to_string();
    assert_eq!(entries[0].action, "set_role");
    assert_eq!(told(&entries[0].before), r#"{"role":"operator"}"#);
    assert_eq!(told(&entries[0].after), r#"{"role":"administrator"}"#);
    // Each would leave the other: one of them is refused.
    let (a, b) = tokio::join!(
        change(&empty, set(one, Role::Operator)),
        change(&empty, set(other, Role::Operator))
    );
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    let users = empty.store.users().await.unwrap();
    assert_eq!(users.iter().filter(|user| user.role == Role::Administrator).count(), 1);
}

async fn the_audit_log_is_filtered(empty: Empty) {
    change(&empty, add("a@example.com", Role::Operator)).await.unwrap();
    change(&empty, add("b@example.com", Role::Operator)).await.unwrap();
    change(&empty, token("t", None, None)).await.unwrap();
    let other = Actor("other".to_owned());
    let remove = UserChange::Remove { email: "a@example.com".to_owned() };
    empty.store.change_users(remove, &other, at(6)).await.unwrap();
    let found = async |actor: &str, action: &str, subject: &str| {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let filter = AuditFilter {
            actor: text(actor),
            action: text(action),
            subject: text(subject),
            access: false,
        };
        let (entries, _) = empty.store.audit(&filter, 10, None).await.unwrap();
        let told = entries.iter().map(|entry| format!("{} {}", entry.action, entry.subject));
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        found("", "add_user", "").await,
        ["add_user b@example.com", "add_user a@example.com"]
    );
    assert_eq!(
        found("", "", "a@example.com").await,
        ["remove_user a@example.com", "add_user a@example.com"]
    );
    assert_eq!(found("other", "", "").await, ["remove_user a@example.com"]);
    assert_eq!(found("test", "add_token", "t").await, ["add_token t"]);
    assert_eq!(found("other", "add_token", "").await, [] as [String; 0]);
    let filter = AuditFilter { action: Some("add_user".to_owned()), ..AuditFilter::default() };
    let (entries, next) = empty.store.audit(&filter, 1, None).await.unwrap();
    let (rest, end) = empty.store.audit(&filter, 1, next).await.unwrap();
    assert_eq!(
        (entries[0].subject.as_str(), rest[0].subject.as_str()),
        ("b@example.com", "a@example.com")
    );
    assert_eq!(end, None);
}

async fn a_link_signs_in_once(empty: Empty) {
    let email = "sam@example.com";
    let keep = async |name: &str, now| {
        let link = NewLink {
            hash: TokenHash::of(name),
            email: "Sam@Example.com".to_owned(),
            expires_at: at(now + 900),
        };
        let mail = NewMail {
            message_id: format!("{name}@test"),
            thread: None,
            recipient: email.to_owned(),
            subject: "Sign in".to_owned(),
            body: format!("the secret {name}"),
            private: true,
            alert: None,
        };
        empty.store.keep_link(link, &mail, at(now)).await.unwrap();
    };
    let begin = async |link: &str, new: &str, now| {
        let begun = empty.store.begin_session_by_link(TokenHash::of(link), session(new), at(now));
        begun.await.unwrap()
    };
    keep("link", 0).await;
    let whose =
        async |name: &str, now| empty.store.link_of(TokenHash::of(name), at(now)).await.unwrap();
    assert_eq!(whose("link", 899).await.as_deref(), Some(email));
    assert_eq!(whose("link", 900).await, None, "it has expired");
    assert_eq!(whose("other", 1).await, None);
    assert!(!begin("link", "late", 900).await);
    // The mail with the link goes out, and nobody else can read it.
    let shown = empty.store.mails(5).await.unwrap();
    assert_eq!((shown[0].recipient.as_str(), shown[0].body.as_str()), (email, ""));
    let claimed = empty.store.claim_mail(at(1), at(60)).await.unwrap().expect("it is due");
    assert_eq!(claimed.mail.body, "the secret link");
    empty.store.end_mail(&claimed, MailEnd::Sent, at(2)).await.unwrap();

    assert!(begin("link", "s", 10).await);
    assert!(!begin("link", "again", 11).await, "it works once");
    let found = empty.store.use_session(TokenHash::of("s"), at(12)).await.unwrap().unwrap();
    assert_eq!((found.email.as_str(), found.person), (email, Person::AccountUser));
    assert_eq!(empty.store.use_session(TokenHash::of("again"), at(12)).await.unwrap(), None);

    // A user of ours with the same address has nothing to do with it.
    change(&empty, add(email, Role::Operator)).await.unwrap();
    empty.store.begin_session(email, session("ours"), at(13)).await.unwrap();
    assert_eq!(empty.store.sessions(&found, at(14)).await.unwrap().len(), 1);
    let guests = empty.store.guests(at(14)).await.unwrap();
    assert_eq!((guests.len(), guests[0].email.as_str(), guests[0].sessions), (1, email, 1));
    change(&empty, UserChange::SetPassword { email: email.to_owned(), password: password("x") })
        .await
        .unwrap();
    assert!(empty.store.use_session(TokenHash::of("s"), at(15)).await.unwrap().is_some());

    // Only the newest links work, and none once an administrator ends it.
    for n in 0..7 {
        keep(&format!("n{n}"), 20 + n).await;
    }
    assert_eq!(whose("n1", 30).await, None);
    assert_eq!(whose("n6", 30).await.as_deref(), Some(email));
    change(&empty, UserChange::EndGuest { email: "SAM@example.com".to_owned() }).await.unwrap();
    assert_eq!(whose("n6", 30).await, None);
    assert_eq!(empty.store.use_session(TokenHash::of("s"), at(31)).await.unwrap(), None);
    let error = change(&empty, UserChange::EndGuest { email: email.to_owned() }).await.unwrap_err();
    assert!(error.to_string().contains("signed in"), "{error}");
}

async fn what_accounts_say_of_a_user_is_kept(empty: Empty) {
    empty.change(account("a", "x")).await.unwrap();
    empty.change(account("b", "x")).await.unwrap();
    let configuration = empty.store.configuration().await.unwrap();
    let ids = [configuration.accounts[0].id, configuration.accounts[1].id];
    let sam = AccountUser::new("Sales_User", true, [("mx_Custom_1", "1")]);
    empty.store.store_account_user(ids[0], "Sam@example.com", Some(&sam), at(1)).await.unwrap();
    empty.store.store_account_user(ids[1], "sam@example.com", Some(&sam), at(2)).await.unwrap();
    empty.store.store_account_user(ids[1], "sam@example.com", None, at(3)).await.unwrap();
    let told = empty.store.account_users(" SAM@example.com").await.unwrap();
    assert_eq!(told, [(ids[0], at(1), Some(sam)), (ids[1], at(3), None)]);
    assert_eq!(empty.store.account_users("other@example.com").await.unwrap(), []);
    empty.change(Change::RemoveAccount { name: "a".to_owned() }).await.unwrap();
    assert_eq!(empty.store.account_users("sam@example.com").await.unwrap().len(), 1);
}
