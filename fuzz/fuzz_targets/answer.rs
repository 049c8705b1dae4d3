//! The client reading arbitrary responses.
#![no_main]

use leadsync_fuzz::memory::bounded;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| {
    for status in [200, 401, 429, 500] {
        bounded((8 << 20).max(answer.len() * 1_000), || {
            leadsquared::fuzzing::judge_all(status, answer)
        });
    }
});
