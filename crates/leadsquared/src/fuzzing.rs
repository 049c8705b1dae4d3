//! An entry point for the fuzz targets, in no build of the product.

use crate::answer::{CallContext, judge};
use crate::{
    Activity, ActivityForm, ActivityRow, ActivityType, BulkUpdated, Done, Effect, Lead, LeadField,
    LeadRow, Page, Rows, User, Webhook, Written,
};

/// Reads a response as that of every operation.
pub fn judge_all(status: u16, body: &[u8]) {
    const ASKED: CallContext<'_> = CallContext {
        operation: "Service.svc/Operation",
        effect: Effect::Unknown,
        host: "api.leadsquared.com",
    };
    /// Longer than the message of any error.
    const LONGEST_MESSAGE: usize = 8 * crate::MESSAGE_LIMIT + 1_000;
    macro_rules! judge_as {
        ($($answer:ty),* $(,)?) => {$(
            if let Err(error) = judge::<$answer>(ASKED, status, body) {
                let said = error.to_string();
                assert!(said.len() <= LONGEST_MESSAGE, "{} bytes: {said}", said.len());
            }
        )*};
    }
    judge_as!(
        Written,
        Done,
        BulkUpdated,
        ActivityForm,
        Vec<Lead>,
        Vec<LeadField>,
        Vec<User>,
        Vec<ActivityType>,
        Page<Lead>,
        Page<Activity>,
        Page<Webhook>,
        Rows<LeadRow>,
        Rows<ActivityRow>,
    );
}
