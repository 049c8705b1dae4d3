//! Trouble is counted with what failed, and mails are kept until they are sent.

use plan::id::ConnectorId;
use plan::incident::{Incident, Kind};
use plan::outcome::Event;
use plan::problem::Problem;
use store::{
    AttemptOutcome, Change, Error, KeysNews, Lease, MailEnd, MailState, NewMail, Progress, Spent,
    Stage,
};

use crate::empty::{Empty, at, attempt, ended, id};

crate::promises! {
    failures_are_counted_by_cause_in_the_same_commit,
    without_trouble_nothing_is_kept,
    a_row_of_failures_ends_when_the_account_takes_a_record,
    a_bad_batch_is_a_cause_of_its_own,
    refused_keys_last_until_they_are_taken,
    a_disabled_connector_lasts_until_it_is_enabled,
    one_node_tells_and_the_rest_stays_untold,
    an_incident_ends_only_as_it_was_read,
    a_removed_connector_takes_its_incident_along,
    a_mail_is_claimed_once_and_again_after_its_time,
    a_clock_that_is_set_back_delays_no_mail,
    mails_end_and_are_shown,
    people_are_warned_of_a_quota_once_a_day,
}

async fn scene(empty: &Empty) -> (ConnectorId, Lease) {
    let configuration = empty.with_connector().await;
    let lease = empty.lease(&configuration).await;
    (configuration.connectors[0].id, lease)
}

fn failed(own: ConnectorId, number: i64, code: &str) -> AttemptOutcome {
    let mut attempt = attempt(own, number, Event::Failed);
    attempt.problem = Some(Problem::new(
        plan::problem::Code::from_word(code).unwrap(),
        format!("{code} number {number}."),
        "Mend it.",
    ));
    attempt
}

fn waiting(own: ConnectorId, number: i64) -> AttemptOutcome {
    AttemptOutcome { stage: Stage::Waiting(at(1_000)), ..failed(own, number, "unreachable") }
}

async fn keep(empty: &Empty, lease: &Lease, attempts: Vec<AttemptOutcome>) {
    let progress = Progress { attempts, ..Progress::default() };
    empty.store.record_progress(lease, progress).await.unwrap();
}

async fn only(empty: &Empty) -> Incident {
    let mut all = empty.store.incidents().await.unwrap();
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

fn counts(incident: &Incident) -> Vec<(Kind, &str, u64, u64)> {
    incident.causes.iter().map(|c| (c.kind, c.name.as_str(), c.count, c.told)).collect()
}

fn mail(number: u32) -> NewMail {
    NewMail {
        message_id: format!("leadsync.{number}@example.com"),
        thread: (number > 0).then(|| "leadsync.0@example.com".to_owned()),
        recipient: "ops@example.com".to_owned(),
        subject: format!("Subject {number}"),
        body: "It said no.\n".to_owned(),
        private: false,
        alert: None,
    }
}

async fn failures_are_counted_by_cause_in_the_same_commit(empty: Empty) {
    let (own, lease) = scene(&empty).await;
    let batch = vec![failed(own, 3, "refused"), failed(own, 4, "duplicate"), waiting(own, 5)];
    keep(&empty, &lease, batch).await;
    let mut about_field = failed(own, 2, "refused");
    about_field.problem = about_field.problem.map(|problem| problem.about("Phone"));
    keep(&empty, &lease, vec![failed(own, 6, "refused"), about_field]).await;
    // That its account is still away is no further failure.
    let held = AttemptOutcome { stage: Stage::Held(at(1_000)), attempt: 2, ..waiting(own, 5) };
    keep(&empty, &lease, vec![held]).await;
    let incident = only(&empty).await;
    assert_eq!(incident.connector, own);
    assert_eq!(
        counts(&incident),
        [
            (Kind::Failed, "refused", 2, 0),
            (Kind::Failed, "duplicate", 1, 0),
            (Kind::Failed, "refused/Phone", 1, 0),
            (Kind::Waiting, "unreachable", 1, 0),
        ]
    );
    assert_eq!(incident.causes[0].problem.message, "refused number 6.");
    assert_eq!(incident.causes[0].request, Some(id(6)));
    let course = &incident.course;
    assert_eq!((course.began, course.failed_at, course.since), (at(3), at(2), Some(id(2))));
    assert_eq!((course.streak, course.longest, course.passed), (5, 5, false));
    assert_eq!((incident.mails, incident.told_at, incident.row_told), (0, None, false));
    assert_eq!(empty.store.count_failed_records(own, Some(id(3))).await.unwrap(), 4);
    assert_eq!(empty.store.count_failed_records(own, None).await.unwrap(), 0);

    // What is not kept is not counted.
    empty.store.release_lease(&lease).await.unwrap();
    let _next = empty.lease(&empty.store.configuration().await.unwrap()).await;
    let late = Progress { attempts: vec![failed(own, 7, "lead_gone")], ..Progress::default() };
    let refused = empty.store.record_progress(&lease, late).await;
    assert!(matches!(refused, Err(Error::LeaseLost)));
    assert_eq!(only(&empty).await, incident);
}

async fn without_trouble_nothing_is_kept(empty: Empty) {
    let (own, lease) = scene(&empty).await;
    keep(&empty, &lease, vec![attempt(own, 1, Event::New), attempt(own, 2, Event::Skipped)]).await;
    assert_eq!(empty.store.incidents().await.unwrap(), []);
}

async fn a_row_of_failures_ends_when_the_account_takes_a_record(empty: Empty) {
    let (own, lease) = scene(&empty).await;
    keep(&empty, &lease, (1..=3).map(|n| waiting(own, n)).collect()).await;
    let idle = AttemptOutcome { calls: Vec::new(), ..attempt(own, 4, Event::Unchanged) };
    keep(&empty, &lease, vec![idle]).await;
    assert_eq!(only(&empty).await.course.streak, 3, "nobody asked the account");
    keep(&empty, &lease, vec![waiting(own, 5), attempt(own, 6, Event::Updated)]).await;
    let course = only(&empty).await.course;
    assert_eq!((course.streak, course.longest, course.passed), (0, 4, true));
    keep(&empty, &lease, vec![waiting(own, 7)]).await;
    let course = only(&empty).await.course;
    assert_eq!((course.streak, course.longest, course.passed), (1, 4, false));
}

async fn a_bad_batch_is_a_cause_of_its_own(empty: Empty) {
    let (own, lease) = scene(&empty).await;
    let record = |number, position, event| {
        let mut attempt = attempt(own, number, event);
        attempt.key.position = position;
        attempt
    };
    let batch = |number, failed: u32, records: u32| {
        let event = move |n| if n < failed { Event::Failed } else { Event::New };
        (0..records).map(|n| record(number, n, event(n))).collect::<Vec<_>>()
    };
    empty.deliver(own, 1..4).await;
    for (number, failed, records) in [(1, 3, 10), (2, 2, 2), (3, 4, 10)] {
        // The records that fail are kept before the others and the end of the request.
        let mut attempts = batch(number, failed, records);
        let later = attempts.split_off(usize::try_from(failed).unwrap());
        keep(&empty, &lease, attempts).await;
        let progress = Progress {
            attempts: later,
            requests: vec![ended(number, Event::Failed)],
            ..Progress::default()
        };
        empty.store.record_progress(&lease, progress).await.unwrap();
    }
    let incident = only(&empty).await;
    let bad = incident.causes.iter().find(|cause| cause.kind == Kind::Batch).expect("a bad batch");
    assert_eq!((bad.count, bad.request), (1, Some(id(3))));
    assert!(bad.problem.message.contains("4 of 10"), "{bad:?}");
}

async fn refused_keys_last_until_they_are_taken(empty: Empty) {
    let (own, lease) = scene(&empty).await;
    let account = lease.accounts[1];
    let problem = || {
        Some(Problem::new(plan::problem::Code::Credentials, "It refuses the keys.", "Check them."))
    };
    let news = async |refused, seconds| {
        let news = KeysNews { account, at: at(seconds), refused };
        let progress = Progress { keys: vec![news], ..Progress::default() };
        empty.store.record_progress(&lease, progress).await.unwrap();
    };
    news(None, 0).await;
    assert_eq!(empty.store.incidents().await.unwrap(), []);
    news(problem(), 1).await;
    news(problem(), 2).await;
    let incident = only(&empty).await;
    let name = account.0.to_string();
    assert_eq!(counts(&incident), [(Kind::Account, name.as_str(), 1, 0)]);
    assert_eq!((incident.connector, incident.course.failed_at), (own, at(2)));
    assert!(incident.stands());
    empty.change(Change::SetEnabled { name: "a-b".to_owned(), enabled: false }).await.unwrap();
    news(None, 3).await;
    let left = only(&empty).await;
    assert_eq!(counts(&left), [(Kind::Disabled, "", 1, 0)], "only keys are taken again");
}

async fn a_disabled_connector_lasts_until_it_is_enabled(empty: Empty) {
    scene(&empty).await;
    let enable = async |enabled| {
        empty.change(Change::SetEnabled { name: "a-b".to_owned(), enabled }).await.unwrap();
    };
    enable(true).await;
    assert_eq!(empty.store.incidents().await.unwrap(), []);
    enable(false).await;
    enable(false).await;
    let incident = only(&empty).await;
    assert_eq!(counts(&incident), [(Kind::Disabled, "", 1, 0)]);
    let told = &incident.causes[0].problem.message;
    assert!(told.contains("a-b") && told.contains("test"), "it says who: {told}");
    enable(true).await;
    assert!(!only(&empty).await.stands());
}

async fn one_node_tells_and_the_rest_stays_untold(empty: Empty) {
    let (own, lease) = scene(&empty).await;
    keep(&empty, &lease, (1..=5).map(|n| failed(own, n, "refused")).collect()).await;
    let read = only(&empty).await;
    keep(&empty, &lease, vec![failed(own, 6, "refused"), failed(own, 7, "unknown")]).await;
    let other = empty.again().await.unwrap();
    let (one, two) = tokio::join!(
        empty.store.tell_incident(&read, vec![mail(0)], at(10)),
        other.tell_incident(&read, vec![mail(0)], at(10)),
    );
    assert_eq!([one.unwrap(), two.unwrap()].iter().filter(|told| **told).count(), 1);
    let incident = only(&empty).await;
    assert_eq!(
        counts(&incident),
        [(Kind::Failed, "refused", 6, 5), (Kind::Failed, "unknown", 1, 0)]
    );
    assert_eq!((incident.mails, incident.told_at, incident.row_told), (1, Some(at(10)), true));
    assert_eq!(empty.store.mails(10).await.unwrap().len(), 1);
    assert!(empty.store.tell_incident(&incident, Vec::new(), at(11)).await.unwrap());
    assert_eq!(empty.store.mails(10).await.unwrap().len(), 1, "nobody wanted that one");
}

async fn an_incident_ends_only_as_it_was_read(empty: Empty) {
    let (own, lease) = scene(&empty).await;
    keep(&empty, &lease, vec![failed(own, 1, "refused")]).await;
    let read = only(&empty).await;
    keep(&empty, &lease, vec![failed(own, 2, "refused")]).await;
    assert!(!empty.store.end_incident(&read, vec![mail(0)], at(10)).await.unwrap());
    let read = only(&empty).await;
    assert_eq!(empty.store.mails(10).await.unwrap().len(), 0);
    assert!(empty.store.end_incident(&read, vec![mail(0)], at(10)).await.unwrap());
    assert_eq!(empty.store.incidents().await.unwrap(), []);
    assert_eq!(empty.store.mails(10).await.unwrap().len(), 1);
    assert!(!empty.store.end_incident(&read, Vec::new(), at(11)).await.unwrap());
    assert!(!empty.store.tell_incident(&read, Vec::new(), at(11)).await.unwrap());
}

async fn a_removed_connector_takes_its_incident_along(empty: Empty) {
    let (own, lease) = scene(&empty).await;
    keep(&empty, &lease, vec![failed(own, 1, "refused")]).await;
    empty.change(Change::RemoveConnector { name: "a-b".to_owned() }).await.unwrap();
    assert_eq!(empty.store.incidents().await.unwrap(), []);
}

/// Queues this mail.
async fn queue(empty: &Empty, own: ConnectorId, lease: &Lease, number: u32) {
    keep(empty, lease, vec![failed(own, i64::from(number), "refused")]).await;
    let incident = only(empty).await;
    let told = empty.store.tell_incident(&incident, vec![mail(number)], at(10)).await;
    assert!(told.unwrap());
}

async fn a_mail_is_claimed_once_and_again_after_its_time(empty: Empty) {
    let (own, lease) = scene(&empty).await;
    queue(&empty, own, &lease, 0).await;
    queue(&empty, own, &lease, 1).await;
    assert_eq!(empty.store.claim_mail(at(9), at(70)).await.unwrap(), None, "it is not due");
    let other = empty.again().await.unwrap();
    let (one, two) =
        tokio::join!(empty.store.claim_mail(at(10), at(70)), other.claim_mail(at(10), at(70)));
    // One of two nodes may find that the other has just taken the mail that it saw.
    let mut claimed: Vec<_> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    while let Some(more) = other.claim_mail(at(10), at(70)).await.unwrap() {
        claimed.push(more);
    }
    claimed.sort_by_key(|claimed| claimed.id);
    let mails: Vec<_> = claimed.iter().map(|claimed| claimed.mail.clone()).collect();
    assert_eq!(mails, [mail(0), mail(1)]);
    assert!(claimed.iter().all(|claimed| (claimed.tries, claimed.at) == (1, at(10))));

    // Whoever claimed them is gone.
    let again = empty.store.claim_mail(at(70), at(130)).await.unwrap().expect("it is due again");
    assert_eq!((again.mail.clone(), again.tries), (mail(0), 2));
    // And comes back late.
    empty.store.end_mail(&claimed[0], MailEnd::Sent, at(71)).await.unwrap();
    let shown = empty.store.mails(10).await.unwrap();
    assert_eq!(shown[1].state, MailState::Queued, "the newer claim counts");
    empty.store.end_mail(&again, MailEnd::Sent, at(72)).await.unwrap();
    assert_eq!(empty.store.mails(10).await.unwrap()[1].state, MailState::Sent);
}

async fn a_clock_that_is_set_back_delays_no_mail(empty: Empty) {
    let (own, lease) = scene(&empty).await;
    queue(&empty, own, &lease, 0).await;
    let claimed = empty.store.claim_mail(at(10), at(70)).await.unwrap().expect("one is due");
    let end = MailEnd::Again { due: at(86_410), error: "busy".to_owned() };
    empty.store.end_mail(&claimed, end, at(10)).await.unwrap();
    assert_eq!(empty.store.claim_mail(at(10), at(70)).await.unwrap(), None, "it waits a day");
    let again = empty.store.claim_mail(at(-90_000), at(-89_900)).await.unwrap();
    assert_eq!(again.expect("a day before, it is due").id, claimed.id);
    assert_eq!(empty.store.claim_mail(at(-90_000), at(-89_900)).await.unwrap(), None);
}

async fn mails_end_and_are_shown(empty: Empty) {
    let (own, lease) = scene(&empty).await;
    for number in 0..4 {
        queue(&empty, own, &lease, number).await;
    }
    let error = || "connection refused".to_owned();
    let ends = [
        MailEnd::Sent,
        MailEnd::Logged,
        MailEnd::Again { due: at(90), error: error() },
        MailEnd::GivenUp { error: error() },
    ];
    for end in ends {
        let claimed = empty.store.claim_mail(at(10), at(70)).await.unwrap().expect("one is due");
        empty.store.end_mail(&claimed, end, at(11)).await.unwrap();
    }
    assert_eq!(empty.store.claim_mail(at(80), at(140)).await.unwrap(), None);
    let shown = empty.store.mails(10).await.unwrap();
    let shown: Vec<_> = shown
        .iter()
        .rev()
        .map(|mail| (mail.state, mail.due, mail.ended_at, mail.error.clone()))
        .collect();
    assert_eq!(
        shown,
        [
            (MailState::Sent, None, Some(at(11)), None),
            (MailState::Logged, None, Some(at(11)), None),
            (MailState::Queued, Some(at(90)), None, Some(error())),
            (MailState::GivenUp, None, Some(at(11)), Some(error())),
        ]
    );
    assert_eq!(empty.store.mails(2).await.unwrap().len(), 2);
    // Those that ended are not kept for ever.
    let later = at(100 * 24 * 3600);
    keep(&empty, &lease, vec![failed(own, 9, "refused")]).await;
    let incident = only(&empty).await;
    assert!(empty.store.tell_incident(&incident, vec![mail(9)], later).await.unwrap());
    empty.store.prune_rest(at(10 * 24 * 3600)).await.unwrap();
    let left = empty.store.mails(10).await.unwrap();
    assert_eq!(left.iter().map(|mail| mail.state).collect::<Vec<_>>(), [MailState::Queued; 2]);
    assert!(left.iter().all(|mail| mail.error.is_some() || mail.tries == 0));
}

async fn people_are_warned_of_a_quota_once_a_day(empty: Empty) {
    let configuration = empty.with_connector().await;
    let lease = empty.lease(&configuration).await;
    let account = configuration.accounts[0].id;
    let warn = async |day, number| {
        empty.store.warn_of_quota(account, day, vec![mail(number)], at(1)).await.unwrap()
    };
    assert!(!warn(20, 0).await, "no call was made");
    let spent = [480, 504].map(|hour| Spent { account, hour, calls: 1 }).to_vec();
    let progress = Progress { spent, ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    assert!(warn(20, 1).await);
    assert!(!warn(20, 2).await, "they know");
    assert!(warn(21, 3).await);
    let mails = empty.store.mails(10).await.unwrap();
    let subjects: Vec<&str> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(subjects, ["Subject 3", "Subject 1"]);
}
