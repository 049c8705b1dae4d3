//! What signing in takes: the code of the first start, known browsers, second factors, invites.

use plan::permission::Role;
use secrecy::{ExposeSecret, SecretString};
use store::{Error, NewApiToken, NewInvite, NewSession, PasswordHash, TokenHash, UserChange};

use crate::empty::{Empty, actor, at};

crate::promises! {
    the_first_start_has_one_code_until_there_is_a_user,
    a_browser_is_known_once_its_user_signed_in,
    a_session_without_its_code_is_none,
    a_second_factor_takes_each_code_once,
    an_invite_is_accepted_once,
    a_session_is_confirmed_for_a_while,
    one_s_own_password_ends_what_is_chosen,
}

const EMAIL: &str = "ops@example.com";
const DAY: i64 = 86_400;

async fn change(empty: &Empty, change: UserChange) -> store::Result<()> {
    empty.store.change_users(change, &actor(), at(0)).await
}

fn password() -> PasswordHash {
    PasswordHash(SecretString::from("a hash"))
}

fn user() -> UserChange {
    UserChange::Add { email: EMAIL.to_owned(), role: Role::Operator, password: password() }
}

fn session(name: &str) -> NewSession {
    NewSession {
        hash: TokenHash::of(name),
        agent: name.to_owned(),
        browser: None,
        is_confirmed: true,
        needs_code: false,
        replaces: None,
    }
}

async fn the_first_start_has_one_code_until_there_is_a_user(empty: Empty) {
    let (one, other) = tokio::join!(empty.store.first_start_code(), empty.store.first_start_code());
    let code = one.unwrap().expect("there is nobody");
    assert_eq!(other.unwrap().as_ref(), Some(&code));
    assert_eq!(code.len(), 14, "{code}");
    let again = empty.again().await.unwrap();
    assert_eq!(again.first_start_code().await.unwrap(), Some(code), "after a restart too");
    change(&empty, user()).await.unwrap();
    assert_eq!(empty.store.first_start_code().await.unwrap(), None);
}

async fn a_browser_is_known_once_its_user_signed_in(empty: Empty) {
    change(&empty, user()).await.unwrap();
    let knows = async |browser: &str, days: i64| {
        let browser = TokenHash::of(browser);
        empty.store.knows_browser("OPS@example.com", browser, at(days * DAY)).await.unwrap()
    };
    assert!(!knows("b", 0).await);
    let begin = async |new: NewSession, seconds| {
        assert!(empty.store.begin_session(EMAIL, new, at(seconds)).await.unwrap());
    };
    let with = |browser: &str| Some(TokenHash::of(browser));
    begin(NewSession { browser: with("b"), needs_code: true, ..session("half") }, 0).await;
    assert!(!knows("b", 0).await, "the password alone is not enough");
    begin(NewSession { browser: with("b"), ..session("whole") }, 0).await;
    assert!(knows("b", 179).await && !knows("b", 180).await && !knows("c", 0).await);
    for n in 0..20 {
        let (name, browser) = (format!("s{n}"), format!("b{n}"));
        begin(NewSession { browser: with(&browser), ..session(&name) }, 10 + n).await;
    }
    assert!(!knows("b", 0).await && knows("b0", 0).await && knows("b19", 0).await);
    let set = UserChange::SetPassword { email: EMAIL.to_owned(), password: password() };
    change(&empty, set).await.unwrap();
    assert!(!knows("b19", 0).await, "a new password forgets them");
}

async fn a_session_without_its_code_is_none(empty: Empty) {
    change(&empty, user()).await.unwrap();
    let half = NewSession { needs_code: true, ..session("half") };
    empty.store.begin_session(EMAIL, half, at(0)).await.unwrap();
    empty.store.begin_session(EMAIL, session("other"), at(0)).await.unwrap();
    let hash = TokenHash::of("half");
    assert_eq!(empty.store.use_session(hash, at(1)).await.unwrap(), None);
    let whose = async |name: &str, now| {
        empty.store.session_without_code(TokenHash::of(name), at(now)).await
    };
    assert_eq!(whose("half", 599).await.unwrap().as_deref(), Some(EMAIL));
    assert_eq!(whose("half", 600).await.unwrap(), None, "it is too late");
    assert_eq!(whose("other", 1).await.unwrap(), None);
    // Somebody who knows only the password ends nobody's session.
    for n in 0..30 {
        let half = NewSession { needs_code: true, ..session(&format!("half{n}")) };
        empty.store.begin_session(EMAIL, half, at(2)).await.unwrap();
    }
    let other = empty.store.use_session(TokenHash::of("other"), at(3)).await.unwrap();
    let other = other.expect("it goes on");
    assert_eq!(empty.store.sessions(&other, at(3)).await.unwrap().len(), 1);
    let full = |name: &str| NewSession { replaces: Some(TokenHash::of("half29")), ..session(name) };
    assert!(empty.store.begin_session(EMAIL, full("one"), at(4)).await.unwrap());
    assert!(!empty.store.begin_session(EMAIL, full("two"), at(4)).await.unwrap(), "used up");
    assert_eq!(whose("half29", 5).await.unwrap(), None);
}

async fn a_second_factor_takes_each_code_once(empty: Empty) {
    change(&empty, user()).await.unwrap();
    let store = &empty.store;
    let secret = |text: &str| SecretString::from(text);
    assert!(store.second_factor(EMAIL).await.unwrap().is_none());
    assert!(!store.prepare_second_factor("nobody@example.com", &secret("x")).await.unwrap());
    assert!(store.prepare_second_factor(EMAIL, &secret("first")).await.unwrap());
    assert!(store.prepare_second_factor(EMAIL, &secret("KEYKEYKEY")).await.unwrap());
    let factor = store.second_factor("OPS@example.com").await.unwrap().unwrap();
    assert_eq!((factor.secret.expose_secret(), factor.is_on), ("KEYKEYKEY", false));
    assert!(!store.use_code(EMAIL, 5).await.unwrap(), "it is not on");
    assert!(!store.users().await.unwrap()[0].second_factor);
    let on = || UserChange::TurnOnSecondFactor {
        email: EMAIL.to_owned(),
        step: 7,
        recovery: ["a", "b"].map(TokenHash::of).to_vec(),
    };
    change(&empty, on()).await.unwrap();
    assert!(matches!(change(&empty, on()).await, Err(Error::Refused(_))), "it is on");
    assert!(!store.prepare_second_factor(EMAIL, &secret("other")).await.unwrap());
    assert!(store.users().await.unwrap()[0].second_factor);
    for (step, may) in [(6, false), (7, false), (8, true), (8, false), (7, false), (9, true)] {
        assert_eq!(store.use_code(EMAIL, step).await.unwrap(), may, "{step}");
    }
    let (one, other) = tokio::join!(store.use_code(EMAIL, 10), store.use_code(EMAIL, 10));
    assert!(one.unwrap() != other.unwrap(), "of two at once one is right");
    let recovers = async |code: &str| store.use_recovery_code(EMAIL, TokenHash::of(code)).await;
    assert!(recovers("a").await.unwrap() && !recovers("a").await.unwrap());
    assert!(!recovers("c").await.unwrap());
    assert_eq!(store.second_factor(EMAIL).await.unwrap().unwrap().recovery_codes, 1);
    // The key is needed from now on, and nothing in the audit log reveals the secret.
    let (audit, _) = store.audit(&store::AuditFilter::default(), 9, None).await.unwrap();
    assert!(!serde_json::to_string(&audit).unwrap().contains("KEYKEYKEY"));
    let off = || UserChange::TurnOffSecondFactor { email: EMAIL.to_owned() };
    change(&empty, off()).await.unwrap();
    assert!(matches!(change(&empty, off()).await, Err(Error::Refused(_))));
    assert!(!recovers("b").await.unwrap());
}

async fn an_invite_is_accepted_once(empty: Empty) {
    let invite = |name: &str, role| {
        let hash = TokenHash::of(name);
        UserChange::Invite(NewInvite { email: " New@Example.com".to_owned(), role, hash })
    };
    change(&empty, invite("first", Role::Operator)).await.unwrap();
    change(&empty, invite("second", Role::Viewer)).await.unwrap();
    let store = &empty.store;
    let of = async |name: &str, now| store.invite_of(TokenHash::of(name), at(now)).await.unwrap();
    assert_eq!(of("first", 1).await, None, "it was replaced");
    let found = of("second", 3 * DAY - 1).await.expect("it works");
    assert_eq!((found.email.as_str(), found.role), ("new@example.com", Role::Viewer));
    assert_eq!((found.invited_by.as_str(), found.expires_at), ("test", at(3 * DAY)));
    assert_eq!(store.invites(at(1)).await.unwrap(), [found]);
    assert_eq!(of("second", 3 * DAY).await, None);
    assert_eq!(store.invites(at(3 * DAY)).await.unwrap(), []);
    let accept = async |name: &str, now| {
        let accept = UserChange::AcceptInvite { invite: TokenHash::of(name), password: password() };
        store.change_users(accept, &actor(), at(now)).await
    };
    assert!(accept("second", 3 * DAY).await.is_err() && accept("first", 1).await.is_err());
    let (one, other) = tokio::join!(accept("second", 1), accept("second", 1));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let users = store.users().await.unwrap();
    assert_eq!((users[0].email.as_str(), users[0].role), ("new@example.com", Role::Viewer));
    let known = change(&empty, invite("third", Role::Viewer)).await;
    assert!(matches!(&known, Err(Error::Refused(what)) if what.contains("already")), "{known:?}");
    let other = NewInvite {
        email: "other@example.com".to_owned(),
        role: Role::Viewer,
        hash: TokenHash::of("other"),
    };
    change(&empty, UserChange::Invite(other)).await.unwrap();
    let remove = || UserChange::RemoveInvite { email: "Other@example.com".to_owned() };
    change(&empty, remove()).await.unwrap();
    assert!(change(&empty, remove()).await.is_err() && of("other", 1).await.is_none());
}

async fn a_session_is_confirmed_for_a_while(empty: Empty) {
    change(&empty, user()).await.unwrap();
    empty.store.begin_session(EMAIL, session("s"), at(0)).await.unwrap();
    let used = async |now| {
        let found = empty.store.use_session(TokenHash::of("s"), at(now)).await.unwrap();
        found.expect("it goes on")
    };
    assert!(used(599).await.is_confirmed(at(599)) && !used(600).await.is_confirmed(at(600)));
    empty.store.confirm_session(used(700).await.id, at(700)).await.unwrap();
    assert!(
        used(1_299).await.is_confirmed(at(1_299)) && !used(1_300).await.is_confirmed(at(1_300))
    );
}

async fn one_s_own_password_ends_what_is_chosen(empty: Empty) {
    change(&empty, user()).await.unwrap();
    let token = NewApiToken {
        name: "t".to_owned(),
        user: Some(EMAIL.to_owned()),
        scope: None,
        hash: TokenHash::of("t"),
        expires_at: None,
    };
    change(&empty, UserChange::AddToken(token)).await.unwrap();
    let is_there = async |name: &str| {
        empty.store.use_session(TokenHash::of(name), at(1)).await.unwrap().map(|found| found.id)
    };
    for name in ["one", "two", "three"] {
        empty.store.begin_session(EMAIL, session(name), at(0)).await.unwrap();
    }
    let set = async |session: i64, end_others, remove_tokens| {
        let (email, password) = (EMAIL.to_owned(), password());
        let set =
            UserChange::SetOwnPassword { email, password, session, end_others, remove_tokens };
        change(&empty, set).await.unwrap();
    };
    set(is_there("one").await.unwrap(), false, false).await;
    assert!(is_there("one").await.is_none() && is_there("two").await.is_some());
    assert_eq!(empty.store.api_tokens().await.unwrap().len(), 1);
    set(is_there("two").await.unwrap(), true, true).await;
    assert!(is_there("two").await.is_none() && is_there("three").await.is_none());
    assert_eq!(empty.store.api_tokens().await.unwrap(), []);
}
