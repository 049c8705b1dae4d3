//! An account is asked what it is like: it is found out, and no test lead stays.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dispatch::probe::{Listening, Probe, WebhookPosts};
use jiff::Timestamp;
use plan::id::AccountId;
use plan::probe::{ADDRESSES, By, Finding, Post, QUESTIONS, Question};
use sandbox::{Fault, Plan, Quota, Sandbox, Settings, Switches, Trouble};
use secrecy::SecretString;
use store::{AccountPlan, Keys};
use tokio_util::sync::CancellationToken;

use crate::scene::{SOON, capture};

/// Switches that a probe does not show: what is posted of a removal or on a URL, whether `Current` is
/// of the time of sending (a race), the order of ties, the wrong region (which the refusal of its
/// keys names), and the quota (which calls show in passing).
const NOT_ASKED: [&str; 7] = [
    "current",
    "entity_query",
    "rate_limit_status",
    "removal_payload",
    "unstable_ties",
    "window",
    "wrong_region",
];

async fn account(switches: Switches, plan: Plan) -> (Sandbox, store::Account) {
    let mut settings = Settings::new("probed");
    (settings.switches, settings.plan) = (switches, plan);
    let account = Sandbox::start(settings).await.expect("an account on a free port");
    let secret = |text: &str| SecretString::from(text.to_owned());
    let known = store::Account {
        id: AccountId(1),
        name: "probed".into(),
        host: account.url(),
        keys: Keys { access: secret(account.access_key()), secret: secret(account.secret_key()) },
        plan: AccountPlan::Pro,
    };
    (account, known)
}

/// The question and the answer of a switch's position: `error_status=Status200`.
fn expected(position: &str) -> (String, String) {
    let (name, position) = position.split_once('=').expect("a name and a position");
    let name = if name == "unknown_owner_refused" { "unknown_owner" } else { name };
    let mut answer = String::new();
    for letter in position.trim_start_matches("Status").chars() {
        if letter.is_ascii_uppercase() && !answer.is_empty() {
            answer.push('_');
        }
        answer.push(letter.to_ascii_lowercase());
    }
    let answer = match (name, answer.as_str()) {
        ("unknown_owner", "off") => "stored",
        _ => &answer,
    };
    (name.to_owned(), answer.to_owned())
}

/// What an account's automations posted.
struct Posted<'a>(&'a Sandbox);

#[async_trait]
impl WebhookPosts for Posted<'_> {
    async fn naming(&self, lead: &str, since: Timestamp) -> Result<Vec<Post>, String> {
        self.0.idle().await;
        let news = self.0.deliveries().into_iter();
        let news = news.filter(|delivery| delivery.at >= since && delivery.payload.contains(lead));
        let post = |delivery: sandbox::Delivery| Post {
            received_at: delivery.at,
            body: delivery.payload.into_bytes(),
        };
        Ok(news.map(post).collect())
    }
}

#[expect(clippy::disallowed_methods, reason = "the test owns the clock")]
fn clock() -> Timestamp {
    Timestamp::now()
}

async fn probed(switches: Switches) -> (Sandbox, Vec<Finding>, Vec<String>) {
    let (sandbox, account) = account(switches, Plan::Unlimited).await;
    let stranger = [("EmailAddress", "asha@example.com"), ("Phone", "+91-9845098450")];
    sandbox.create_lead(&stranger).expect("a lead");
    capture(&sandbox);
    let posts = Posted(&sandbox);
    let probe = Probe::new(&account, Duration::ZERO).expect("a client").listening(Listening {
        posts: &posts,
        clock: Arc::new(clock),
        patience: SOON,
        settle: Duration::ZERO,
    });
    let mut findings = probe.read_only().await;
    let written = probe.write().await.expect("an account that answers");
    findings.extend(written.findings);
    drop(probe);
    (sandbox, findings, written.left)
}

fn seen(findings: &[Finding], name: &str) -> Option<&'static str> {
    findings.iter().find(|finding| finding.question == name).expect(name).seen
}

#[tokio::test(flavor = "multi_thread")]
async fn every_position_of_every_switch_is_found() {
    let (sandbox, findings, left) = probed(Switches::default()).await;
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(sandbox.leads().len(), 1, "the stranger");
    let asked: Vec<&str> = findings.iter().map(|finding| finding.question).collect();
    assert_eq!(asked, QUESTIONS.iter().map(|question| question.name).collect::<Vec<_>>());
    // The sandbox is what is assumed of every account, but that tests need leads deleted.
    for finding in &findings {
        assert!(finding.seen.is_some(), "{finding:?}");
        assert_eq!(finding.differs(), finding.question == "delete_enabled", "{finding:?}");
    }
    println!("{:<28} {:<16} found", "switch", "position");
    for (position, switches) in Switches::positions() {
        let (name, answer) = expected(&position);
        if NOT_ASKED.contains(&name.as_str()) {
            continue;
        }
        let (sandbox, others, left) = probed(switches).await;
        let found = seen(&others, &name);
        println!("{name:<28} {answer:<16} {}", found.unwrap_or("-"));
        assert_eq!(found, Some(answer.as_str()), "{position}: {others:#?}");
        for finding in others.iter().filter(|finding| finding.question != name) {
            let usual = seen(&findings, finding.question);
            assert_eq!(finding.seen, usual, "{position}: {finding:?}");
        }
        let stays = usize::from(name == "delete_enabled");
        assert_eq!((sandbox.leads().len(), left.len()), (1 + stays, stays), "{position}");
    }
}

/// The next probe, or the same one, removes what one leaves that ends in the middle.
#[tokio::test(flavor = "multi_thread")]
async fn no_lead_stays_wherever_a_probe_is_killed() {
    for switches in [
        Switches::default(),
        Switches {
            create_or_update_by_phone: sandbox::switches::Toggle::On,
            ..Switches::default()
        },
    ] {
        let (sandbox, account) = account(switches, Plan::Unlimited).await;
        let mut last = 0;
        loop {
            last += 1;
            let probe = Probe::new(&account, Duration::from_millis(2)).expect("a client");
            // As the call begins, while it is under way, or once it has been answered.
            let into = Duration::from_millis(u64::from(last % 3) * 2);
            let killed = async {
                while probe.calls() < last {
                    tokio::task::yield_now().await;
                }
                tokio::time::sleep(into).await;
            };
            let ended = tokio::select! {
                biased;
                () = killed => false,
                written = probe.write() => { written.expect("it ends"); true }
            };
            let again = Probe::new(&account, Duration::ZERO).expect("a client");
            assert_eq!(again.clean().await.expect("it answers").left, Vec::<String>::new());
            assert_eq!(sandbox.leads(), Vec::<String>::new(), "killed at call {last}");
            if ended {
                break;
            }
        }
        assert!(last > 30, "{last} calls");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_of_somebody_else_with_the_address_is_left_alone() {
    for key in [("EmailAddress", ADDRESSES[1]), ("Phone", "+1-2025550143")] {
        let (sandbox, account) = account(Switches::default(), Plan::Unlimited).await;
        let id = sandbox.create_lead(&[key, ("LastName", "Rao")]).expect("a lead");
        let probe = Probe::new(&account, Duration::ZERO).expect("a client");
        let problem = probe.write().await.expect_err("a stranger");
        assert!(problem.message.contains(key.1), "{problem}");
        assert_eq!(sandbox.leads(), [id.as_str()]);
        let lead = sandbox.lead(&id).expect("it is there");
        assert_eq!(lead["LastName"].as_deref(), Some("Rao"));
    }
}

/// Whatever goes wrong with one kind of call, no lead stays unless that is said.
#[tokio::test(flavor = "multi_thread")]
async fn no_lead_stays_unsaid_whatever_goes_wrong() {
    for operation in [
        "Lead.Capture",
        "Lead.CreateOrUpdate",
        "Lead.Update",
        "Lead/Bulk/CreateOrUpdate",
        "Lead/Delete/ById",
        "ProspectActivity.svc/Create",
        "Leads.GetById",
    ] {
        for trouble in [Trouble::ResetAfter, Trouble::CutJson, Trouble::Html500] {
            for times in [1, 2] {
                let (sandbox, account) = account(Switches::default(), Plan::Unlimited).await;
                let fault = Fault { times: Some(times), ..Fault::always(trouble.clone()) };
                sandbox.put_fault(fault.of(operation));
                let probe = Probe::new(&account, Duration::ZERO).expect("a client");
                let written = probe.write().await;
                let stays = sandbox.leads();
                let told = match &written {
                    Ok(findings) => findings.left.clone(),
                    Err(problem) if problem.message.contains("may still be in the account") => {
                        stays.clone()
                    }
                    Err(_) => Vec::new(),
                };
                assert_eq!(told, stays, "{operation} {trouble:?} {times}: {written:?}");
                sandbox.clear_faults();
                let again = Probe::new(&account, Duration::ZERO).expect("a client");
                assert_eq!(again.clean().await.expect("it answers").left, Vec::<String>::new());
                assert_eq!(sandbox.leads(), Vec::<String>::new(), "{operation} {trouble:?}");
            }
        }
    }
}

/// How an account says that leads can't be deleted is not known.
#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_can_not_be_deleted_is_told_and_used_again() {
    let (sandbox, account) = account(Switches::default(), Plan::Unlimited).await;
    sandbox.put_fault(Fault::always(Trouble::Html500).of("Lead/Delete/ById"));
    let mut before = Vec::new();
    let mut answers: Vec<Option<&str>> = Vec::new();
    for _ in 0..3 {
        let probe = Probe::new(&account, Duration::ZERO).expect("a client");
        let written = probe.write().await.expect("it ends");
        assert_eq!(seen(&written.findings, "delete_enabled"), Some("off"));
        assert_eq!(written.left, sandbox.leads(), "one lead, by id");
        assert!(before.is_empty() || before == written.left, "the same one");
        before = written.left;
        let seen: Vec<Option<&str>> = written.findings.iter().map(|finding| finding.seen).collect();
        assert!(answers.is_empty() || answers == seen, "{answers:?} are not {seen:?}");
        answers = seen;
    }
}

/// Webhooks that post nothing, or not to leadsync, answer no question, and no other one is lost.
#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_stay_silent_are_told() {
    let (sandbox, account) = account(Switches::default(), Plan::Unlimited).await;
    let posts = Posted(&sandbox);
    let listening = Listening {
        posts: &posts,
        clock: Arc::new(clock),
        patience: Duration::from_millis(50),
        settle: Duration::ZERO,
    };
    let probe = Probe::new(&account, Duration::ZERO).expect("a client").listening(listening);
    let written = probe.write().await.expect("it ends");
    let by_listening = |finding: &&Finding| {
        Question::named(finding.question).expect("it is listed").by == By::Listening
    };
    let silent: Vec<&Finding> = written.findings.iter().filter(by_listening).collect();
    assert_eq!(silent.len(), 10);
    for finding in silent {
        assert_eq!(finding.seen, None, "{finding:?}");
        assert!(finding.words.contains("received and processed no JSON"), "{finding:?}");
    }
    assert_eq!(seen(&written.findings, "delete_enabled"), Some("on"));
    assert_eq!(sandbox.leads(), Vec::<String>::new());
}

/// A lead that the account does not take is a finding too.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_mandatory_field_is_told() {
    let (sandbox, account) = account(Switches::default(), Plan::Unlimited).await;
    sandbox.put_field(sandbox::Field::new("mx_Needed", sandbox::Kind::Text).mandatory());
    let probe = Probe::new(&account, Duration::ZERO).expect("a client");
    let written = probe.write().await.expect("it ends");
    assert_eq!(sandbox.leads(), Vec::<String>::new());
    for finding in &written.findings {
        assert_eq!(finding.seen, None, "{finding:?}");
    }
    assert!(written.findings[0].words.contains("Mandatory"), "{:?}", written.findings[0]);
}

/// An account whose limit others use up is asked more slowly.
#[tokio::test(flavor = "multi_thread")]
async fn the_limit_is_waited_for() {
    let window = Duration::from_secs(1);
    let quota = Quota { calls: 8, bulk_calls: 8, window, daily: 100_000 };
    let (sandbox, account) = account(Switches::default(), Plan::Explicit(quota)).await;
    let probe = Probe::new(&account, Duration::ZERO).expect("a client");
    let written = probe.write().await.expect("it ends");
    assert!(written.findings.iter().all(|finding| finding.seen.is_some()), "{written:#?}");
    assert!(sandbox.calls().refused > 0, "the limit was met");
    assert_eq!(sandbox.leads(), Vec::<String>::new());

    // A day is not.
    let quota = Quota { calls: 1_000, bulk_calls: 1_000, window, daily: 20 };
    let (sandbox, account) = self::account(Switches::default(), Plan::Explicit(quota)).await;
    let probe = Probe::new(&account, Duration::ZERO).expect("a client");
    let problem = probe.write().await.expect_err("the day is used up");
    assert!(problem.message.contains("may still be in the account"), "{problem}");
    assert_eq!(sandbox.leads().len(), 1);
}

/// What is stopped says where its lead may be, if it can't be removed.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_probe_whose_lead_stays_says_so() {
    let (sandbox, account) = account(Switches::default(), Plan::Unlimited).await;
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("probe.db").display());
    let store = store::open(&url, store::Open::default()).await.expect("a store");
    let put = store::Change::PutAccount {
        name: account.name.clone(),
        host: account.host.clone(),
        keys: account.keys.clone(),
        plan: AccountPlan::Pro,
    };
    let actor = store::Actor::command_line();
    store.change_configuration(vec![put], &actor, clock()).await.expect("a new account");
    let configuration = store.configuration().await.expect("a configuration");
    let account = configuration.account("probed").expect("it was put");
    let stop = CancellationToken::new();
    let clock: dispatch::Clock = Arc::new(clock);
    let pace = Duration::from_millis(2);
    let probe =
        dispatch::probe::run(account, store.as_ref(), (&clock, pace), (true, &actor), &stop);
    let stopped = async {
        while sandbox.leads().is_empty() {
            tokio::task::yield_now().await;
        }
        // One at a time: the two would change each other's lead.
        let never = CancellationToken::new();
        let (store, times) = (store.as_ref(), (&clock, pace));
        let second = dispatch::probe::run(account, store, times, (true, &actor), &never).await;
        let problem = second.expect("a report").ended_by.expect("one is under way");
        assert!(problem.message.contains("is running"), "{problem}");
        let gone = vec![store::Change::RemoveAccount { name: account.name.clone() }];
        let refused = store.change_configuration(gone, &actor, clock()).await.expect_err("a probe");
        assert!(refused.to_string().contains("probe of the account probed"), "{refused}");
        sandbox.put_fault(Fault::always(Trouble::ResetBefore));
        stop.cancel();
    };
    let (report, ()) = tokio::join!(probe, stopped);
    let report = report.expect("a report");
    assert!(report.stopped);
    let problem = report.ended_by.expect("it could not be removed");
    assert!(problem.message.contains("A test lead may still be in the account"), "{problem}");
    assert!(!problem.advice.contains("automatically"), "{problem}");
}
