// Every page of the console, and how one comes to it. What is to hold for all pages is tested by
// going through this list; `tests/pages.test.js` sees to it that no page is missing.

/** Routes that answer with a file or lead elsewhere at once: nothing to look at. */
export const NO_PAGES = ["/", "/connectors/{name}/export"];

/**
 * `route` as the table in `crates/web/src/console/mod.rs` has it; `world` says what has happened
 * before (`stage/world.js`); `path` takes it. `as`: who looks, an administrator unless another is
 * named; `nobody` is not signed in. `sees`: something that only this page says. `dark`: there is a
 * picture of it in the dark theme too. `before`: what one does on the page until it is so.
 */
export const PAGES = [
  { name: "start", route: "/start", world: "fresh", as: "nobody", sees: "Make the first administrator" },
  { name: "sign-in", route: "/sign-in", world: "bare", as: "nobody", sees: "Sign in to leadsync", dark: true },

  { name: "connectors-none", path: () => "/connectors", route: "/connectors", world: "bare", sees: "There is no connector yet" },
  { name: "connectors", route: "/connectors", world: "busy", sees: "sales-to-patients", dark: true },
  { name: "connector-new-without-accounts", path: () => "/connectors/new", route: "/connectors/new", world: "bare", sees: "a connector needs two" },
  { name: "connector-new", path: () => "/connectors/new", route: "/connectors/new", world: "busy", sees: "Name of the connector" },
  { name: "connector", route: "/connectors/{name}", world: "busy", path: () => "/connectors/sales-to-patients", sees: "Newest requests", dark: true },
  { name: "connector-in-set-up", route: "/connectors/{name}", world: "busy", path: () => "/connectors/sales-to-archive", sees: "Go on with the set-up" },
  { name: "connector-more-actions", route: "/connectors/{name}", world: "busy", path: () => "/connectors/sales-to-patients", sees: "Edit configuration", before: async (page) => page.getByText("More actions").click() },
  { name: "connector-basic", route: "/connectors/{name}/basic", world: "busy", path: () => "/connectors/sales-to-patients/basic", sees: "How a lead is found again" },
  { name: "connector-entities", route: "/connectors/{name}/entities", world: "busy", path: () => "/connectors/sales-to-patients/entities", sees: "Sync Behaviour of activities" },
  { name: "connector-webhook", route: "/connectors/{name}/webhook", world: "busy", path: () => "/connectors/sales-to-patients/webhook", sees: "Whoever has it can post changes", dark: true },
  { name: "connector-check", route: "/connectors/{name}/check", world: "busy", path: () => "/connectors/sales-to-patients/check", sees: "Check again" },
  { name: "connector-preview", route: "/connectors/{name}/preview", world: "busy", path: () => "/connectors/sales-to-patients/preview", sees: "Body of a webhook" },

  { name: "requests-none", path: () => "/requests", route: "/requests", world: "bare", sees: "Nothing came yet" },
  { name: "requests", route: "/requests", world: "busy", sees: "can't be found again", dark: true },
  { name: "requests-filtered-to-none", route: "/requests", world: "busy", path: () => "/requests?q=nobody@example.org", sees: "No request is like that" },
  { name: "requests-wrong-filter", route: "/requests", world: "busy", path: () => "/requests?event=odd", status: 400, sees: "odd" },
  { name: "request-created", route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.created.id}`, sees: "What came in" },
  { name: "request-updated", route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.updated.id}`, sees: "What came in", dark: true },
  { name: "request-failed", route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.keyless.id}`, sees: "Retry" },
  { name: "request-unreadable", route: "/requests/{id}", world: "busy", path: ({ known }) => `/requests/${known.unreadable.id}`, sees: "is not JSON" },
  { name: "request-gone", route: "/requests/{id}", world: "busy", path: () => "/requests/0AMJCSPP40499", status: 404, sees: "It is not here" },

  { name: "accounts-none", path: () => "/accounts", route: "/accounts", world: "bare", sees: "There is no LeadSquared account yet" },
  { name: "accounts", route: "/accounts", world: "busy", sees: "patients" },
  { name: "account-new", path: () => "/accounts/new", route: "/accounts/new", world: "bare", sees: "Add an account" },
  { name: "account", route: "/accounts/{name}", world: "busy", path: () => "/accounts/sales", sees: "Remove it" },

  { name: "own-account", path: () => "/account", route: "/account", world: "busy", sees: "Where you are signed in" },
  { name: "not-allowed", path: () => "/accounts", route: "/accounts", world: "busy", as: "operator", status: 403, sees: "This is not allowed" },
];
