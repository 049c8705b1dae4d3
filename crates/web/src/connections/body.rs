//! The body of a request, which must arrive in time.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Sleep;

use super::places::Place;

/// A body that ends with an error if it has not arrived in time. Once it has, the request is being
/// handled, and its connection doesn't yield any more.
pub(super) struct Timely {
    inner: Incoming,
    /// `None` once it has arrived.
    deadline: Option<Pin<Box<Sleep>>>,
    place: Arc<Place>,
}

impl Timely {
    pub(super) fn new(inner: Incoming, within: Duration, place: Arc<Place>) -> Self {
        let mut timely = Self { inner, deadline: None, place };
        if timely.inner.is_end_stream() {
            timely.place.set_yielding(false);
        } else {
            timely.deadline = Some(Box::pin(tokio::time::sleep(within)));
        }
        timely
    }
}

impl Drop for Timely {
    /// A handler that does not read its body is at work, too.
    fn drop(&mut self) {
        self.place.set_yielding(false);
    }
}

impl Body for Timely {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_frame(context) {
            Poll::Ready(frame) => {
                if !matches!(frame, Some(Ok(_))) || this.inner.is_end_stream() {
                    this.deadline = None;
                    this.place.set_yielding(false);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let Some(deadline) = &mut this.deadline else { return Poll::Pending };
                std::task::ready!(deadline.as_mut().poll(context));
                let what = "the body did not arrive in time";
                Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, what).into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Whether a body could not be read because it did not arrive in time.
pub(crate) fn is_too_slow(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return true;
        }
        next = error.source();
    }
    false
}
