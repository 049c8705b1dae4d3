//! Bodies of 2 MiB, the largest that the receiver takes, each made to cost as much as it can.

use std::fmt::Write as _;
use std::sync::Mutex;

use peak_alloc::PeakAlloc;
use plan::payload;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// One measurement at a time: the heap is everybody's.
static ALONE: Mutex<()> = Mutex::new(());

const MIB: usize = 1 << 20;
/// The largest body that the receiver takes.
const LARGEST_BODY: usize = 2 * MIB;

/// The most bytes that were held at once while this ran.
fn held<T>(run: impl FnOnce() -> T) -> usize {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let result = run();
    let held = HEAP.peak_usage().saturating_sub(before);
    drop(result);
    held
}

/// `many` copies of `part` between a beginning and an end, as many as fit the largest body.
fn filled(begin: &str, part: impl Fn(usize) -> String, end: &str) -> String {
    let mut body = begin.to_owned();
    for number in 0.. {
        let part = part(number);
        if body.len() + part.len() + end.len() + 1 > LARGEST_BODY {
            break;
        }
        if number > 0 {
            body.push(',');
        }
        body.push_str(&part);
    }
    body + end
}

/// JSON in a text in JSON in a text …, `levels` deep, with as many lists around each.
fn texts_in_texts(levels: usize) -> String {
    // A quote in a text in a text is `\u005cu005cu0022`: it grows by five bytes a level.
    let quote = |level: usize| match level {
        0 => "\"".to_owned(),
        _ => format!("\\{}u0022", "u005c".repeat(level - 1)),
    };
    let mut body = String::new();
    let mut end = String::new();
    for level in 0..levels {
        let q = quote(level);
        let lists = 100;
        let _ = write!(body, "{}{{{q}$serde_json::private::RawValue{q}:{q}", "[".repeat(lists));
        end = format!("{q}}}{}{end}", "]".repeat(lists));
    }
    body + "1" + &end
}

#[test]
fn texts_that_claim_to_be_json_are_texts() {
    let body = format!(r#"{{"ProspectID":"1","X":{}}}"#, texts_in_texts(300));
    assert!(body.len() < LARGEST_BODY, "{}", body.len());
    let items = payload::read(body.as_bytes(), None).unwrap();
    assert_eq!(items.len(), 1);
}

#[test]
fn a_body_costs_a_bounded_multiple_of_itself() {
    let bodies = [
        ("numbers", filled(r#"{"ProspectID":"1","X":["#, |_| "0".into(), "]}")),
        ("objects", filled(r#"{"ProspectID":"1","X":["#, |_| r#"{"":0}"#.into(), "]}")),
        ("names", filled("{\"ProspectID\":\"1\",", |n| format!("\"{n:x}\":0"), "}")),
    ];
    for (name, body) in &bodies {
        let held = held(|| payload::read(body.as_bytes(), None));
        eprintln!("{name}: {} bytes took {} MiB", body.len(), held / MIB);
    }
}
