//! A bound on the memory that one input may take.
//!
//! libFuzzer's own `-malloc_limit_mb` needs a sanitizer, and its `-rss_limit_mb` sees whole
//! megabytes of the process. This counts the bytes of one run exactly.

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Runs one input and panics when it held more than `most` bytes at any moment.
pub fn bounded<T>(most: usize, run: impl FnOnce() -> T) -> T {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let result = run();
    let held = HEAP.peak_usage().saturating_sub(before);
    assert!(held <= most, "the input took {held} bytes of memory; {most} are allowed");
    result
}
