//! A limit on the memory that one input may use.
//!
//! libFuzzer's own `-malloc_limit_mb` needs a sanitizer, and its `-rss_limit_mb` sees whole
//! megabytes of the process. This counts the bytes of one run exactly.

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Runs one input and panics when it held more than `most` bytes at any moment.
///
/// What is built once and kept, such as the phone library's patterns of a country, is not caused by
/// the input: only the second run counts.
pub fn bounded(most: usize, run: impl Fn()) {
    if held(&run) > most {
        let held = held(&run);
        assert!(held <= most, "the input took {held} bytes of memory; {most} are allowed");
    }
}

fn held(run: impl Fn()) -> usize {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    run();
    HEAP.peak_usage().saturating_sub(before)
}
