//! What is asked of an account to find out what it is like: things that LeadSquared's pages leave
//! open, or in which accounts differ.
//!
//! leadsync works with either answer to each question, so none has to be asked. What an account
//! answers is kept as a [`crate::traits::Trait`], and shown beside what is assumed of every account.

use serde::Serialize;

use crate::payload::{Found, Item};

/// The email addresses that a test lead has or had for a moment. Nobody has an address of
/// `example.com` (RFC 2606).
pub const ADDRESSES: [&str; 2] = ["leadsync-probe-1@example.com", "leadsync-probe-2@example.com"];
/// The last name of every test lead, by which a person knows it.
pub const LAST_NAME: &str = "leadsync test, please delete";

/// Whether this is a test lead, which must not be synced.
pub fn is_test_lead(lead: &Item) -> bool {
    let is_one_of = |field: &str, marks: &[&str]| match lead.find(field) {
        Found::Text(text) => marks.iter().any(|mark| text.trim().eq_ignore_ascii_case(mark)),
        _ => false,
    };
    is_one_of("EmailAddress", &ADDRESSES) || is_one_of("LastName", &[LAST_NAME])
}

/// A question to an account.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// What reports and the store call it.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// The answer that is assumed of every account.
    pub assumed: &'static str,
    /// Why.
    pub source: &'static str,
    /// Each answer by its name, and what it means.
    pub answers: &'static [(&'static str, &'static str)],
    /// Whether it takes a test lead to find out.
    pub writes: bool,
}

impl Question {
    /// The question of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        QUESTIONS.iter().find(|question| question.name == name)
    }

    /// What an answer means; for an unknown answer, its name.
    pub fn words<'a>(&self, answer: &'a str) -> &'a str {
        let known = self.answers.iter().find(|(name, _)| *name == answer);
        known.map_or(answer, |(_, words)| words)
    }
}

/// What one question came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The question's name.
    pub question: &'static str,
    /// The answer that is assumed of every account, by its name.
    pub assumed: &'static str,
    /// The name of this account's answer; `None` if there is no clear answer.
    pub seen: Option<&'static str>,
    /// What that means, or why there is no clear answer. It holds no value of the account.
    pub words: String,
}

impl Finding {
    /// The account gave this answer, which must be one of the question's.
    pub fn of(question: &'static Question, answer: &str) -> Self {
        let known = question.answers.iter().find(|(name, _)| *name == answer);
        debug_assert!(known.is_some(), "{} has no answer {answer}", question.name);
        Self {
            question: question.name,
            assumed: question.assumed,
            seen: known.map(|(name, _)| *name),
            words: question.words(answer).to_owned(),
        }
    }

    /// There is no clear answer, for this reason.
    pub fn untold(question: &'static Question, why: impl Into<String>) -> Self {
        let assumed = question.assumed;
        Self { question: question.name, assumed, seen: None, words: why.into() }
    }

    /// Whether the account is another than what is assumed.
    pub fn differs(&self) -> bool {
        self.seen.is_some_and(|seen| seen != self.assumed)
    }
}

/// Every question, in the order in which it is asked.
pub static QUESTIONS: &[Question] = &[
    Question {
        name: "error_status",
        title: "HTTP status of a refusal",
        assumed: "500",
        source: "documented; several clients report 200",
        answers: &[("500", "500"), ("200", "200, with Status: Error")],
        writes: false,
    },
    Question {
        name: "is_mx_exception",
        title: "IsMXException in refusals",
        assumed: "off",
        source: "three members are documented; two sites captured four",
        answers: &[("off", "left out"), ("on", "there")],
        writes: false,
    },
    Question {
        name: "capture_answer",
        title: "Answer of Lead.Capture",
        assumed: "full",
        source: "client code, which reads different members",
        answers: &[
            ("full", "Id, RelatedId and IsCreated"),
            ("id_only", "Id only"),
            ("related_id_only", "RelatedId and IsCreated, no Id"),
        ],
        writes: true,
    },
    Question {
        name: "capture_activity",
        title: "A repeated capture with a source",
        assumed: "on",
        source: "documented",
        answers: &[("on", "adds a Lead Capture activity"), ("off", "adds no activity")],
        writes: true,
    },
    Question {
        name: "search_by_prospect_id",
        title: "SearchBy: ProspectID",
        assumed: "off",
        source: "live, of opportunities: ProspectId alone is taken",
        answers: &[("off", "refused"), ("on", "taken")],
        writes: true,
    },
    Question {
        name: "search_by_falls_back",
        title: "Lead.Capture whose SearchBy finds nobody",
        assumed: "off",
        source: "a guess; the documentation says that the field takes priority",
        answers: &[
            ("off", "finds nobody by other fields either"),
            ("on", "looks by email address and phone number next"),
        ],
        writes: true,
    },
    Question {
        name: "create_or_update_by_phone",
        title: "Lead.CreateOrUpdate without SearchBy",
        assumed: "off",
        source: "client code; documented otherwise",
        answers: &[
            ("off", "finds leads by email address only"),
            ("on", "finds leads by phone number too"),
        ],
        writes: true,
    },
    Question {
        name: "phone_match",
        title: "Phone numbers are the same",
        assumed: "exact",
        source: "an integrator's experiment",
        answers: &[("exact", "if they are written alike"), ("digits", "if their digits are alike")],
        writes: true,
    },
    Question {
        name: "empty_value",
        title: "An empty value that is written",
        assumed: "clears",
        source: "a guess",
        answers: &[("clears", "clears the field"), ("ignored", "is ignored")],
        writes: true,
    },
    Question {
        name: "too_long",
        title: "A text that is too long for its field",
        assumed: "refused",
        source: "a guess",
        answers: &[
            ("refused", "refuses the lead"),
            ("cut", "is cut"),
            ("stored", "is stored whole"),
        ],
        writes: true,
    },
    Question {
        name: "unknown_option",
        title: "A dropdown value that is not listed",
        assumed: "stored",
        source: "live, two authors",
        answers: &[
            ("stored", "is stored"),
            ("refused", "refuses the lead"),
            ("ignored", "is left out"),
        ],
        writes: true,
    },
    Question {
        name: "bad_contact",
        title: "A phone number that is not a number",
        assumed: "stored",
        source: "a guess",
        answers: &[
            ("stored", "is stored"),
            ("refused", "refuses the lead"),
            ("ignored", "is left out"),
        ],
        writes: true,
    },
    Question {
        name: "system_write",
        title: "A value for a field of LeadSquared's own, such as CreatedOn",
        assumed: "ignored",
        source: "a guess",
        answers: &[
            ("ignored", "is ignored"),
            ("refused", "refuses the lead"),
            ("stored", "is stored"),
        ],
        writes: true,
    },
    Question {
        name: "unknown_owner",
        title: "An owner that the account does not have",
        assumed: "refused",
        source: "a guess",
        answers: &[
            ("refused", "refuses the lead"),
            ("stored", "is stored"),
            ("ignored", "is left out"),
        ],
        writes: true,
    },
    Question {
        name: "touch_without_change",
        title: "A write that changes no value",
        assumed: "on",
        source: "a guess",
        answers: &[("on", "still changes ModifiedOn"), ("off", "leaves ModifiedOn alone")],
        writes: true,
    },
    Question {
        name: "date_reads",
        title: "A date field is read",
        assumed: "with_midnight",
        source: "a guess",
        answers: &[("with_midnight", "with a time of midnight"), ("date_only", "as a date alone")],
        writes: true,
    },
    Question {
        name: "bulk_rows",
        title: "Rows of a bulk answer",
        assumed: "numbered",
        source: "client code",
        answers: &[
            ("numbered", "are numbered from 1, in the order of the request"),
            ("reordered", "are numbered from 1, in another order"),
            ("from_zero", "are numbered from 0"),
            ("unnumbered", "have no number"),
        ],
        writes: true,
    },
    Question {
        name: "activity_offset",
        title: "Offset where the activities of a lead are read",
        assumed: "pages",
        source: "documented; that the first page is 0 is a guess",
        answers: &[("pages", "counts pages"), ("rows", "counts activities")],
        writes: true,
    },
    Question {
        name: "delete_enabled",
        title: "Deleting a lead by the API",
        assumed: "off",
        source: "documented: off unless LeadSquared's support enables it",
        answers: &[("off", "is refused"), ("on", "works")],
        writes: true,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_question_has_a_name_of_its_own_and_its_assumed_answer() {
        for (at, question) in QUESTIONS.iter().enumerate() {
            assert_eq!(QUESTIONS.iter().position(|other| other.name == question.name), Some(at));
            let finding = Finding::of(question, question.assumed);
            assert!(!finding.differs());
            assert_eq!(finding.seen, Some(question.assumed));
        }
        let (question, other) = (Question::named("phone_match").unwrap(), "digits");
        assert!(Finding::of(question, other).differs());
        assert!(!Finding::untold(question, "no phone field").differs());
    }
}
