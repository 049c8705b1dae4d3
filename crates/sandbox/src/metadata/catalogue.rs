//! The fields, users and activity types that a new account has.

use super::{ActivityType, Field, Kind, Role, User};

/// System fields that are stored and writable.
const SYSTEM: &[(&str, &str, Kind, usize)] = &[
    ("FirstName", "First Name", Kind::Text, 200),
    ("LastName", "Last Name", Kind::Text, 200),
    ("EmailAddress", "Email", Kind::Email, 200),
    ("Phone", "Phone Number", Kind::Phone, 20),
    ("Mobile", "Mobile Number", Kind::Phone, 20),
    ("Company", "Company", Kind::Text, 200),
    ("Fax", "Fax", Kind::Text, 50),
    ("Website", "Website", Kind::Website, 200),
    ("TimeZone", "Time Zone", Kind::TimeZone, 100),
    ("Region", "Region", Kind::Text, 100),
    ("JobTitle", "Job Title", Kind::Text, 200),
    ("Source", "Lead Source", Kind::Select, 200),
    ("SourceMedium", "Source Medium", Kind::Text, 200),
    ("SourceCampaign", "Source Campaign", Kind::Text, 200),
    ("SourceContent", "Source Content", Kind::Text, 200),
    ("Notes", "Notes", Kind::TextArea, 4_000),
    ("ProspectStage", "Lead Stage", Kind::Select, 200),
    ("Grade", "Grade", Kind::Text, 50),
    ("Revenue", "Revenue", Kind::Number, 50),
    ("OwnerId", "Owner", Kind::ActiveUsers, 50),
    ("StatusReason", "Status Reason", Kind::Text, 200),
    ("RelatedProspectId", "Related Lead", Kind::Text, 50),
    ("RelatedCompanyId", "Related Company", Kind::Text, 50),
    ("Longitude", "Longitude", Kind::Text, 50),
    ("Latitude", "Latitude", Kind::Text, 50),
];

/// System fields that only the account writes, with their initial values.
const COUNTERS: &[(&str, Kind, &str)] = &[
    ("Origin", Kind::Text, ""),
    ("Score", Kind::Number, "0"),
    ("EngagementScore", Kind::Number, "0"),
    ("TotalVisits", Kind::Number, "0"),
    ("PageViewsPerVisit", Kind::Number, "0"),
    ("AvgTimePerVisit", Kind::Number, "0"),
    ("QualityScore01", Kind::Number, ""),
    ("Web_Referrer", Kind::Text, ""),
    ("Web_RefKeyword", Kind::Text, ""),
    ("RelatedLandingPageId", Kind::Text, ""),
    ("FirstLandingPageSubmissionId", Kind::Text, ""),
    ("FirstLandingPageSubmissionDate", Kind::DateTime, ""),
    ("LeadConversionDate", Kind::DateTime, ""),
    ("LastVisitDate", Kind::DateTime, ""),
    ("NotableEvent", Kind::Text, ""),
    ("NotableEventdate", Kind::DateTime, ""),
    ("SourceReferrer", Kind::Text, ""),
    ("SourceReferrerURL", Kind::Text, ""),
    ("ConversionReferrerURL", Kind::Text, ""),
    ("SourceIPAddress", Kind::Text, ""),
    ("StatusCode", Kind::Number, "0"),
    ("DeletionStatusCode", Kind::Number, "0"),
    ("IsLead", Kind::Boolean, "1"),
];

/// Fields whose value the account derives.
const DERIVED: &[(&str, Kind, Role)] = &[
    ("ProspectID", Kind::Text, Role::ProspectId),
    ("ProspectAutoId", Kind::Number, Role::AutoId),
    ("ProspectActivityId_Min", Kind::Text, Role::FirstActivityId),
    ("ProspectActivityDate_Min", Kind::DateTime, Role::FirstActivityDate),
    ("ProspectActivityName_Max", Kind::Text, Role::LastActivityName),
    ("ProspectActivityId_Max", Kind::Text, Role::LastActivityId),
    ("ProspectActivityDate_Max", Kind::DateTime, Role::LastActivityDate),
    ("OwnerIdName", Kind::Text, Role::OwnerIdName),
    ("OwnerIdEmailAddress", Kind::Text, Role::OwnerIdEmailAddress),
    ("CreatedBy", Kind::Text, Role::CreatedBy),
    ("CreatedByName", Kind::Text, Role::CreatedByName),
    ("CreatedOn", Kind::DateTime, Role::CreatedOn),
    ("ModifiedBy", Kind::Text, Role::ModifiedBy),
    ("ModifiedByName", Kind::Text, Role::ModifiedByName),
    ("ModifiedOn", Kind::DateTime, Role::ModifiedOn),
    ("LeadLastModifiedOn", Kind::DateTime, Role::LastModifiedOn),
];

const STAGES: &[&str] =
    &["Prospect", "Contacted", "Qualified", "Opportunity", "Opportunity Won", "Post Purchase"];
const SOURCES: &[&str] =
    &["Direct Traffic", "Organic Search", "Pay per Click Ads", "Referral Sites", "Social Media"];

/// The default list: the system fields, LeadSquared's stock `mx_` fields and one custom field of
/// every data type.
pub(crate) fn fields() -> Vec<Field> {
    let mut fields: Vec<Field> =
        DERIVED.iter().map(|&(name, kind, role)| Field::new(name, kind).role(role)).collect();
    fields.extend(SYSTEM.iter().map(|&(name, display, kind, length)| {
        let field = Field::new(name, kind).display(display).max_length(length);
        match name {
            "EmailAddress" | "Phone" | "Mobile" => field.unique(),
            "ProspectStage" => field.options(STAGES).default_value("Prospect"),
            "Source" => field.options(SOURCES),
            _ => field,
        }
    }));
    for name in ["DoNotEmail", "DoNotCall", "DoNotSMS", "DoNotTrack"] {
        fields.push(Field::new(name, Kind::Boolean).default_value("0"));
    }
    fields.push(
        Field::new("LeadType", Kind::Select).options(&["OT_0", "OT_1"]).default_value("OT_0"),
    );
    fields.extend(COUNTERS.iter().map(|&(name, kind, value)| {
        let field = Field::new(name, kind).role(Role::Counter);
        if value.is_empty() { field } else { field.default_value(value) }
    }));
    fields.extend(custom());
    fields
}

fn custom() -> Vec<Field> {
    let text = |name: &str| Field::new(name, Kind::Text).max_length(200);
    vec![
        text("mx_Street1"),
        text("mx_Street2"),
        text("mx_City"),
        text("mx_State"),
        text("mx_Country"),
        text("mx_Zip"),
        text("mx_PAN_Number").max_length(20),
        text("mx_External_Id").max_length(100),
        Field::new("mx_Remarks", Kind::TextArea).max_length(2_000),
        Field::new("mx_Budget", Kind::Number),
        Field::new("mx_Second_Email", Kind::Email).max_length(200),
        Field::new("mx_Alternate_Phone", Kind::Phone).max_length(20),
        Field::new("mx_Profile_Page", Kind::Website).max_length(200),
        Field::new("mx_Date_of_Birth", Kind::Date),
        Field::new("mx_Next_Meeting", Kind::DateTime),
        Field::new("mx_Call_Time", Kind::Time),
        Field::new("mx_Plan", Kind::Select).options(&["Basic", "Plus", "Premium"]),
        Field::new("mx_Branch", Kind::SearchableDropdown).options(&["Pune", "Delhi", "Chennai"]),
        Field::new("mx_Pin_Area", Kind::LargeOptionSet).options(&["411001", "110001", "600001"]),
        Field::new("mx_Languages", Kind::MultiSelect)
            .options(&["English", "Hindi", "Marathi", "Tamil"]),
        Field::new("mx_Is_Customer", Kind::Boolean),
        Field::new("mx_Second_Owner", Kind::ActiveUsers),
        Field::new("mx_Interested_In", Kind::Product),
        Field::new("mx_Document", Kind::File),
        Field::new("mx_Location", Kind::GeoLocation),
        Field::new("mx_Nationality", Kind::Country),
        Field::new("mx_KYC", Kind::CustomObject).parts(&[
            ("Status", Kind::Select),
            ("mx_CustomObject_1", Kind::Text),
            ("mx_CustomObject_2", Kind::Number),
            ("mx_CustomObject_3", Kind::Date),
        ]),
    ]
}

/// Three users; their email domain is derived from the account's name, so that two accounts differ.
pub(crate) fn users(account: &str) -> Vec<User> {
    let domain: String = account
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let user = |number: u32, first: &str, last: &str, role: &str| {
        let id = format!("{number:08x}-1111-4111-8111-{:012x}", domain.len());
        let email = format!("{}@{domain}.example", first.to_lowercase());
        User::new(&id, first, last, &email, role)
    };
    vec![
        user(1, "Asha", "Rao", "Administrator"),
        user(2, "Vikram", "Shah", "Sales_Manager"),
        user(3, "Meera", "Iyer", "Sales_User"),
    ]
}

/// The activity types: the system's calls and captures, and three custom ones.
pub(crate) fn activity_types() -> Vec<ActivityType> {
    vec![
        ActivityType::new(21, "Inbound Phone Call Activity", 0)
            .field("mx_Custom_1", "Duration", Kind::Number)
            .field("mx_Custom_2", "Recording", Kind::Website),
        ActivityType::new(22, "Outbound Phone Call Activity", 1)
            .field("mx_Custom_1", "Duration", Kind::Number)
            .field("mx_Custom_2", "Recording", Kind::Website),
        ActivityType::new(23, "Lead Capture", 0)
            .field("mx_Custom_1", "Source", Kind::Text)
            .field("mx_Custom_2", "Source Medium", Kind::Text)
            .field("mx_Custom_3", "Source Campaign", Kind::Text)
            .field("mx_Custom_4", "Source Content", Kind::Text),
        ActivityType::new(201, "Site Visit", 0)
            .field("mx_Custom_1", "Project", Kind::Text)
            .field("mx_Custom_2", "Visitors", Kind::Number)
            .field("mx_Custom_3", "Visited On", Kind::DateTime)
            .dropdown("mx_Custom_4", "Rating", &["Good", "Fair", "Poor"])
            .dropdown("Status", "Status", &["Active", "Completed", "Cancelled"]),
        ActivityType::new(206, "Booking Created", 0)
            .field("mx_Custom_1", "Booking Number", Kind::Text)
            .field("mx_Custom_2", "Amount", Kind::Number)
            .field("mx_Custom_3", "Booked On", Kind::Date)
            .dropdown("Status", "Status", &["Active", "Inactive"]),
        ActivityType::new(207, "Payment Received", 0)
            .field("mx_Custom_1", "Payment Reference", Kind::Text)
            .field("mx_Custom_2", "Amount", Kind::Number),
    ]
}
