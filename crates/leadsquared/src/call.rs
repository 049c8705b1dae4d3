//! A call before it is sent.

use std::borrow::Cow;

use serde::Serialize;

use crate::Effect;

/// A call to be sent.
pub(crate) struct Call<'a> {
    pub operation: &'static str,
    pub effect: Effect,
    pub query: Vec<(&'static str, Cow<'a, str>)>,
    pub body: Option<String>,
    pub record: Option<String>,
    pub hide_answer: bool,
    pub problem: Option<String>,
}

impl<'a> Call<'a> {
    fn new(operation: &'static str, effect: Effect, body: Option<String>) -> Self {
        let query = Vec::new();
        Self { operation, effect, query, body, record: None, hide_answer: false, problem: None }
    }

    /// A `GET` that only reads.
    pub fn get(operation: &'static str) -> Self {
        Self::new(operation, Effect::None, None)
    }

    /// A `GET` that changes something: LeadSquared deletes by `GET`.
    pub fn get_that_writes(operation: &'static str) -> Self {
        Self::new(operation, Effect::Unknown, None)
    }

    /// A `POST` that only reads.
    pub fn search(operation: &'static str, body: &impl Serialize) -> Self {
        Self::new(operation, Effect::None, Some(json(body)))
    }

    /// A `POST` that writes.
    pub fn write(operation: &'static str, body: &impl Serialize) -> Self {
        Self::new(operation, Effect::Unknown, Some(json(body)))
    }

    pub fn query(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Records a different body than the one that is sent.
    pub fn recorded_as(mut self, body: &impl Serialize) -> Self {
        self.record = Some(json(body));
        self
    }

    /// Keeps the response out of the record.
    pub fn hide_answer(mut self) -> Self {
        self.hide_answer = true;
        self
    }

    /// Refuses, without sending it, a list that LeadSquared would refuse or truncate.
    pub fn of_rows(mut self, rows: usize, most: usize) -> Self {
        if rows == 0 || rows > most {
            self.problem = Some(format!(
                "{} takes 1 to {most} rows but got {rows}; split them",
                self.operation
            ));
        }
        self
    }
}

fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("request types are strings, numbers and lists of them")
}
