//! Whom an OpenID Connect provider vouches for.

use plan::permission::Role;
use secrecy::SecretString;
use store::{
    Admission, AuditFilter, Error, NewSession, PasswordHash, ProviderIdentity, TokenHash, User,
    UserChange,
};

use crate::empty::{Empty, actor, at};

crate::promises! {
    a_new_person_becomes_a_user_whose_role_follows_the_provider,
    an_address_is_linked_once_and_only_if_it_is_verified,
    a_role_that_is_set_here_stays,
    who_has_no_role_is_out,
    the_last_administrator_stays_one,
}

const EMAIL: &str = "meera@example.com";

fn identity(subject: &str, role: Option<Role>) -> ProviderIdentity {
    ProviderIdentity {
        issuer: "https://login.example.com".to_owned(),
        subject: subject.to_owned(),
        verified_email: Some(EMAIL.to_owned()),
        decides_roles: true,
        role,
    }
}

async fn admit(empty: &Empty, who: &ProviderIdentity) -> Admission {
    empty.store.admit_identity(who, at(0)).await.unwrap()
}

async fn add(empty: &Empty, email: &str, role: Role) {
    let password = PasswordHash(SecretString::from("a hash"));
    let change = UserChange::Add { email: email.to_owned(), role, password };
    empty.store.change_users(change, &actor(), at(0)).await.unwrap();
}

async fn meera(empty: &Empty) -> Option<User> {
    empty.store.users().await.unwrap().into_iter().find(|user| user.email == EMAIL)
}

fn in_as_meera() -> Admission {
    Admission::User(EMAIL.to_owned())
}

async fn a_new_person_becomes_a_user_whose_role_follows_the_provider(empty: Empty) {
    add(&empty, "asha@example.com", Role::Administrator).await;
    assert_eq!(admit(&empty, &identity("m", Some(Role::Operator))).await, in_as_meera());
    let user = meera(&empty).await.unwrap();
    assert_eq!((user.role, user.by_provider), (Role::Operator, true));
    assert!(empty.store.password(EMAIL).await.unwrap().is_none(), "an empty password is none");
    let moved = ProviderIdentity {
        verified_email: Some("meera.rao@example.com".to_owned()),
        ..identity("m", Some(Role::Viewer))
    };
    assert_eq!(admit(&empty, &moved).await, in_as_meera(), "the person, not the address, is known");
    assert_eq!(meera(&empty).await.unwrap().role, Role::Viewer);
    let gone = ProviderIdentity { verified_email: None, ..identity("m", Some(Role::Viewer)) };
    assert_eq!(admit(&empty, &gone).await, in_as_meera());
    let (entries, _) = empty.store.audit(&AuditFilter::default(), 9, None).await.unwrap();
    let told: Vec<_> = entries.iter().map(|e| (e.action.as_str(), e.actor.as_str())).collect();
    let provider = "OpenID Connect (https://login.example.com)";
    let wanted = ["set_role", "link_identity", "add_user"].map(|action| (action, provider));
    assert_eq!(told[..3], wanted);
    // Two sign-ins of a new person at once make one user.
    let new = ProviderIdentity {
        verified_email: Some("new@example.com".to_owned()),
        ..identity("new", Some(Role::Viewer))
    };
    let (one, other) = tokio::join!(
        empty.store.admit_identity(&new, at(1)),
        empty.store.admit_identity(&new, at(1))
    );
    assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
    assert_eq!(empty.store.users().await.unwrap().len(), 3);
    assert_eq!(admit(&empty, &new).await, Admission::User("new@example.com".to_owned()));
}

async fn an_address_is_linked_once_and_only_if_it_is_verified(empty: Empty) {
    add(&empty, EMAIL, Role::Operator).await;
    let unverified = ProviderIdentity { verified_email: None, ..identity("m", Some(Role::Viewer)) };
    assert_eq!(admit(&empty, &unverified).await, Admission::NoEmail);
    assert_eq!(admit(&empty, &identity("m", Some(Role::Viewer))).await, in_as_meera());
    assert_eq!(admit(&empty, &identity("heir", Some(Role::Viewer))).await, Admission::OtherPerson);
    let elsewhere = ProviderIdentity {
        issuer: "https://other.example.com".to_owned(),
        ..identity("heir", Some(Role::Viewer))
    };
    assert_eq!(
        admit(&empty, &elsewhere).await,
        in_as_meera(),
        "another provider is another matter"
    );
    let nameless = identity("", Some(Role::Viewer));
    let refused = empty.store.admit_identity(&nameless, at(0)).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    // Without rules for roles nobody is added.
    let stranger = ProviderIdentity {
        decides_roles: false,
        verified_email: Some("stranger@example.com".to_owned()),
        ..identity("s", None)
    };
    assert_eq!(admit(&empty, &stranger).await, Admission::NoUser);
    // A removed user is nobody again.
    let remove = UserChange::Remove { email: EMAIL.to_owned() };
    empty.store.change_users(remove, &actor(), at(0)).await.unwrap();
    assert_eq!(admit(&empty, &identity("m", None)).await, Admission::NoRole);
    assert!(meera(&empty).await.is_none());
}

async fn a_role_that_is_set_here_stays(empty: Empty) {
    add(&empty, "asha@example.com", Role::Administrator).await;
    add(&empty, EMAIL, Role::Operator).await;
    assert_eq!(admit(&empty, &identity("m", Some(Role::Administrator))).await, in_as_meera());
    let user = meera(&empty).await.unwrap();
    assert_eq!((user.role, user.by_provider), (Role::Operator, false), "added here");
    assert_eq!(admit(&empty, &identity("m", None)).await, in_as_meera());
    let new = ProviderIdentity {
        verified_email: Some("v@example.com".to_owned()),
        ..identity("v", Some(Role::Viewer))
    };
    admit(&empty, &new).await;
    let set = UserChange::SetRole { email: "v@example.com".to_owned(), role: Role::Operator };
    empty.store.change_users(set, &actor(), at(0)).await.unwrap();
    admit(&empty, &new).await;
    let users = empty.store.users().await.unwrap();
    let user = users.iter().find(|user| user.email == "v@example.com").unwrap();
    assert_eq!((user.role, user.by_provider), (Role::Operator, false));
}

async fn who_has_no_role_is_out(empty: Empty) {
    add(&empty, "asha@example.com", Role::Administrator).await;
    assert_eq!(admit(&empty, &identity("m", None)).await, Admission::NoRole);
    assert!(meera(&empty).await.is_none());
    admit(&empty, &identity("m", Some(Role::Viewer))).await;
    let session = NewSession {
        hash: TokenHash::of("session"),
        agent: "a browser".to_owned(),
        browser: None,
        is_confirmed: false,
        needs_code: false,
        replaces: None,
    };
    assert!(empty.store.begin_session(EMAIL, session, at(0)).await.unwrap());
    let session = empty.store.use_session(TokenHash::of("session"), at(1)).await.unwrap().unwrap();
    assert!(!session.is_confirmed(at(1)), "the provider did not ask anew");
    assert_eq!(admit(&empty, &identity("m", None)).await, Admission::NoRole);
    assert!(empty.store.use_session(TokenHash::of("session"), at(1)).await.unwrap().is_none());
}

async fn the_last_administrator_stays_one(empty: Empty) {
    admit(&empty, &identity("m", Some(Role::Administrator))).await;
    let refused = empty.store.admit_identity(&identity("m", Some(Role::Viewer)), at(0)).await;
    assert!(matches!(&refused, Err(Error::Refused(why)) if why.contains("last administrator")));
    assert_eq!(meera(&empty).await.unwrap().role, Role::Administrator);
}
