//! Questions that can be answered without writing.

use leadsquared::{Error, LeadQuery, Operator, Paging, Sorting};
use plan::probe::{Finding, Question};

use super::{Probe, reason};

/// A field that no account has.
const NO_FIELD: &str = "leadsync_no_such_field";

impl Probe<'_> {
    /// Asks what can be answered without writing.
    pub async fn read_only(&self) -> Vec<Finding> {
        let question = |name| Question::named(name).expect("it is listed");
        let query = LeadQuery {
            field: NO_FIELD,
            operator: Operator::Equal,
            value: "1",
            columns: &["ProspectID"],
            sorting: Sorting::descending("CreatedOn"),
            paging: Paging { page_index: 1, page_size: 1 },
        };
        let reply = self.ask(|| self.client.leads(&query)).await;
        let (status, flag) = (question("error_status"), question("is_mx_exception"));
        match &reply.result {
            Err(Error::Refused { status: code @ (200 | 500), .. }) => {
                let has_flag = reply.exchange.response.contains("\"IsMXException\"");
                vec![
                    Finding::of(status, if *code == 200 { "200" } else { "500" }),
                    Finding::of(flag, if has_flag { "on" } else { "off" }),
                ]
            }
            result => {
                let why = match result {
                    Err(error) => reason(error),
                    Ok(_) => {
                        "the account accepts a search by a field that it does not have".to_owned()
                    }
                };
                vec![Finding::untold(status, why.clone()), Finding::untold(flag, why)]
            }
        }
    }
}
