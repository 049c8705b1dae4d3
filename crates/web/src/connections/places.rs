//! Which connections are open, and which of them makes room when every place is taken.
//!
//! A peer that opens connections and sends nothing, or does not read what it asked for, must not
//! keep others out. So a connection *yields* unless a request of it is being handled: it may be
//! closed to make room for another. Of those that yield, the oldest of the address with the most
//! connections goes first. A connection that delivers a webhook does not yield, from the head of
//! its request on: that is what the place is for.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A connection keeps its place for so long, so that its first request can arrive.
const GRACE: Duration = Duration::from_secs(1);

/// How often a connection that must make room looks whether its request has ended.
const AGAIN: Duration = Duration::from_millis(50);

/// The places for connections.
#[derive(Debug)]
pub(super) struct Places {
    /// In all, and for one address.
    most: usize,
    most_of_one: usize,
    open: Mutex<Open>,
    /// Notified when a place is free, or a connection begins to yield.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// By age.
    places: BTreeMap<u64, Taken>,
    by_address: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Taken {
    address: IpAddr,
    since: Instant,
    yields: Arc<AtomicBool>,
    /// Cancelled when it must make room.
    closed: CancellationToken,
    /// Whether it was, so that it is not counted any more.
    is_closing: bool,
}

/// The place of a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    yields: Arc<AtomicBool>,
    closed: CancellationToken,
}

impl Places {
    pub(super) fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        let (open, changed) = (Mutex::default(), Notify::new());
        Arc::new(Self { most: most.max(1), most_of_one: most_of_one.max(1), open, changed })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a connection from this address, closing another one if none is free. It
    /// waits while all places are taken by connections that don't yield. `None`: this address has
    /// its share, and none of its connections yields.
    pub(super) async fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        loop {
            let changed = self.changed.notified();
            let taken = self.open().take(self.most, self.most_of_one, address);
            match taken {
                Ok((number, yields, closed)) => {
                    return Some(Place { places: Arc::clone(self), number, yields, closed });
                }
                Err(Full::OfThisAddress) => return None,
                // Nobody says when the grace of a new connection is over.
                Err(Full::InAll) => {
                    let _ = tokio::time::timeout(GRACE, changed).await;
                }
            }
        }
    }
}

/// Why there is no place.
enum Full {
    InAll,
    OfThisAddress,
}

impl Open {
    fn take(
        &mut self,
        most: usize,
        most_of_one: usize,
        address: IpAddr,
    ) -> Result<(u64, Arc<AtomicBool>, CancellationToken), Full> {
        let own = self.by_address.get(&address).copied().unwrap_or_default();
        // Everybody comes from here if a proxy on this machine stands before us.
        let is_shared = address.is_loopback();
        if own >= most_of_one && !is_shared && !self.close_one(|taken| taken.address == address) {
            return Err(Full::OfThisAddress);
        }
        let in_all: usize = self.by_address.values().sum();
        if in_all >= most {
            let counts = &self.by_address;
            // Of several with as many, that of the oldest connection.
            let yielding = self.places.values().rev().filter(|taken| taken.may_close());
            let heaviest =
                yielding.map(|taken| taken.address).max_by_key(|address| counts.get(address));
            let Some(heaviest) = heaviest else { return Err(Full::InAll) };
            self.close_one(|taken| taken.address == heaviest);
        }
        let (number, yields) = (self.next, Arc::new(AtomicBool::new(true)));
        let closed = CancellationToken::new();
        self.next += 1;
        *self.by_address.entry(address).or_default() += 1;
        let taken = Taken {
            address,
            since: Instant::now(),
            yields: Arc::clone(&yields),
            closed: closed.clone(),
            is_closing: false,
        };
        self.places.insert(number, taken);
        Ok((number, yields, closed))
    }

    /// Closes the oldest of these that yields. Its place is free from now on.
    fn close_one(&mut self, which: impl Fn(&Taken) -> bool) -> bool {
        let oldest = self.places.values_mut().find(|taken| taken.may_close() && which(taken));
        let Some(oldest) = oldest else { return false };
        oldest.is_closing = true;
        oldest.closed.cancel();
        let address = oldest.address;
        self.forget(address);
        true
    }

    fn forget(&mut self, address: IpAddr) {
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

impl Taken {
    fn may_close(&self) -> bool {
        !self.is_closing && self.yields.load(Ordering::Acquire) && self.since.elapsed() >= GRACE
    }
}

impl Place {
    /// Whether the connection makes room for another if that is needed.
    pub(super) fn set_yielding(&self, yields: bool) {
        self.yields.store(yields, Ordering::Release);
        if yields {
            self.places.changed.notify_waiters();
        }
    }

    /// Resolves when the connection must make room. A request that began in the meantime is finished.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
        while !self.yields.load(Ordering::Acquire) {
            tokio::time::sleep(AGAIN).await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.open();
        if let Some(taken) = open.places.remove(&self.number)
            && !taken.is_closing
        {
            open.forget(taken.address);
        }
        drop(open);
        self.places.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn is_closed(place: &Place) -> bool {
        place.closed.is_cancelled()
    }

    #[tokio::test(start_paused = true)]
    async fn the_heaviest_address_makes_room() {
        let places = Places::new(4, 100);
        let guest = places.take(address(1)).await.unwrap();
        let mut crowd = Vec::new();
        for _ in 0..3 {
            crowd.push(places.take(address(2)).await.unwrap());
        }
        tokio::time::advance(GRACE).await;
        let _new = places.take(address(3)).await.unwrap();
        assert_eq!(crowd.iter().map(is_closed).collect::<Vec<_>>(), [true, false, false]);
        let _another = places.take(address(4)).await.unwrap();
        assert_eq!(crowd.iter().map(is_closed).collect::<Vec<_>>(), [true, true, false]);
        assert!(!is_closed(&guest));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_being_handled_keeps_its_place() {
        let places = Places::new(2, 100);
        let works = places.take(address(1)).await.unwrap();
        works.set_yielding(false);
        let idle = places.take(address(1)).await.unwrap();
        tokio::time::advance(GRACE).await;
        let _new = places.take(address(2)).await.unwrap();
        assert!(is_closed(&idle) && !is_closed(&works));
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_until_one_yields_or_leaves() {
        let places = Places::new(1, 100);
        let first = places.take(address(1)).await.unwrap();
        first.set_yielding(false);
        let waiting = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take(address(2)).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        first.set_yielding(true);
        let second = waiting.await.unwrap().unwrap();
        assert!(is_closed(&first));
        second.set_yielding(false);
        drop(first);
        let waiting = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take(address(2)).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(second);
        assert!(waiting.await.unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_its_share() {
        let places = Places::new(100, 2);
        let works =
            [places.take(address(1)).await.unwrap(), places.take(address(1)).await.unwrap()];
        works[0].set_yielding(false);
        assert!(places.take(address(1)).await.is_none(), "the other one is new");
        tokio::time::advance(GRACE).await;
        let third = places.take(address(1)).await.unwrap();
        assert!(is_closed(&works[1]), "the other one made room");
        third.set_yielding(false);
        assert!(places.take(address(1)).await.is_none());
        assert!(places.take(address(2)).await.is_some());
    }
}
