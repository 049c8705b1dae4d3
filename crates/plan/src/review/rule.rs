//! Rules that resolve many reviews at once.

use serde::{Deserialize, Serialize};

use super::{Candidate, Choice, Reason, Review};
use crate::outcome::words;
use crate::snapshot::Snapshot;

words! {
    /// What decides many reviews of one kind.
    Rule {
        /// Of a conflict: the source's values.
        Source = "source",
        /// Of a conflict: the destination's values.
        Destination = "destination",
        /// Of an ambiguous match: the lead that the primary search key found.
        PrimaryKey = "primary_key",
        /// Of an ambiguous match: the only candidate with the lead's first and last name.
        SameName = "same_name",
        /// Of an ambiguous match: none of them, a new lead is created.
        Create = "create",
        /// Of an ambiguous match: the lead is left alone.
        Ignore = "ignore",
    }
}

impl Rule {
    /// What the rule decides about this review; `None`: nothing, so that the review stays open.
    /// `primary` is the connector's primary search key, by schema name.
    pub fn choice(self, review: &Review, primary: &str) -> Option<Choice> {
        let choice = match self {
            Self::Source => Choice::Source,
            Self::Destination => Choice::Destination,
            Self::Create => Choice::Create,
            Self::Ignore => Choice::Ignore,
            Self::PrimaryKey => link(review, |one| one.found_by.as_deref() == Some(primary))?,
            Self::SameName => {
                let name = name(&review.sends)?;
                link(review, |one| self::name(&one.fields).as_deref() == Some(&name))?
            }
        };
        choice.answers(review.reason).then_some(choice)
    }

    /// Whether it is for reviews with this reason.
    pub fn is_for(self, reason: Reason) -> bool {
        let is_of_conflicts = matches!(self, Self::Source | Self::Destination);
        is_of_conflicts == (reason == Reason::Conflict)
    }
}

/// The link with the only candidate that is so.
fn link(review: &Review, is_it: impl Fn(&Candidate) -> bool) -> Option<Choice> {
    let mut found = review.candidates.iter().filter(|one| is_it(one));
    let one = found.next()?;
    found.next().is_none().then(|| Choice::Link { lead_id: one.lead_id.clone() })
}

/// First and last name, without regard to case and surrounding blanks; `None` where both are empty.
fn name(fields: &Snapshot) -> Option<String> {
    let parts = ["FirstName", "LastName"].map(|field| fields.filled(field).unwrap_or_default());
    let parts = parts.map(|part| part.trim().to_lowercase());
    parts.iter().any(|part| !part.is_empty()).then(|| parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::LeadId;

    fn candidate(id: &str, found_by: &str, name: (&str, &str)) -> Candidate {
        Candidate {
            lead_id: LeadId::new(id),
            found_by: Some(found_by.to_owned()),
            fields: [("FirstName", name.0), ("LastName", name.1)].into_iter().collect(),
            linked_to: None,
        }
    }

    fn review(reason: Reason, candidates: Vec<Candidate>) -> Review {
        let sends = [("FirstName", "Asha"), ("LastName", "Nair")].into_iter().collect();
        Review { reason, sends, candidates, disputes: Vec::new() }
    }

    fn link_to(id: &str) -> Choice {
        Choice::Link { lead_id: LeadId::new(id) }
    }

    #[test]
    fn a_rule_decides_what_it_fits_and_leaves_the_rest_open() {
        let two = review(
            Reason::KeysDisagree,
            vec![
                candidate("one", "EmailAddress", ("A.", "Nayar")),
                candidate("two", "Phone", ("asha ", "NAIR")),
            ],
        );
        let by = |rule: Rule| rule.choice(&two, "EmailAddress");
        assert_eq!(by(Rule::PrimaryKey), Some(link_to("one")));
        assert_eq!(by(Rule::SameName), Some(link_to("two")));
        assert_eq!(by(Rule::Create), Some(Choice::Create));
        assert_eq!(by(Rule::Ignore), Some(Choice::Ignore));
        assert_eq!((by(Rule::Source), by(Rule::Destination)), (None, None));
        assert_eq!(Rule::PrimaryKey.choice(&two, "Mobile"), None, "no candidate was found by it");

        let namesakes = vec![
            candidate("one", "Phone", ("Asha", "Nair")),
            candidate("two", "Phone", ("Asha", "Nair")),
        ];
        let namesakes = review(Reason::Several, namesakes);
        assert_eq!(Rule::SameName.choice(&namesakes, "Phone"), None, "two have the name");
        assert_eq!(Rule::PrimaryKey.choice(&namesakes, "Phone"), None, "two have the key");

        let conflict = review(Reason::Conflict, vec![candidate("one", "Phone", ("", ""))]);
        assert_eq!(Rule::Source.choice(&conflict, ""), Some(Choice::Source));
        assert_eq!(Rule::Create.choice(&conflict, ""), None);
        let nameless = Review { sends: [("FirstName", " ")].into_iter().collect(), ..namesakes };
        assert_eq!(Rule::SameName.choice(&nameless, ""), None);
    }

    #[test]
    fn each_rule_is_for_the_reasons_it_can_answer() {
        for rule in Rule::ALL {
            let of_conflicts = matches!(rule, Rule::Source | Rule::Destination);
            assert_eq!(rule.is_for(Reason::Conflict), of_conflicts, "{rule:?}");
            assert_eq!(rule.is_for(Reason::Several), !of_conflicts, "{rule:?}");
        }
    }
}
