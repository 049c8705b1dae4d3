use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn request(number: i64) -> RequestId {
    RequestId::new(at(number), 0, 0)
}

fn problem() -> Problem {
    Problem::new(Code::Refused, "It said no.", "Ask again.")
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug)]
enum End {
    Passed,
    Waiting,
    Failed,
}

fn tally(ends: &[(i64, End)]) -> Tally {
    let mut tally = Tally::default();
    for (number, end) in ends {
        match end {
            End::Passed => tally.passed(),
            End::Waiting => tally.failed(request(*number), at(*number), Some(&problem()), false),
            End::Failed => tally.failed(request(*number), at(*number), Some(&problem()), true),
        }
    }
    tally
}

fn incident(ends: &[(i64, End)]) -> Incident {
    let tally = tally(ends);
    let causes = tally.causes.iter().map(|((kind, name), count)| Cause {
        kind: *kind,
        name: name.clone(),
        count: count.count,
        told: 0,
        problem: count.problem.clone(),
        request: Some(count.request),
    });
    Incident {
        connector: ConnectorId(1),
        course: Course::after(None, &tally).unwrap(),
        row_told: false,
        mails: 0,
        told_at: None,
        causes: causes.collect(),
    }
}

fn tell(incident: &mut Incident, now: Timestamp) {
    incident.mails += 1;
    incident.told_at = Some(now);
    incident.row_told |= incident.course.longest >= ROW;
    for cause in &mut incident.causes {
        cause.told = cause.count;
    }
}

fn fail(incident: &mut Incident, number: i64) {
    let more = tally(&[(number, End::Failed)]);
    incident.course = Course::after(Some(&incident.course), &more).unwrap();
    incident.causes[0].count += 1;
}

#[test]
fn the_first_failure_for_good_is_told_within_seconds() {
    let incident = incident(&[(0, End::Failed)]);
    assert_eq!(incident.step(at(0), None), Step::Wait);
    assert_eq!(incident.step(at(4), None), Step::Tell);
}

#[test]
fn what_passes_is_not_told() {
    let few = incident(&[(0, End::Waiting), (1, End::Waiting)]);
    assert_eq!(few.step(at(100), None), Step::Wait);
    assert_eq!(few.step(at(100_000), None), Step::Forget, "a day later");
    let passed = incident(&[(0, End::Waiting), (1, End::Passed)]);
    assert_eq!(passed.step(at(1), None), Step::Forget);
}

#[test]
fn five_in_a_row_are_told_even_if_one_passes_then() {
    let ends: Vec<(i64, End)> = (0..5).map(|n| (n, End::Waiting)).collect();
    assert_eq!(incident(&ends[..4]).due(), None);
    assert_eq!(incident(&ends).step(at(4), None), Step::Tell);
    let passed: Vec<_> = ends.into_iter().chain([(5, End::Passed)]).collect();
    assert_eq!(incident(&passed).step(at(5), None), Step::Tell);
}

#[test]
fn a_steady_stream_of_failures_is_told_ever_more_rarely() {
    let mut incident = incident(&[(0, End::Failed)]);
    let mut mails = Vec::new();
    for minute in 0..24 * 60 {
        let now = at(minute * 60 + 4);
        match incident.step(now, None) {
            Step::Tell => {
                tell(&mut incident, now);
                mails.push(minute);
            }
            step => assert_eq!(step, Step::Wait),
        }
        fail(&mut incident, minute * 60 + 30);
    }
    assert_eq!(mails, [0, 15, 75, 435, 795, 1155]);
}

#[test]
fn it_is_over_when_all_were_retried_or_the_account_took_others_for_long() {
    let mut incident = incident(&[(0, End::Failed)]);
    tell(&mut incident, at(4));
    assert!(!incident.may_be_over(at(299)) && incident.may_be_over(at(300)));
    assert_eq!(incident.step(at(299), Some(0)), Step::Wait);
    assert_eq!(incident.step(at(300), None), Step::Wait, "nobody counted");
    assert_eq!(incident.step(at(300), Some(1)), Step::Wait, "a failed record is left");
    assert_eq!(incident.step(at(300), Some(0)), Step::End);
    let hours = 6 * 3600;
    assert_eq!(incident.step(at(hours), Some(1)), Step::Wait, "nothing was taken since");
    incident.course = Course::after(Some(&incident.course), &tally(&[(9, End::Passed)])).unwrap();
    assert_eq!(incident.step(at(hours - 1), Some(1)), Step::Wait);
    assert_eq!(incident.step(at(hours), Some(1)), Step::End);
}

#[test]
fn what_was_never_told_is_told_before_it_ends() {
    let incident = incident(&[(0, End::Failed), (1, End::Passed)]);
    assert_eq!(incident.step(at(3600), Some(0)), Step::Tell);
}

#[test]
fn what_lasts_is_told_soon_and_keeps_it_open() {
    let mut incident = incident(&[(0, End::Failed)]);
    tell(&mut incident, at(4));
    let cause = |kind| Cause {
        kind,
        name: String::new(),
        count: 1,
        told: 0,
        problem: problem(),
        request: None,
    };
    incident.causes.push(cause(Kind::Account));
    assert_eq!(incident.due(), Some(at(4 + 900)));
    incident.causes.push(cause(Kind::Disabled));
    assert_eq!(incident.due(), Some(at(8)));
    tell(&mut incident, at(8));
    assert_eq!(incident.step(at(100_000), None), Step::Wait);
    assert_eq!(incident.step(at(100_000), Some(0)), Step::Wait);
}

/// Webhooks stop, which is told once; the next one ends it at once, though nothing ever failed.
#[test]
fn silence_is_told_once_and_ends_with_the_next_webhook() {
    let mut incident = Incident {
        connector: ConnectorId(1),
        course: Course::begin(at(0)),
        row_told: false,
        mails: 0,
        told_at: None,
        causes: vec![Cause {
            kind: Kind::Silent,
            name: String::new(),
            count: 1,
            told: 0,
            problem: problem(),
            request: None,
        }],
    };
    let untold = incident.clone();
    assert_eq!(incident.step(at(3), None), Step::Wait);
    assert_eq!(incident.step(at(4), None), Step::Tell);
    tell(&mut incident, at(4));
    for days in 1..30 {
        assert_eq!(incident.step(at(days * 24 * 3600), Some(0)), Step::Wait, "it is told once");
    }
    incident.causes.clear();
    assert_eq!(incident.step(at(7200), Some(0)), Step::End);
    let passed = Incident { causes: Vec::new(), ..untold };
    assert_eq!(passed.step(at(3), None), Step::Forget, "nobody was told");
}

#[test]
fn more_than_three_in_ten_of_at_least_three_are_a_bad_batch() {
    assert!(bad_batch(2, 2).is_none(), "too few to tell");
    assert!(bad_batch(1, 3).is_some());
    assert!(bad_batch(3, 10).is_none(), "exactly 30%");
    let problem = bad_batch(4, 10).unwrap();
    assert!(problem.message.contains("4 of 10"), "{problem}");
}

fn ends() -> impl Strategy<Value = Vec<End>> {
    proptest::collection::vec(
        prop_oneof![Just(End::Passed), Just(End::Waiting), Just(End::Failed)],
        0..40,
    )
}

proptest! {
    #[test]
    fn commits_of_any_size_make_the_same_course(ends in ends(), cuts in proptest::collection::vec(1usize..6, 40)) {
        let ends: Vec<(i64, End)> = (0..).zip(ends).collect();
        let whole = Course::after(None, &tally(&ends));
        let mut parts = None;
        let mut rest = &ends[..];
        for cut in cuts {
            let (some, others) = rest.split_at(cut.min(rest.len()));
            parts = Course::after(parts.as_ref(), &tally(some));
            rest = others;
        }
        prop_assert!(rest.is_empty());
        prop_assert_eq!(parts, whole);
    }

    #[test]
    fn no_failure_for_good_stays_untold(ends in ends()) {
        let ends: Vec<(i64, End)> = (0..).zip(ends).collect();
        let failures = ends.iter().filter(|(_, end)| matches!(end, End::Failed)).count() as u64;
        if Course::after(None, &tally(&ends)).is_some() {
            let incident = incident(&ends);
            prop_assert_eq!(incident.untold_failures(), failures);
            prop_assert_eq!(incident.step(at(100), None) == Step::Tell, incident.due().is_some());
            prop_assert!(failures == 0 || incident.due().is_some());
        }
    }
}

/// A mail is not delayed until a clock that was set back has caught up.
#[test]
fn a_clock_that_is_set_back_delays_no_mail() {
    const YEAR: i64 = 365 * 24 * 3_600;
    let mut incident = incident(&[(0, End::Failed)]);
    assert_eq!(incident.step(at(0), None), Step::Wait, "what fails with it is waited for");
    assert_eq!(incident.step(at(-YEAR), None), Step::Tell);
    tell(&mut incident, at(4));
    incident.causes[0].count += 1;
    assert_eq!(incident.step(at(5), None), Step::Wait);
    assert_eq!(incident.step(at(-50), None), Step::Wait, "another node's clock is a bit behind");
    assert_eq!(incident.step(at(-YEAR), None), Step::Tell);
    tell(&mut incident, at(-YEAR));
    assert_eq!(incident.step(at(-YEAR), Some(0)), Step::End);
}
