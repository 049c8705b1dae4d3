//! A backfill of many leads that is killed again and again, beside one that is left alone.
//!
//! The ordinary tests run it with some thousand leads. With a hundred thousand it takes about a
//! quarter of an hour and prints what it measured, which stands in `docs/backfill.md`:
//!
//! ```text
//! LEADSYNC_LEADS=100000 cargo test --release -p leadsync --test it load:: -- --nocapture
//! ```

mod live;
mod report;
mod world;

use std::time::Duration;

use sandbox::CallCounts;
use serde_json::Value;
use store::Backfill;

use crate::rig::{SOON, until};
use live::{Lags, Live};
use report::Report;
use world::{NAME, World};

/// The leads of the source, unless `LEADSYNC_LEADS` says otherwise.
const FEW: usize = 2_000;
/// How often the service is killed.
const KILLS: usize = 10;
/// How many live changes are measured before the backfill, when everything is measured, and when
/// only the outcome counts.
const IDLE: (usize, usize) = (120, 6);
/// How long a backfill may take.
const PATIENCE: Duration = Duration::from_mins(30);
/// Calls that the plan leaves out: of metadata, and of the directory of a small account.
const BESIDE: u64 = 12;
/// Calls under way at a time that write many leads: so many are made again after a kill.
const UNDER_WAY: u64 = 8;

/// What a run came to.
#[derive(Debug)]
struct Run {
    done: Backfill,
    took: Duration,
    source: CallCounts,
    destination: CallCounts,
    /// Calls that live changes made, as far as the idle account shows.
    live_calls: u64,
    idle: Lags,
    beside: Lags,
    /// MiB at peak, of the last process.
    memory: f64,
}

impl Run {
    /// The calls of the backfill alone.
    fn calls(&self) -> u64 {
        (self.source.total + self.destination.total).saturating_sub(self.live_calls)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backfill_makes_hardly_more_calls_than_its_plan_says() {
    let size = std::env::var_os("LEADSYNC_LEADS");
    let number = |size: &std::ffi::OsString| size.to_str()?.parse().ok();
    let leads = size.as_ref().map_or(FEW, |size| number(size).expect("LEADSYNC_LEADS: a number"));
    let is_measured = size.is_some();

    let mut world = World::new(leads).await;
    world.service.start();
    let plan: Value = world.service.run(&["backfill", NAME, "--plan", "--json"]).json();
    world.is_planned(&plan);
    world.service.stop();
    let alone = run(world, 0, is_measured).await;
    let killed = run(World::new(leads).await, KILLS, is_measured).await;

    let planned = ["source_calls", "destination_calls"]
        .map(|name| plan[name].as_u64().expect("a count"))
        .iter()
        .sum();
    let quota = world::quota(leads);
    let report = Report { leads, quota, planned, seconds: plan["seconds"].as_u64(), alone, killed };
    println!("{report}");
    for (run, kills) in [(&report.alone, 0), (&report.killed, KILLS as u64)] {
        for counts in [&run.source, &run.destination] {
            assert_eq!(counts.refused, 0, "{report}");
            assert!(counts.peak <= quota.calls, "{report}");
            assert!(counts.peak_bulk <= quota.bulk_calls, "{report}");
        }
        let calls = run.calls();
        let most = planned + planned / 20 + BESIDE + kills * UNDER_WAY;
        assert!(calls <= most, "{calls} of {planned}: {report}");
    }
}

/// Backfills a world, and kills the service so often meanwhile.
async fn run(mut world: World, kills: usize, is_measured: bool) -> Run {
    world.service.start();
    if is_measured {
        world.directory_is_read().await;
    }
    let live = Live::start(&world.service);
    // The first change makes the service read the metadata.
    live.reaches(2).await;
    world.reset_calls();
    let begun = live.posted();
    let idle = begun + if is_measured { IDLE.0 } else { IDLE.1 };
    live.reaches(idle).await;
    let idle_calls = world.calls();
    let idle_posts = (live.posted() - begun) as u64;

    world.reset_calls();
    let posted = live.posted();
    let start = std::time::Instant::now();
    world.service.run(&["backfill", NAME, "--detach", "--yes"]).succeeded();
    for kill in 1..=kills {
        world.has_created(kill, kills + 1).await;
        world.service.kill_hard();
        world.service.start();
    }
    let store = world.service.store().await;
    let done = until(PATIENCE, async || {
        // Counting what became of every lead takes a while.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let found = store.backfill(1).await.map_err(|error| error.to_string())?;
        let found = found.ok_or("it is not there")?;
        if found.state.is_over() { Ok(found) } else { Err(format!("{found:?}")) }
    })
    .await;
    let took = start.elapsed();
    let ended = live.posted();
    let (source, destination) = (world.source_calls(), world.destination_calls());
    let live_calls = idle_calls * (ended - posted) as u64 / idle_posts;
    let memory = world.service.memory();
    let changes = live.stop().await;
    world.service.settled().await;
    let there = world.is_complete(&done, &changes).await;
    let (before, during) = changes.split_at(posted);
    let idle = Lags::of(&before[begun..], &there);
    let beside = Lags::of(&during[..ended - posted], &there);
    world.service.stop();
    Run { done, took, source, destination, live_calls, idle, beside, memory }
}

/// Waits for something that is sure to come.
async fn soon(what: &str, is_so: impl Fn() -> bool) {
    until(SOON * 10, async || if is_so() { Ok(()) } else { Err(what.to_owned()) }).await;
}
