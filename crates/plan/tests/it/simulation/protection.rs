//! The protections, each of which can be switched off to see that the checks notice.

/// A protection that is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// The base of the two sides: nothing is known of what they held when they last agreed.
    Base,
    /// What was sent when the two last agreed, whatever the mapping of now makes of it.
    Sent,
    /// The order by the accounts' own times.
    Versions,
    /// The other side is looked at, and what it changed merged.
    Merge,
    /// What is about to be written is kept before the call.
    Intent,
    /// Fields that go back and forth are frozen.
    Breaker,
    /// Leads that are gone are known, so that a late webhook does not make them again.
    Graves,
    /// The link of an activity, by which an echo and a duplicate are known.
    ActivityLink,
    /// An activity is looked for on a lead whose past is not known,
    Past,
    /// and what is known of it is forgotten when the store was restored from a backup.
    Unbroken,
    /// After a lost answer it is looked at what there is.
    Looking,
    /// A doubt outlives a failure, until a person retries.
    DoubtOfFailures,
    /// What may be older than our own write is read again.
    Reading,
    /// Whose the leads are that were found.
    Ties,
    /// What people decided, and what they are to decide.
    Reviews,
    /// Only what the account keeps from being doubled is made without looking.
    CreatesOnce,
    /// A lead that was not made because it exists is updated.
    Exists,
    /// Leads are looked for by their keys.
    Finding,
    /// The accounts are asked again what they say of themselves.
    Metadata,
    /// What was left when two leads met is known, so that the webhook of an edit from before is not
    /// stale.
    Left,
    /// What a person is asked about such an edit is known until it is settled.
    Disputed,
    /// Of two leads that have not met, no change gives way to a later one.
    GivingWay,
    /// A lead that was only looked at was changed by nobody.
    Looked,
}
