//! Reading a webhook's body, and calling every method of its records.
#![no_main]

use leadsync_fuzz::memory::bounded;
use leadsync_fuzz::reading;
use libfuzzer_sys::fuzz_target;
use plan::payload;

fuzz_target!(|body: &[u8]| {
    for content_type in reading::CONTENT_TYPES {
        // Small bodies may use a little, whatever their content; large ones a multiple of their
        // size.
        bounded((4 << 20).max(body.len() * 400), || match payload::read(body, content_type) {
            Ok(entries) => {
                assert!((1..=payload::MOST_RECORDS).contains(&entries.len()));
                entries.iter().flatten().take(20).for_each(reading::ask);
            }
            Err(problem) => assert!(problem.message.len() < 2_000, "{}", problem.message),
        });
    }
});
