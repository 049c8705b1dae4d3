//! The webhook receiver, the health pages and, later, the API and the console.
