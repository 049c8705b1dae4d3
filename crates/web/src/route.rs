//! Routes: the rows of the tables of the API and of the console, and who may use them.

use std::fmt;

use admin::access::Reach;
use axum::extract::RawPathParams;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use plan::permission::{Role, Scope};

use crate::Shared;

/// What a route shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// Things that belong to no connector: only for those whose reach is everything.
    Everything,
    /// The connector of the path's `{name}`.
    Connector,
    /// What is in the caller's reach; the handler ensures that.
    Reach,
    /// What belongs to the caller, such as their sessions.
    Own,
}

impl Within {
    /// Whether a route that shows this may be used by somebody with this reach, with these parts of its
    /// path. Parts that can't be read are nobody's connector.
    pub(crate) fn is_open_to(self, reach: &Reach, path: Option<&RawPathParams>) -> bool {
        match (reach, self) {
            (Reach::All, _) | (_, Self::Reach | Self::Own) => true,
            (_, Self::Everything) => false,
            (_, Self::Connector) => {
                let mut parts = path.into_iter().flat_map(RawPathParams::iter);
                parts.any(|(name, connector)| name == "name" && reach.has(connector))
            }
        }
    }
}

/// A route and what it requires. Callers whose reach is not everything are limited to what `within`
/// says, which is nothing unless a table says otherwise.
pub(crate) struct Route<N> {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) needs: N,
    pub(crate) within: Within,
    /// Whether a session must have given the password a short while ago.
    pub(crate) confirmed: bool,
    pub(crate) handler: MethodRouter<Shared>,
}

pub(crate) fn route<N, T: 'static>(
    method: Method,
    path: &'static str,
    needs: N,
    handler: impl Handler<T, Shared>,
) -> Route<N> {
    let filter = MethodFilter::try_from(method.clone()).expect("routes have standard methods");
    let (within, handler) = (Within::Everything, on(filter, handler));
    Route { method, path, needs, within, confirmed: false, handler }
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

    /// It changes accounts or people: a session must have given the password a short while ago.
    pub(crate) fn confirmed(self) -> Self {
        Self { confirmed: true, ..self }
    }
}

/// A route and who may use it.
pub(crate) struct GuardedRoute {
    methods: String,
    path: String,
    /// What it requires; `None` if anybody may use it.
    needs: Option<Scope>,
    within: Within,
}

impl GuardedRoute {
    /// A route that anybody may use.
    pub(crate) fn open(methods: &str, path: impl Into<String>) -> Self {
        let (methods, path) = (methods.to_owned(), path.into());
        Self { methods, path, needs: None, within: Within::Reach }
    }

    /// A route that requires this and shows that.
    pub(crate) fn closed(
        methods: &str,
        path: impl Into<String>,
        needs: Scope,
        within: Within,
    ) -> Self {
        let (methods, path) = (methods.to_owned(), path.into());
        Self { methods, path, needs: Some(needs), within }
    }
}

impl fmt::Display for GuardedRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { methods, path, needs, within } = self;
        let may = |role: Role| needs.is_none_or(|needs| role.most() >= needs);
        let word = |may: bool| if may { "yes" } else { "no" };
        // A user with access through an account is an operator for what is in reach.
        let guest = match (needs, within) {
            (None, _) | (_, Within::Own) => "yes",
            _ if !may(Role::Operator) => "no",
            (_, Within::Everything) => "no",
            (_, Within::Connector) => "if granted",
            (_, Within::Reach) => "what is granted",
        };
        let nobody = word(needs.is_none());
        let [viewer, operator, administrator] =
            [Role::Viewer, Role::Operator, Role::Administrator].map(|role| word(may(role)));
        write!(f, "| {methods} | `{path}` | {nobody} | {guest} | {viewer} | {operator} ")?;
        writeln!(f, "| {administrator} |")
    }
}
