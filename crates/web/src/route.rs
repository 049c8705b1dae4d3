//! Routes: the rows of the tables of the API and of the console.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::Shared;
use crate::access::Within;

/// A route and what it requires. Callers whose reach is not everything are limited to what `within`
/// says, which is nothing unless a table says otherwise.
pub(crate) struct Route<N> {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) needs: N,
    pub(crate) within: Within,
    pub(crate) handler: MethodRouter<Shared>,
}

pub(crate) fn route<N, T: 'static>(
    method: Method,
    path: &'static str,
    needs: N,
    handler: impl Handler<T, Shared>,
) -> Route<N> {
    let filter = MethodFilter::try_from(method.clone()).expect("routes have standard methods");
    Route { method, path, needs, within: Within::Everything, handler: on(filter, handler) }
}

impl<N> Route<N> {
    /// It shows the connector of its path, and nothing else.
    pub(crate) fn of_connector(self) -> Self {
        Self { within: Within::Connector, ..self }
    }

    /// It shows what is in the caller's reach.
    pub(crate) fn in_reach(self) -> Self {
        Self { within: Within::Reach, ..self }
    }

    /// It is about the caller's own session.
    pub(crate) fn own(self) -> Self {
        Self { within: Within::Own, ..self }
    }
}
