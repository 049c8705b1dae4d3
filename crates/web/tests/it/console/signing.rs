//! Attacks on signing in, and what signing in takes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use plan::permission::Role;
use totp_rs::{Builder, Secret};

use super::{Browser, location};
use crate::harness::{OTHER_PASSWORD, PASSWORD, now};
use crate::wire::{Answer, Wire};

const OPS: &str = "ops@example.com";
const ADMIN: &str = "admin@example.com";
const WRONG: &str = "not the password at all";

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A form as somebody elsewhere sends it, through our proxy.
fn from(address: &str, path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: leadsync.example\r\nOrigin: https://leadsync.example\r\n\
         X-Forwarded-For: {address}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn sent(browser: &Browser, request: String) -> Answer {
    let mut wire = browser.house.wire().await;
    wire.send(request).await;
    wire.answer().await.expect("an answer")
}

/// Signs in from this address, with these cookies.
async fn sign_in_from(browser: &Browser, address: &str, cookies: &str, password: &str) -> Answer {
    let body = form(&[("email", OPS), ("password", password)]);
    let request = from(address, "/sign-in", &body);
    sent(browser, request.replacen("\r\n\r\n", &format!("\r\nCookie: {cookies}\r\n\r\n"), 1)).await
}

/// The cookies that an answer sets.
fn cookies(answer: &Answer) -> String {
    let set = answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    let cookies = set.map(|set| set.split(';').next().unwrap().replace("__host-", "__Host-"));
    cookies.collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn of_120_parallel_guesses_few_are_checked() {
    let mut browser = Browser::open().await;
    browser.add(OPS, Role::Operator).await;
    let signed_in = sign_in_from(&browser, "1.2.3.4", "", PASSWORD).await;
    let known = cookies(&signed_in);
    assert!(known.contains("leadsync_browser="), "{signed_in:?}");
    let address = browser.house.address;
    let guess = |n: u32| async move {
        let body = form(&[("email", OPS), ("password", &format!("guess number {n}"))]);
        let mut wire = Wire::open(address).await;
        // Each from another address, so that only the user is the same.
        wire.send(from(&format!("10.0.{}.{}", n / 250, n % 250), "/sign-in", &body)).await;
        wire.answer().await.expect("an answer").status
    };
    let guesses: Vec<_> = (0..120).map(|n| tokio::spawn(guess(n))).collect();
    let mut checked = 0;
    for guess in guesses {
        let status = guess.await.unwrap();
        assert!([401, 429].contains(&status), "{status}");
        checked += usize::from(status == 401);
    }
    assert_eq!(checked, 5);
    // The owner still gets in, with a browser that is known, and nobody else does.
    let unknown = sign_in_from(&browser, "1.2.3.4", "", PASSWORD).await;
    assert_eq!(unknown.status, 429, "{unknown:?}");
    let browser_only = known.split("; ").find(|one| one.contains("browser")).unwrap();
    let owner = sign_in_from(&browser, "1.2.3.4", browser_only, PASSWORD).await;
    assert_eq!(owner.status, 303, "{owner:?}");
    // A known browser has no more guesses than others.
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(sign_in_from(&browser, "1.2.3.4", browser_only, WRONG).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    // It is known for its own user alone.
    browser.add(ADMIN, Role::Administrator).await;
    browser.cookie = browser_only.to_owned();
    let other = browser.post("/sign-in", &[("email", ADMIN), ("password", WRONG)]).await;
    assert_eq!(other.status, 401);
    browser.house.end().await;
}

#[tokio::test]
async fn one_source_can_t_try_many_users() {
    let browser = Browser::open().await;
    let add = Browser { house: browser.house, cookie: String::new() };
    add.add(OPS, Role::Operator).await;
    let guess = async |address: &str, n: u32| {
        let body = form(&[("email", &format!("user{n}@example.com")), ("password", WRONG)]);
        sent(&add, from(address, "/sign-in", &body)).await.status
    };
    for n in 0..20 {
        assert_eq!(guess("6.6.6.6", n).await, 401, "{n}");
    }
    assert_eq!(guess("6.6.6.6", 21).await, 429);
    // What the attacker writes before the proxy's own entry changes nothing.
    assert_eq!(guess("7.7.7.7, 6.6.6.6", 22).await, 429);
    assert_eq!(guess("7.7.7.7", 23).await, 401, "others are not slowed down");
    // The same for links, whose number for others' mailboxes is limited too.
    let ask = async |address: &str, n: u32| {
        let body = form(&[("email", &format!("user{n}@example.com"))]);
        sent(&add, from(address, "/sign-in/link", &body)).await.status
    };
    for n in 0..20 {
        assert_eq!(ask("6.6.6.6", n).await, 200, "{n}");
    }
    assert_eq!(ask("6.6.6.6", 21).await, 429);
    assert_eq!(ask("7.7.7.7", 21).await, 200);
    add.house.end().await;
}

#[tokio::test]
async fn other_hosts_are_refused() {
    let browser = Browser::open().await;
    let get = async |path: &str, host: &str| {
        sent(&browser, format!("GET {path} HTTP/1.1\r\n{host}\r\n")).await
    };
    for host in [
        "Host: evil.example\r\n",
        "Host: evil.example:8080\r\n",
        "Host: leadsync.example.evil.example\r\n",
        "Host: leadsync.example\r\nHost: evil.example\r\n",
        "Host: \r\n",
        "",
    ] {
        for path in ["/start", "/sign-in", "/api/v1/users", "/console.js"] {
            let answer = get(path, host).await;
            assert!([400, 421].contains(&answer.status), "{host:?} {path}: {answer:?}");
            if answer.status == 421 {
                assert!(answer.body.contains("LEADSYNC_PUBLIC_URL"), "{answer:?}");
            }
        }
        let health = get("/healthz", host).await.status;
        assert!([200, 400].contains(&health), "{health}");
    }
    assert_eq!(get("/healthz", "Host: 10.1.2.3\r\n").await.status, 200);
    assert_eq!(get("/metrics", "Host: 10.1.2.3\r\n").await.status, 200);
    assert_eq!(get(&browser.house.hook, "Host: hooks.example\r\n").await.status, 200);
    assert_eq!(get("https://evil.example/start", "Host: leadsync.example\r\n").await.status, 421);
    for host in
        ["LeadSync.example", "leadsync.example:443", "localhost:8080", "127.0.0.1", "[::1]:1"]
    {
        assert_eq!(get("/start", &format!("Host: {host}\r\n")).await.status, 200, "{host}");
    }
    browser.house.end().await;
}

#[tokio::test]
async fn changes_of_people_and_accounts_need_the_password_again() {
    let mut browser = Browser::signed_in().await;
    let csrf = browser.csrf().await;
    browser.house.later.store(601, Ordering::SeqCst);
    let invite = [("invite_email", "new@example.com"), ("role", "viewer"), ("csrf", &csrf)];
    for path in [
        "/accounts",
        "/accounts/a",
        "/accounts/a/remove",
        "/connectors/ab/remove",
        "/alerts/1/remove",
        "/people/users",
        "/people/users/role",
        "/people/users/password",
        "/people/users/remove",
        "/people/users/second-factor/off",
        "/people/invites",
        "/people/invites/remove",
        "/people/tokens",
        "/people/tokens/remove",
        "/account/second-factor/set-up",
        "/account/second-factor",
        "/account/second-factor/off",
    ] {
        let asked = browser.post(path, &invite).await;
        assert!(asked.body.contains("Enter your password again"), "{path}: {asked:?}");
        assert!(asked.body.contains(&format!("action=\"{path}\"")), "{path}: {asked:?}");
        assert!(asked.body.contains("value=\"new@example.com\""), "what was typed is kept");
    }
    // Neither a wrong password nor a form of another site gets further.
    let again = |password: &'static str| [&invite[..], &[("confirm_password", password)]].concat();
    let wrong = browser.post("/people/invites", &again(WRONG)).await;
    assert!(wrong.status == 401 && wrong.body.contains("The password is wrong"), "{wrong:?}");
    let other = browser.post("/people/invites", &[("confirm_password", PASSWORD)]).await;
    assert_eq!(other.status, 403, "without the session's token: {other:?}");
    let head = format!("X-CSRF-Token: {csrf}\r\nContent-Type: application/json\r\n");
    let body = r#"{"email":"x@example.com","role":"viewer"}"#;
    let by_api = browser.send("POST", "/api/v1/invites", &head, body).await;
    assert!(by_api.status == 403 && by_api.body.contains("not_confirmed"), "{by_api:?}");
    assert_eq!(browser.house.store.invites(now()).await.unwrap(), []);

    let done = browser.post("/people/invites", &again(PASSWORD)).await;
    assert_eq!(done.status, 201, "{done:?}");
    assert!(!done.body.contains(PASSWORD));
    // For ten minutes it is not asked again.
    browser.house.later.store(1_200, Ordering::SeqCst);
    let done = browser.post("/people/invites", &invite).await;
    assert_eq!(done.status, 201, "{done:?}");
    let by_api = browser.send("POST", "/api/v1/invites", &head, body).await;
    assert_eq!(by_api.status, 201, "{by_api:?}");
    browser.house.later.store(1_202, Ordering::SeqCst);
    let asked = browser.post("/people/invites", &invite).await;
    assert!(asked.body.contains("Enter your password again"), "{asked:?}");
    // Whoever has only the session can't guess on.
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(browser.post("/people/invites", &again(WRONG)).await.status);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    browser.house.end().await;
}

#[tokio::test]
async fn an_invited_person_chooses_a_password_once() {
    let mut browser = Browser::signed_in().await;
    let fields = [("invite_email", "New@example.com"), ("role", "viewer")];
    let link = async |browser: &mut Browser| {
        let page = browser.submit("/people/invites", &fields).await;
        assert_eq!(page.status, 201, "{page:?}");
        let (_, rest) = page.body.split_once("https://leadsync.example/invite/").expect("a link");
        format!("/invite/{}", rest.split('"').next().unwrap())
    };
    let first = link(&mut browser).await;
    let second = link(&mut browser).await;
    let page = browser.get("/people").await.body;
    assert!(page.contains("new@example.com") && !page.contains("/invite/"), "shown once: {page}");
    let admin = std::mem::take(&mut browser.cookie);
    assert_eq!(browser.get(&first).await.status, 410, "a new invite replaces the one before");
    let page = browser.get(&second).await;
    assert!(page.status == 200 && page.body.contains("new@example.com"), "{page:?}");
    let weak = browser.post(&second, &[("password", "password12345")]).await;
    assert!(weak.status == 400 && weak.body.contains("easy to guess"), "{weak:?}");
    let done = browser.post(&second, &[("password", OTHER_PASSWORD)]).await;
    assert_eq!(location(&done), Some("/"), "{done:?}");
    assert_eq!(browser.get("/requests").await.status, 200);
    assert_eq!(browser.get("/people").await.status, 403, "a viewer");
    browser.cookie.clear();
    assert_eq!(browser.post(&second, &[("password", PASSWORD)]).await.status, 410);
    browser.cookie = admin;
    let known = browser.submit("/people/invites", &fields).await;
    assert!(known.status == 409 && known.body.contains("already exists"), "{known:?}");

    // By the API, removed, and expired.
    let csrf = browser.csrf().await;
    let head = format!("X-CSRF-Token: {csrf}\r\nContent-Type: application/json\r\n");
    let invite = async |browser: &mut Browser, email: &str| {
        let body = format!("{{\"email\":\"{email}\",\"role\":\"operator\"}}");
        let told = browser.send("POST", "/api/v1/invites", &head, &body).await;
        assert_eq!(told.status, 201, "{told:?}");
        let (_, rest) = told.body.split_once("https://leadsync.example").expect("a link");
        rest.split('"').next().unwrap().to_owned()
    };
    let removed = invite(&mut browser, "gone@example.com").await;
    let list = browser.get("/api/v1/invites").await.body;
    assert!(list.contains("gone@example.com") && !list.contains("/invite/"), "{list}");
    let path = "/api/v1/invites/gone%40example.com";
    assert_eq!(browser.send("DELETE", path, &head, "").await.status, 204);
    assert_eq!(browser.send("DELETE", path, &head, "").await.status, 404);
    let late = invite(&mut browser, "late@example.com").await;
    browser.cookie.clear();
    assert_eq!(browser.get(&removed).await.status, 410);
    assert_eq!(browser.get(&late).await.status, 200);
    browser.house.later.store(3 * 24 * 3_600, Ordering::SeqCst);
    assert_eq!(browser.get(&late).await.status, 410);
    assert_eq!(browser.post(&late, &[("password", OTHER_PASSWORD)]).await.status, 410);
    browser.house.end().await;
}

/// The code that an app with this key shows, so many seconds after the beginning.
fn code(key: &str, seconds: i64) -> String {
    let secret = Secret::try_from_base32(key.replace(' ', "")).unwrap();
    let app = Builder::new().with_secret(secret).build().unwrap();
    app.generate((now().as_second() + seconds).try_into().unwrap()).to_string()
}

#[tokio::test]
async fn a_second_factor_takes_each_code_once() {
    let mut browser = Browser::signed_in().await;
    let later = Arc::clone(&browser.house.later);
    let set_up = browser.submit("/account/second-factor/set-up", &[]).await;
    let (_, rest) = set_up.body.split_once("id=\"key\" readonly value=\"").expect("a key");
    let key = rest.split('"').next().unwrap().to_owned();
    assert!(set_up.body.contains("otpauth://totp/leadsync:admin"), "{set_up:?}");
    assert!(set_up.body.contains("<path d=\"M4 4h7v1h-7z"), "a QR code: {set_up:?}");
    let wrong = browser.submit("/account/second-factor", &[("code", "000000")]).await;
    assert!(wrong.status == 400 && wrong.body.contains(&key), "the key stays: {wrong:?}");
    let on = browser.submit("/account/second-factor", &[("code", &code(&key, 0))]).await;
    assert_eq!(on.status, 201, "{on:?}");
    let codes: Vec<String> =
        on.body.split("<code>").skip(1).map(|rest| rest[..23].to_owned()).collect();
    assert_eq!(codes.len(), 10, "{on:?}");
    assert!(browser.get("/people").await.body.contains("Turn off the second factor of"));
    browser.cookie.clear();

    // The password alone leads to the page for the code and nowhere else.
    let fields = [("email", ADMIN), ("password", PASSWORD), ("next", "/audit")];
    let half = browser.post("/sign-in", &fields).await;
    assert_eq!(location(&half), Some("/sign-in/code?next=%2faudit"), "{half:?}");
    assert_eq!(browser.get("/audit").await.status, 303);
    assert_eq!(browser.get("/api/v1/users").await.status, 401);
    assert_eq!(browser.get("/sign-in/code").await.status, 200);
    let try_code = async |browser: &mut Browser, code: &str| {
        browser.post("/sign-in/code", &[("code", code), ("next", "/audit")]).await
    };
    let used = try_code(&mut browser, &code(&key, 0)).await;
    assert!(used.status == 401 && used.body.contains("already used"), "{used:?}");
    later.store(30, Ordering::SeqCst);
    let old = try_code(&mut browser, &code(&key, 0)).await;
    assert_eq!(old.status, 401, "used when it was turned on");
    let half = browser.cookie.clone();
    let right = try_code(&mut browser, &code(&key, 30)).await;
    assert_eq!(location(&right), Some("/audit"), "{right:?}");
    assert_eq!(browser.get("/audit").await.status, 200);
    assert!(!browser.get("/audit").await.body.contains(&codes[0]));
    // Neither the code nor the half session works again.
    browser.cookie = half;
    let replayed = try_code(&mut browser, &code(&key, 30)).await;
    assert_eq!(location(&replayed), Some("/sign-in?next=%2faudit"), "{replayed:?}");
    browser.cookie.clear();
    browser.post("/sign-in", &fields).await;
    assert_eq!(try_code(&mut browser, &code(&key, 30)).await.status, 401, "used");

    // A recovery code works once, however it is typed.
    let typed = codes[3].replace('-', " ").to_uppercase();
    assert_eq!(try_code(&mut browser, &typed).await.status, 303);
    assert!(browser.get("/account").await.body.contains("Recovery codes left: 9"));
    browser.cookie.clear();
    browser.post("/sign-in", &fields).await;
    assert_eq!(try_code(&mut browser, &codes[3]).await.status, 401);
    // Guessing codes is slowed down, and late ones don't count.
    let mut last = 0;
    for n in 0..6 {
        last = try_code(&mut browser, &format!("{n:06}")).await.status;
    }
    assert_eq!(last, 429);
    later.store(30 + 601, Ordering::SeqCst);
    let late = try_code(&mut browser, &code(&key, 631)).await;
    assert_eq!(location(&late), Some("/sign-in?next=%2faudit"), "{late:?}");
    browser.post("/sign-in", &fields).await;
    assert_eq!(try_code(&mut browser, &code(&key, 631)).await.status, 303);

    // It is turned off with the password, as said above for all such forms.
    let off = browser.submit("/account/second-factor/off", &[]).await;
    assert_eq!(location(&off), Some("/account?told=second_factor_off"), "{off:?}");
    browser.cookie.clear();
    let whole = browser.post("/sign-in", &fields).await;
    assert_eq!(location(&whole), Some("/audit"), "{whole:?}");
    browser.house.end().await;
}
