//! Reading activities.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Client, Fields, Page, Paging, Reply, Sorting, Window, call::Call, scalar::Text, tree::Object,
};

/// An activity, from any of the shapes in which lists contain them.
///
/// - `Retrieve`: `Id`, `EventCode`, `EventName`, `ActivityFields` an object, `Data` a list of
///   `{"Key","Value"}` (documented, `AD/get-activities-of-a-lead`; live).
/// - `RetrieveRecentlyModified`: the same with `Fields` a list of `{"Key","Value"}` (client code).
/// - `RetrieveByActivityEvent`: flat rows with `ProspectActivityId`, `ActivityEvent` (live).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Object")]
pub struct Activity {
    /// `Id`, or `ProspectActivityId`.
    pub id: Option<String>,
    /// The code of its type: `EventCode`, or `ActivityEvent`.
    pub event: Option<u32>,
    /// The name of its type.
    pub event_name: Option<String>,
    /// The lead's ProspectID: `RelatedProspectId`.
    pub lead_id: Option<String>,
    /// When it happened; [`crate::from_wire`] reads it.
    pub created_on: Option<String>,
    /// When it was last changed; [`crate::from_wire`] reads it.
    pub modified_on: Option<String>,
    /// Its values by schema name; `ActivityEvent_Note` is the note. In a flat row these are all
    /// other columns. System events may have none.
    pub fields: Fields,
    /// `Data`: further values by name, outside `fields`.
    pub data: Fields,
}

impl From<Object> for Activity {
    fn from(Object(row): Object) -> Self {
        let mut nested = None;
        let mut data = Fields::default();
        let mut flat = Fields::default();
        for (name, value) in row {
            match name.as_str() {
                "ActivityFields" | "Fields" => nested = Some(values(value)),
                "Data" => data = values(value),
                _ => flat.push(name, text(value)),
            }
        }
        Self {
            id: flat.take(&["Id", "ProspectActivityId", "ID"]),
            event: flat.take(&["EventCode", "ActivityEvent"]).and_then(|code| code.parse().ok()),
            event_name: flat.take(&["EventName", "ActivityEventName"]),
            lead_id: flat.take(&["RelatedProspectId"]),
            created_on: flat.take(&["CreatedOn"]),
            modified_on: flat.take(&["ModifiedOn"]),
            fields: nested.unwrap_or(flat),
            data,
        }
    }
}

/// Values of an object, or of a list of `{"Key","Value"}`.
fn values(value: Value) -> Fields {
    match value {
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, text(value))).collect()
        }
        Value::Array(pairs) => pairs.into_iter().filter_map(pair).collect(),
        _ => Fields::default(),
    }
}

fn pair(value: Value) -> Option<(String, Option<String>)> {
    let Value::Object(mut pair) = value else { return None };
    let name = ["Key", "SchemaName", "Attribute"].iter().find_map(|name| pair.remove(*name))?;
    Some((text(name)?, pair.remove("Value").and_then(text)))
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        other => Text::deserialize(other).ok().and_then(|text| text.0),
    }
}

/// The filter of [`Client::activities_by_event`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByEventQuery<'a> {
    /// The code of the type, which is mandatory (live).
    pub event: u32,
    /// By `ModifiedOn` (live).
    pub window: Window,
    /// The order. Sort by `ProspectActivityId`, so that pages lose no rows.
    pub sorting: Sorting<'a>,
    /// The page, of up to 1000 (live).
    pub paging: Paging,
}

/// The filter of [`Client::recently_modified_activities`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModifiedActivitiesQuery<'a> {
    /// The code of the type; every type if left out (client code).
    pub event: Option<u32>,
    /// By the instant of the last change.
    pub window: Window,
    /// The order.
    pub sorting: Sorting<'a>,
    /// The page; 1000 is in use (client code).
    pub paging: Paging,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Search<'a> {
    parameter: Parameter,
    paging: Paging,
    sorting: &'a Sorting<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    from_date: String,
    to_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity_event: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove_empty_value: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_custom_fields: Option<u8>,
}

impl Client {
    /// `Retrieve`: the activities of a lead, of one type or of all (documented,
    /// `AD/get-activities-of-a-lead`).
    ///
    /// `page` is sent as `Offset`, which is the number of the page (documented). That the first
    /// page is 0 is taken from the sample (inferred).
    pub async fn activities_of_lead(
        &self,
        lead_id: &str,
        event: Option<u32>,
        page: u32,
        rows: u32,
    ) -> Reply<Page<Activity>> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Body {
            #[serde(skip_serializing_if = "Option::is_none")]
            parameter: Option<OfType>,
            paging: Offset,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct OfType {
            activity_event: u32,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Offset {
            offset: String,
            row_count: String,
        }

        let body = Body {
            parameter: event.map(|activity_event| OfType { activity_event }),
            paging: Offset { offset: page.to_string(), row_count: rows.to_string() },
        };
        let call = Call::search("ProspectActivity.svc/Retrieve", &body).query("leadId", lead_id);
        self.send(call).await
    }

    /// `CustomActivity/RetrieveByActivityEvent`: the activities of one type in a window (live).
    pub async fn activities_by_event(&self, query: &ByEventQuery<'_>) -> Reply<Page<Activity>> {
        let (from_date, to_date) = query.window.wire();
        let body = Search {
            parameter: Parameter {
                from_date,
                to_date,
                activity_event: Some(query.event),
                remove_empty_value: Some(false),
                include_custom_fields: None,
            },
            paging: query.paging,
            sorting: &query.sorting,
        };
        let operation = "ProspectActivity.svc/CustomActivity/RetrieveByActivityEvent";
        self.send(Call::search(operation, &body)).await
    }

    /// `RetrieveRecentlyModified`: the activities of one or all types in a window, with their
    /// custom fields (client code).
    pub async fn recently_modified_activities(
        &self,
        query: &ModifiedActivitiesQuery<'_>,
    ) -> Reply<Page<Activity>> {
        let (from_date, to_date) = query.window.wire();
        let body = Search {
            parameter: Parameter {
                from_date,
                to_date,
                activity_event: query.event,
                remove_empty_value: None,
                include_custom_fields: Some(1),
            },
            paging: query.paging,
            sorting: &query.sorting,
        };
        self.send(Call::search("ProspectActivity.svc/RetrieveRecentlyModified", &body)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Activity {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn every_shape_reads_alike() {
        let nested = read(
            r#"{"Id":"a","EventCode":206,"EventName":"Booking","RelatedProspectId":"l","CreatedOn":"2018-12-12 10:36:00","Type":"Inbound","Data":[{"Key":"k","Value":"v"}],"ActivityFields":{"mx_Custom_1":"x","Status":null}}"#,
        );
        let listed = read(
            r#"{"Id":"a","EventCode":"206","EventName":"Booking","RelatedProspectId":"l","CreatedOn":"2018-12-12 10:36:00","Data":[{"Key":"k","Value":"v"}],"Fields":[{"Key":"mx_Custom_1","Value":"x"},{"Key":"Status"}]}"#,
        );
        assert_eq!(nested, listed);
        let flat = read(
            r#"{"ProspectActivityId":"a","ActivityEvent":"206","ActivityEventName":"Booking","RelatedProspectId":"l","CreatedOn":"2018-12-12 10:36:00","mx_Custom_1":"x","Status":null}"#,
        );
        assert_eq!(flat, Activity { data: Fields::default(), ..nested });
        assert_eq!(flat.event, Some(206));
    }

    #[test]
    fn a_system_event_may_have_no_fields() {
        let activity = read(r#"{"Id":"a","EventCode":26,"ActivityFields":null,"Data":null}"#);
        assert!(activity.fields.is_empty());
    }
}
