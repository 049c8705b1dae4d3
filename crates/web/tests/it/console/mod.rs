//! The console: signing in, and who may see what.

mod alerts;
mod backfill;
mod failures;
mod log;
mod mapping;
mod overview;
mod pairing;
mod people;
mod probing;
mod reviews;
mod setup;
mod signing;
mod silence;

use plan::permission::Role;
use secrecy::SecretString;
use store::{Actor, UserChange};

use crate::harness::{House, PASSWORD, now, start};
use crate::wire::Answer;

/// A browser at the console.
pub struct Browser {
    pub house: House,
    pub cookie: String,
}

impl Browser {
    pub async fn open() -> Self {
        Self { house: start(web::Limits::default()).await, cookie: String::new() }
    }

    /// With an administrator, who is signed in.
    async fn signed_in() -> Self {
        let mut browser = Self::open().await;
        browser.add("admin@example.com", Role::Administrator).await;
        browser.sign_in("admin@example.com").await;
        browser
    }

    pub async fn add(&self, email: &str, role: Role) {
        let password = admin::password::hash(SecretString::from(PASSWORD)).await.unwrap();
        let change = UserChange::Add { email: email.to_owned(), role, password };
        self.house.store.change_users(change, &Actor::command_line(), now()).await.unwrap();
    }

    pub async fn sign_in(&mut self, email: &str) {
        let answer = self.post("/sign-in", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!((answer.status, location(&answer)), (303, Some("/")), "{answer:?}");
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "", "").await
    }

    /// From a page of our own.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, "Origin: https://leadsync.example\r\n", fields).await
    }

    async fn post_with(&mut self, path: &str, head: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = form_urlencoded::Serializer::new(String::new());
        let body = body.extend_pairs(fields).finish();
        self.send("POST", path, head, &body).await
    }

    async fn send(&mut self, method: &str, path: &str, head: &str, body: &str) -> Answer {
        let answer = self.send_keeping(method, path, head, body).await;
        if let Some(set) = header(&answer, "set-cookie") {
            // The wire's heads are in small letters.
            self.cookie = set.split(';').next().unwrap().replace("__host-", "__Host-");
        }
        answer
    }

    /// Whatever cookie comes back, the one that there is stays.
    pub async fn send_keeping(
        &mut self,
        method: &str,
        path: &str,
        head: &str,
        body: &str,
    ) -> Answer {
        let mut wire = self.house.wire().await;
        let (cookie, length) = (&self.cookie, body.len());
        wire.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: leadsync.example\r\nCookie: {cookie}\r\n{head}\
             Content-Length: {length}\r\n\r\n{body}"
        ))
        .await;
        wire.answer().await.expect("an answer")
    }

    /// Asks for a link; the path of the one that is mailed, if one is.
    pub async fn ask_for_link(&mut self, email: &str) -> Option<String> {
        let asked = self.post("/sign-in/link", &[("email", email)]).await;
        assert_eq!(asked.status, 200, "{asked:?}");
        // Whether one comes must not be told by the answer, so it comes later.
        for _ in 0..100 {
            let hours = |hours| now() + jiff::SignedDuration::from_hours(hours);
            let claimed = self.house.store.claim_mail(hours(1), hours(2)).await.unwrap();
            // Those to others are of before.
            if let Some(claimed) = claimed.filter(|claimed| claimed.mail.recipient == email) {
                let (_, rest) = claimed.mail.body.split_once("https://leadsync.example").unwrap();
                return rest.split_whitespace().next().map(str::to_owned);
            }
            if self.house.accounts.asked() == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        None
    }

    /// Signs a user of an account in.
    pub async fn sign_in_by_link(&mut self, email: &str) {
        let link = self.ask_for_link(email).await.expect("a link");
        let page = self.get(&link).await;
        assert!(page.status == 200 && page.body.contains(email), "{page:?}");
        let answer = self.post(&link, &[]).await;
        assert_eq!((answer.status, location(&answer)), (303, Some("/")), "{answer:?}");
    }

    /// Sends a form of this session.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf().await;
        let fields: Vec<_> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
        self.post(path, &fields).await
    }

    /// What the forms of this session carry.
    pub async fn csrf(&mut self) -> String {
        let page = self.get("/account").await.body;
        let (_, rest) =
            page.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("no form: {page}"));
        rest.split_once('"').unwrap().0.to_owned()
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Whether a page has a script or a style of its own.
fn has_inline_code(page: &str) -> bool {
    let mut scripts = page.split("<script").skip(1);
    scripts.any(|script| !script.starts_with(" src=\"/")) || page.contains("style=")
}

pub fn location(answer: &Answer) -> Option<&str> {
    header(answer, "location")
}

#[tokio::test]
async fn at_first_only_an_administrator_can_be_made() {
    let mut browser = Browser::open().await;
    for path in ["/", "/sign-in", "/account"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, location(&answer)), (303, Some("/start")), "{path}");
    }
    assert_eq!(browser.get("/start").await.status, 200);
    let code = browser.house.store.first_start_code().await.unwrap().expect("nobody is there");
    assert_eq!(browser.house.store.first_start_code().await.unwrap().as_ref(), Some(&code));
    let first = |password| {
        [("email", "admin@example.com"), ("password", password), ("code", code.as_str())]
    };
    for code in ["", "aaaa-aaaa-aaaa"] {
        let fields = [("email", "evil@example.com"), ("password", PASSWORD), ("code", code)];
        let stranger = browser.post("/start", &fields).await;
        assert!(stranger.status == 400 && stranger.body.contains("in the log"), "{stranger:?}");
    }
    assert_eq!(browser.house.store.users().await.unwrap(), []);
    let weak = browser.post("/start", &first("short")).await;
    assert!(weak.status == 400 && weak.body.contains("12 characters"), "{weak:?}");
    let made = browser.post("/start", &first(PASSWORD)).await;
    assert_eq!((made.status, location(&made)), (303, Some("/")), "{made:?}");
    let cookie = header(&made, "set-cookie").expect("a cookie");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Secure"] {
        assert!(cookie.to_lowercase().contains(&part.to_lowercase()), "{part}: {cookie}");
    }
    let home = browser.get("/connectors").await;
    assert!(home.status == 200 && home.body.contains("admin@example.com"), "{home:?}");
    // From now on nobody else can.
    let mut other = Browser { house: browser.house, cookie: String::new() };
    let late = other.post("/start", &[("email", "b@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(location(&late), Some("/sign-in?next=%2f"), "{late:?}");
    assert_eq!(other.house.store.users().await.unwrap().len(), 1);
    assert_eq!(other.house.store.first_start_code().await.unwrap(), None);
    other.house.end().await;
}

#[tokio::test]
async fn pages_are_shown_to_those_who_are_signed_in() {
    let mut browser = Browser::signed_in().await;
    let signed_in = std::mem::take(&mut browser.cookie);
    for path in ["/", "/account"] {
        let session = "__Host-leadsync_session=";
        let unknown = format!("{session}0123456789abcdef");
        // Another site of the same domain can set this one, so it counts for nothing.
        let weaker = signed_in.replace("__Host-", "");
        for cookie in ["", session, &unknown, &weaker, "x=y"] {
            cookie.clone_into(&mut browser.cookie);
            let answer = browser.get(path).await;
            let next = path.replace('/', "%2f");
            assert_eq!(answer.status, 303, "{path} with {cookie}");
            assert_eq!(location(&answer), Some(format!("/sign-in?next={next}").as_str()));
        }
    }
    browser.cookie = signed_in;
    let page = browser.get("/connectors").await;
    assert_eq!(page.status, 200);
    let policy = header(&page, "content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(header(&page, "cache-control"), Some("no-store"));
    assert_eq!(header(&page, "x-content-type-options"), Some("nosniff"));
    assert!(!has_inline_code(&page.body), "{}", page.body);
    let style = browser.get("/console.css").await;
    assert_eq!(header(&style, "content-type"), Some("text/css; charset=utf-8"));
    browser.house.end().await;
}

#[tokio::test]
async fn who_signs_in_comes_back_to_the_page_and_to_no_other_site() {
    let mut browser = Browser::open().await;
    browser.add("ops@example.com", Role::Operator).await;
    for (next, to) in [
        ("/account", "/account"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("", "/"),
    ] {
        let fields = [("email", " OPS@example.com"), ("password", PASSWORD), ("next", next)];
        browser.cookie.clear();
        let answer = browser.post("/sign-in", &fields).await;
        assert_eq!((answer.status, location(&answer)), (303, Some(to)), "{next}");
    }
    let again = browser.get("/sign-in").await;
    assert_eq!(location(&again), Some("/"), "signed in already");
    browser.house.end().await;
}

#[tokio::test]
async fn wrong_passwords_and_unknown_people_look_the_same_and_get_slower() {
    let mut browser = Browser::open().await;
    browser.add("ops@example.com", Role::Operator).await;
    let attempt = [("email", "ops@example.com"), ("password", "another long password")];
    let mut pages = Vec::new();
    for email in ["ops@example.com", "nobody@example.com"] {
        let answer = browser.post("/sign-in", &[("email", email), attempt[1]]).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(!answer.body.contains("another long password"));
        pages.push(answer.body.replace(email, "WHO"));
    }
    assert_eq!(pages[0], pages[1], "nothing tells who is known");
    for _ in 0..4 {
        browser.post("/sign-in", &attempt).await;
    }
    let slowed = browser.post("/sign-in", &attempt).await;
    assert!(slowed.status == 429 && slowed.body.contains("before the next attempt"), "{slowed:?}");
    let right = [("email", "ops@example.com"), ("password", PASSWORD)];
    assert_eq!(browser.post("/sign-in", &right).await.status, 429, "the right one waits too");
    assert_eq!(browser.cookie, "");
    browser.house.end().await;
}

#[tokio::test]
async fn forms_of_other_sites_and_other_sessions_are_refused() {
    let mut browser = Browser::signed_in().await;
    let csrf = browser.csrf().await;
    let mine = [("csrf", csrf.as_str())];
    for head in [
        "",
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\nOrigin: https://leadsync.example\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        let answer = browser.post_with("/sign-out", head, &mine).await;
        assert_eq!(answer.status, 403, "{head:?}");
    }
    for fields in [&[][..], &[("csrf", "")], &[("csrf", "0123")]] {
        let answer = browser.post("/sign-out", fields).await;
        assert_eq!(answer.status, 403, "{fields:?}");
    }
    assert_eq!(browser.get("/connectors").await.status, 200, "still signed in");
    let cookie = browser.cookie.clone();
    let out = browser.post_with("/sign-out", "Sec-Fetch-Site: same-origin\r\n", &mine).await;
    assert_eq!(location(&out), Some("/sign-in"));
    browser.cookie = cookie;
    assert_eq!(
        browser.get("/connectors").await.status,
        303,
        "the cookie is worth nothing any more"
    );
    browser.house.end().await;
}

#[tokio::test]
async fn sessions_are_shown_and_ended() {
    let mut browser = Browser::signed_in().await;
    let first = std::mem::take(&mut browser.cookie);
    let agent = "<script>alert(1)</script>\u{202e}";
    let head = format!("Origin: https://leadsync.example\r\nUser-Agent: {agent}\r\n");
    let fields = [("email", "admin@example.com"), ("password", PASSWORD)];
    browser.post_with("/sign-in", &head, &fields).await;
    let page = browser.get("/account").await.body;
    assert!(!page.contains("<script>alert"), "{page}");
    let csrf = browser.csrf().await;
    let ended = browser.post("/account/sessions/end-others", &[("csrf", csrf.as_str())]).await;
    assert_eq!(location(&ended), Some("/account"));
    let second = std::mem::replace(&mut browser.cookie, first);
    assert_eq!(browser.get("/connectors").await.status, 303);
    browser.cookie = second;
    assert_eq!(browser.get("/connectors").await.status, 200);
    browser.house.end().await;
}

#[tokio::test]
async fn the_api_takes_a_session_that_may() {
    let mut browser = Browser::open().await;
    browser.add("ops@example.com", Role::Operator).await;
    browser.sign_in("ops@example.com").await;
    assert_eq!(browser.get("/api/v1/connectors").await.status, 200);
    assert_eq!(browser.get("/api/v1/users").await.status, 403, "an operator may not");
    let enable = "/api/v1/connectors/ab/enable";
    let without = browser.send("POST", enable, "Origin: https://leadsync.example\r\n", "").await;
    assert!(without.status == 403 && without.body.contains("no_csrf_token"), "{without:?}");
    let csrf = browser.csrf().await;
    let head = format!("X-CSRF-Token: {csrf}\r\n");
    assert_eq!(browser.send("POST", enable, &head, "").await.status, 200);
    let (audit, _) =
        browser.house.store.audit(&store::AuditFilter::default(), 1, None).await.unwrap();
    assert_eq!(audit[0].actor, "ops@example.com", "{audit:?}");
    browser.house.end().await;
}

#[tokio::test]
async fn an_address_that_nothing_has_leads_back_to_the_start() {
    let page = Browser::open().await.get("/nonsense").await;
    assert_eq!(page.status, 404);
    assert!(page.body.contains(r#"<a href="/">Go to Overview</a>"#), "{}", page.body);
    assert!(header(&page, "content-security-policy").is_some(), "it is protected as all are");
}
