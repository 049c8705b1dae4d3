//! What is between the service and the accounts: calls that get lost, and accounts that refuse for
//! a while.

use jiff::Timestamp;
use plan::operation::Operation;
use plan::snapshot::Snapshot;
use plan::verdict::Failure;
use plan::work::{ActivityPage, Answer, Call};

use super::account::{Account, refused};
use super::chance::Chance;

/// What may go wrong with a call, in thousandths.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    pub lost_before: u64,
    pub lost_after: u64,
    pub crash: u64,
}

/// How an account fails for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It refuses every write with this exception.
    Refuses(&'static str),
    /// It fails in a way that is not LeadSquared's own; the write took effect, or not.
    Fails {
        done: bool,
    },
    /// It is not reached, or its answer is lost after the write took effect.
    Broken {
        done: bool,
    },
    RateLimited,
    Credentials,
    Impossible,
    /// It says neither which lead or activity it wrote to, nor whether it made it.
    Nameless,
    /// It says that what is to be made was made, without an id, and makes nothing.
    Hollow,
    /// It writes, or reads, and returns something else.
    Unreadable,
    /// It finds leads, and does not say their ids.
    FindsNameless,
    /// Its answers are lost after writes took effect; later it refuses everything, reads too.
    LosesThenRefuses,
}

pub const SHAPES: [Shape; 21] = [
    Shape::Refuses("MXDuplicateEntryException"),
    Shape::Refuses("MXInvalidEntityException"),
    Shape::Refuses("MXUnknownProspectActivityException"),
    Shape::Refuses("MXInvalidActivityException"),
    Shape::Refuses("MXUnknownAttributeException"),
    Shape::Refuses("MXInvalidDataTypeException"),
    Shape::Refuses("MXMandatoryFieldMissingException"),
    Shape::Refuses("MXInvalidInputException"),
    Shape::Refuses("MXXSSException"),
    Shape::Fails { done: false },
    Shape::Fails { done: true },
    Shape::Broken { done: false },
    Shape::Broken { done: true },
    Shape::RateLimited,
    Shape::Credentials,
    Shape::Impossible,
    Shape::Nameless,
    Shape::Hollow,
    Shape::Unreadable,
    Shape::FindsNameless,
    Shape::LosesThenRefuses,
];

impl Shape {
    /// What comes back of a call; `is_late`: in the second half of the trouble.
    fn answer(
        self,
        account: &mut Account,
        call: &Call,
        by: Operation,
        (now, is_late): (Timestamp, bool),
    ) -> Answer {
        let failed = |failure: Result<Answer, Failure>| failure.unwrap_or_else(Answer::Failed);
        let mut done = || account.answer(call, by, now);
        match self {
            Self::Refuses(exception) if call.writes() => {
                failed(refused(exception, "Invalid SearchBy value provided"))
            }
            Self::Hollow
                if call.writes()
                    && !matches!(call, Call::UpdateLead(_) | Call::UpdateActivity(_)) =>
            {
                Answer::Written { id: None, is_created: None }
            }
            Self::Refuses(_) | Self::Hollow => done(),
            Self::Fails { done: is_done } => {
                if is_done {
                    done();
                }
                failed(refused("NullReferenceException", "There was an error"))
            }
            Self::Broken { done: is_done } => {
                if is_done {
                    done();
                }
                broken(is_done)
            }
            Self::RateLimited => Answer::Failed(Failure::RateLimited(None)),
            Self::Credentials => Answer::Failed(Failure::Credentials { message: "Invalid".into() }),
            Self::Impossible => {
                Answer::Failed(Failure::Impossible { problem: "a bad host".into() })
            }
            Self::Nameless => match done() {
                Answer::Written { .. } => Answer::Written { id: None, is_created: None },
                other => other,
            },
            Self::Unreadable => match done() {
                Answer::Leads(_) | Answer::Written { .. } => {
                    Answer::Activities(ActivityPage::default())
                }
                Answer::Activities(_) => Answer::Leads(Vec::new()),
                failed @ Answer::Failed(_) => failed,
            },
            Self::LosesThenRefuses if is_late => {
                failed(refused("MXUnAuthorizedAccessException", "Access denied"))
            }
            Self::LosesThenRefuses => {
                done();
                broken(call.writes())
            }
            Self::FindsNameless => match (done(), call) {
                (Answer::Leads(leads), Call::FindLead(_)) => {
                    let nameless = |mut lead: Snapshot| {
                        lead.0.remove("ProspectID");
                        lead
                    };
                    Answer::Leads(leads.into_iter().map(nameless).collect())
                }
                (other, _) => other,
            },
        }
    }
}

/// An account that fails in this way from then to then.
#[derive(Clone, Copy, Debug)]
pub struct Trouble {
    pub side: usize,
    pub shape: Shape,
    pub since: Timestamp,
    pub until: Timestamp,
}

/// The world outside of the service.
pub struct Outside<'a> {
    pub accounts: &'a mut [Account; 2],
    pub now: &'a mut Timestamp,
    pub faults: Faults,
    pub trouble: Option<Trouble>,
    pub chance: &'a mut Chance,
}

impl Outside<'_> {
    /// What comes back of a call to the account of this side.
    pub fn answer(&mut self, side: usize, call: &Call, by: Operation) -> Answer {
        let now = *self.now;
        let account = &mut self.accounts[side];
        if let Some(trouble) =
            self.trouble.filter(|it| it.side == side && it.since <= now && now < it.until)
        {
            let is_late = now.duration_since(trouble.since) > trouble.until.duration_since(now);
            return trouble.shape.answer(account, call, by, (now, is_late));
        }
        if !call.writes() {
            let is_lost = self.chance.of(self.faults.lost_before / 5);
            return if is_lost { broken(false) } else { account.answer(call, by, now) };
        }
        if self.chance.of(self.faults.lost_before) {
            return broken(self.chance.of(500));
        }
        let answer = account.answer(call, by, now);
        if self.chance.of(self.faults.lost_after) { broken(true) } else { answer }
    }

    pub fn crashes(&mut self) -> bool {
        self.chance.of(self.faults.crash)
    }
}

fn broken(maybe_done: bool) -> Answer {
    Answer::Failed(Failure::Broken { problem: "the connection was reset".to_owned(), maybe_done })
}
