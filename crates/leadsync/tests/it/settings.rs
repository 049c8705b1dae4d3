//! Precedence: flags, then the environment, then `leadsync.toml`, then defaults.

use store::Base;

use crate::rig::Program;

fn url(program: &Program, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut all = vec!["connector", "url", "sales-to-patients"];
    all.extend(arguments);
    program.run_with(&all, variables).succeeded().out
}

#[test]
fn the_nearer_setting_wins() {
    let program = Program::with_pair();
    let environment = [("LEADSYNC_PUBLIC_URL", "https://environment.example")];
    let flag = ["--public-url", "https://flag.example/"];
    assert!(url(&program, &[], &[]).contains("http://127.0.0.1:8080/hooks/"));
    program.write("leadsync.toml", "public_url = \"https://file.example\"\n");
    assert!(url(&program, &[], &[]).contains("https://file.example/hooks/"));
    assert!(url(&program, &[], &environment).contains("https://environment.example/hooks/"));
    assert!(url(&program, &flag, &environment).contains("https://flag.example/hooks/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_url_is_that_of_the_service() {
    let program = Program::with_pair();
    let arguments = ["connector", "url", "sales-to-patients"];
    let ran = program.run(&arguments);
    assert!(ran.err.contains("warning") && ran.err.contains("LEADSYNC_PUBLIC_URL"), "{ran:?}");
    // The service was started with a setting that this command does not have.
    let path = program.path().join("leadsync.db");
    let url = format!("sqlite://{}", path.display());
    let store = store::open(&url, store::Open::default()).await.expect("it opens");
    store.note_base_url(Base::Links, "https://sync.example").await.expect("it is noted");
    store.close().await.expect("it closes");
    let ran = program.run(&arguments);
    assert!(ran.out.starts_with("https://sync.example/hooks/") && ran.err.is_empty(), "{ran:?}");
    let ran = program.run_with(&arguments, &[("LEADSYNC_PUBLIC_URL", "https://other.example")]);
    assert!(ran.out.starts_with("https://other.example/hooks/"), "{ran:?}");
    assert!(ran.err.contains("https://sync.example"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_urls_can_begin_otherwise_than_links() {
    let program = Program::with_pair();
    let public = ("LEADSYNC_PUBLIC_URL", "https://console.example");
    let hooks = ("LEADSYNC_HOOKS_URL", "https://hooks.example/");
    assert!(url(&program, &[], &[public, hooks]).starts_with("https://hooks.example/hooks/"));
    assert!(url(&program, &[], &[public]).starts_with("https://console.example/hooks/"));
    let path = program.path().join("leadsync.db");
    let database = format!("sqlite://{}", path.display());
    let store = store::open(&database, store::Open::default()).await.expect("it opens");
    for (base, noted) in
        [(Base::Links, "https://links.example"), (Base::Webhooks, "https://in.example")]
    {
        store.note_base_url(base, noted).await.expect("it is noted");
    }
    store.close().await.expect("it closes");
    assert!(url(&program, &[], &[]).starts_with("https://in.example/hooks/"));
    program
        .run_with(&["serve"], &[("LEADSYNC_HOOKS_LISTEN", "127.0.0.1:99999")])
        .failed(2, &["--hooks-listen"]);
}

#[test]
fn bad_settings_of_the_provider_are_refused_at_the_start() {
    let program = Program::with_pair();
    let serve = |variables: &[(&str, &str)]| program.run_with(&["serve"], variables);
    let issuer = ("LEADSYNC_OIDC_ISSUER", "https://login.example.com");
    let client = ("LEADSYNC_OIDC_CLIENT_ID", "leadsync");
    serve(&[issuer]).failed(1, &["LEADSYNC_OIDC_CLIENT_ID"]);
    serve(&[client]).failed(1, &["LEADSYNC_OIDC_ISSUER"]);
    serve(&[("LEADSYNC_OIDC_ISSUER", "http://login.example.com"), client])
        .failed(1, &["LEADSYNC_OIDC_ISSUER", "https://"]);
    let secret = ("LEADSYNC_OIDC_CLIENT_SECRET_FILE", "/nowhere/secret");
    serve(&[issuer, client, secret]).failed(1, &["/nowhere/secret", "can't be read"]);
    program
        .write("leadsync.toml", "[oidc]\nissuer = \"https://login.example.com\"\nclient = \"x\"\n");
    serve(&[]).failed(1, &["leadsync.toml", "client_id"]);
}

#[test]
fn bad_mail_settings_are_refused_at_the_start() {
    let program = Program::with_pair();
    let serve = |variables: &[(&str, &str)]| program.run_with(&["serve"], variables);
    serve(&[("LEADSYNC_SMTP_URL", "smtp://u:hidden@localhost")])
        .failed(1, &["LEADSYNC_SMTP_URL", "LEADSYNC_MAIL_FROM"]);
    let from = ("LEADSYNC_MAIL_FROM", "sync@example.com");
    let ran = serve(&[("LEADSYNC_SMTP_URL", "mail.example.com:587/hidden"), from]);
    assert!(!ran.err.contains("hidden"), "{ran:?}");
    ran.failed(1, &["has no host", "LEADSYNC_SMTP_URL"]);
}

#[test]
fn an_unknown_key_is_named_with_the_known_ones() {
    let program = Program::new();
    program.write("leadsync.toml", "listen = \"127.0.0.1:0\"\npublic_uri = \"x\"\n");
    program
        .run(&["connector", "list"])
        .failed(1, &["leadsync.toml", "public_uri", "public_url", "database_url"]);
}
