//! Who may use which route: `docs/access.md` says it, the routers are made so, and each is asked.

use plan::access::AccountUser;
use plan::permission::Role;
use store::{Change, Token};

use crate::console::{Browser, location};
use crate::harness::connector;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/access.md");
const MARKS: (&str, &str) = ("<!-- routes -->\n", "<!-- end of routes -->");

fn split(text: &str) -> (&str, &str, &str) {
    let (before, rest) = text.split_once(MARKS.0).expect("the table's beginning");
    let (table, after) = rest.split_once(MARKS.1).expect("the table's end");
    (before, table, after)
}

/// `LEADSYNC_WRITE_DOCS=yes cargo test -p web --test it access` writes it.
#[test]
fn the_document_has_every_route() {
    let text = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, table, after) = split(&text);
    let right = web::access_table();
    if std::env::var_os("LEADSYNC_WRITE_DOCS").is_some() {
        let text = format!("{before}{}{right}{}{after}", MARKS.0, MARKS.1);
        std::fs::write(DOCUMENT, text).unwrap();
        return;
    }
    assert_eq!(table, right, "set LEADSYNC_WRITE_DOCS=yes to write the table anew");
}

/// A row of the table.
struct Route {
    method: String,
    path: String,
    /// For nobody, a LeadSquared user, a viewer, an operator, an administrator.
    may: [String; 5],
}

fn routes() -> Vec<Route> {
    let text = std::fs::read_to_string(DOCUMENT).unwrap();
    let (_, table, _) = split(&text);
    let mut routes = Vec::new();
    for line in table.lines().skip(2) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [methods, path, may @ ..] = cells.as_slice() else { panic!("{line}") };
        for method in methods.split(", ") {
            routes.push(Route {
                method: method.to_owned(),
                path: path.trim_matches('`').to_owned(),
                may: may
                    .iter()
                    .map(|cell| (*cell).to_owned())
                    .collect::<Vec<_>>()
                    .try_into()
                    .unwrap(),
            });
        }
    }
    assert!(routes.len() > 100, "{}", routes.len());
    routes
}

/// Sends to a route with this connector in its path; whether it was let in.
async fn is_let_in(browser: &mut Browser, route: &Route, connector: &str) -> bool {
    let path = route
        .path
        .replace("{name}", connector)
        .replace("{token}", browser.house.hook.trim_start_matches("/hooks/"))
        .replace("{email}", "nobody@example.com")
        .replace("{account}", "b")
        .replace("{lead}", "twin")
        .replace("{secret}", "none")
        .replace("{version}", "99")
        .replace("{code}", "201")
        .replace("{batch}", "99")
        .replace("{backfill}", "99")
        .replace("{cause}", "none")
        .replace("{review}", "99")
        .replace("{question}", "phone_match")
        .replace("{id}", if path_is_of_requests(&route.path) { "02XJ4W7Q1B000" } else { "99" });
    assert!(!path.contains('{'), "{path}");
    let head = match (route.method.as_str(), browser.cookie.is_empty()) {
        ("GET", _) => String::new(),
        (_, true) => "Origin: https://leadsync.example\r\n".to_owned(),
        // Forms carry it as a field; without it a page is reached all the same, and refuses.
        (_, false) => format!(
            "Origin: https://leadsync.example\r\nX-CSRF-Token: {}\r\n",
            browser.csrf().await
        ),
    };
    let answer = browser.send_keeping(&route.method, &path, &head, "").await;
    let to_sign_in = location(&answer).is_some_and(|to| to.starts_with("/sign-in?next="));
    // A wrong password is answered 401 too, by the page that is there to be told one.
    let refused = (answer.status == 401 && answer.body.contains("not_known"))
        || to_sign_in
        || (answer.status == 403
            && ["not_allowed", "Your role does not allow", "have access to this"]
                .iter()
                .any(|words| answer.body.contains(words)));
    !refused
}

fn path_is_of_requests(path: &str) -> bool {
    path.contains("/requests/")
}

#[tokio::test]
async fn every_route_lets_in_whom_the_document_says() {
    let mut browser = Browser::open().await;
    browser.add("admin@example.com", Role::Administrator).await;
    browser.add("ops@example.com", Role::Operator).await;
    browser.add("guest@example.com", Role::Viewer).await;
    // A connector to another account, which grants nothing.
    let other = match connector("ba", Token::from_random([8; 24])) {
        Change::PutConnector { mut definition, token, made_from } => {
            (definition.source, definition.destination) = ("b".to_owned(), "a".to_owned());
            Change::PutConnector { definition, token, made_from }
        }
        other => other,
    };
    let actor = store::Actor::command_line();
    browser
        .house
        .store
        .change_configuration(vec![other], &actor, crate::harness::now())
        .await
        .unwrap();
    let sam = AccountUser::new("Administrator", true, []);
    browser.house.accounts.say("b", "sam@example.com", Ok(Some(sam)));
    let mut cookies = [const { String::new() }; 5];
    browser.sign_in_by_link("sam@example.com").await;
    cookies[1] = std::mem::take(&mut browser.cookie);
    browser.sign_in("guest@example.com").await;
    cookies[2] = std::mem::take(&mut browser.cookie);
    browser.sign_in("ops@example.com").await;
    cookies[3] = std::mem::take(&mut browser.cookie);
    browser.sign_in("admin@example.com").await;
    cookies[4] = std::mem::take(&mut browser.cookie);
    for route in routes() {
        // Two would end the sessions that are asked with; the others are only there at first start, and
        // between the password and the code.
        let others = ["/sign-out", "/account/sessions/end-others", "/start", "/sign-in/code"];
        if others.contains(&route.path.as_str()) {
            continue;
        }
        for (who, cookie) in cookies.iter().enumerate() {
            cookie.clone_into(&mut browser.cookie);
            let may = route.may[who].as_str();
            let (method, path) = (&route.method, &route.path);
            // Administrators are asked for with what there is not: it must stay for the others.
            let connector = if who == 4 { "none" } else { "ab" };
            let granted = is_let_in(&mut browser, &route, connector).await;
            assert_eq!(granted, may != "no", "{method} {path} for number {who}: {may}");
            if may == "if granted" {
                let other = is_let_in(&mut browser, &route, "ba").await;
                assert!(!other, "{method} {path} of a connector that does not grant it");
            }
        }
    }
    browser.house.end().await;
}
