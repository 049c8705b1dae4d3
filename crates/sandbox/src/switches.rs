//! The behaviours that the evidence leaves open, one switch each.

/// Which HTTP status an application error (duplicate, unknown attribute, …) has.
///
/// Conflict: LeadSquared's error page and two live studies say 500; several clients report the
/// error envelope under 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorStatus {
    /// HTTP 500, as documented.
    Status500,
    /// HTTP 200 with `"Status":"Error"`.
    Status200,
}

/// How a call over the quota is refused.
///
/// Conflict: the documentation and two live reports say 429, one client 403, another 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimitStatus {
    /// HTTP 429.
    Status429,
    /// HTTP 403.
    Status403,
    /// HTTP 200 with the error envelope.
    Status200,
}

/// How the quota's window moves. Not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// Never more than N calls in any window. The strictest interpretation, so the default.
    Sliding,
    /// One window after another, starting with the first call.
    Fixed,
}

/// What `""` does when it is written to a field. Not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyValue {
    /// It clears the field.
    Clears,
    /// It is ignored.
    Ignored,
}

/// What `Before` is in the payload of a New Lead automation. Not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewLeadBefore {
    /// `{}`.
    EmptyObject,
    /// `null`.
    Null,
    /// The key is left out.
    Absent,
}

/// Where `mx_` fields appear in the payload of an automation.
///
/// Conflict: one live account had none in stage changes, another had complete snapshots; a
/// changelog of 2022-12 says that they are enabled on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomFields {
    /// In `Before`, `After` and `Current`.
    Everywhere,
    /// In `Current` only.
    CurrentOnly,
    /// Nowhere.
    Nowhere,
}

/// How fields without a value appear in a payload.
///
/// Conflict: the sample payload of Lead Creation has `null` and `""`; the text beside it says
/// "mandatory fields plus those with values".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyFields {
    /// As `null`.
    Present,
    /// Left out.
    Absent,
}

/// What `Before` and `After` hold. Client code says "what the trigger compared".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The whole lead.
    WholeLead,
    /// The changed fields and the ids.
    ChangedOnly,
}

/// What `Current` shows. Inferred: the state when the delivery is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurrentState {
    /// The lead as it is when the delivery is sent for the first time.
    AtSend,
    /// The lead as it was when the automation was triggered.
    AtChange,
}

/// Whether an activity trigger posts one object or an array of one. Not documented for automations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityPayload {
    /// A bare object.
    Object,
    /// An array, as native webhooks do.
    Array,
}

/// What `Message` of a `Lead.Capture` response holds. Clients read different subsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureAnswer {
    /// `Id`, `RelatedId` and `IsCreated`.
    Full,
    /// `Id` only.
    IdOnly,
    /// `RelatedId` and `IsCreated`.
    RelatedIdOnly,
}

/// What happens to text that is too long for the field. The error message is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLong {
    /// The whole write is refused.
    Refused,
    /// The text is cut.
    Cut,
}

/// What happens to a dropdown value that is not in the list.
///
/// Live evidence: it is stored without an error. The other position is for accounts that may
/// differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownOption {
    /// Stored.
    Stored,
    /// The whole write is refused.
    Refused,
}

/// What happens to a text in an email or phone field that is not an address or number. Unknown: no
/// source has the text of a refusal. Accounts do hold such values, from imports and forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadContact {
    /// Stored.
    Stored,
    /// The whole write is refused.
    Refused,
}

/// When two phone numbers count as equal, for uniqueness and `SearchBy`.
///
/// Chatwoot found by experiment that only the stored form `+CC-NNN` matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneMatch {
    /// The stored text is equal.
    Exact,
    /// The digits are equal.
    Digits,
}

/// What a write to a system attribute (`CreatedOn`, `Score`, …) does. Inferred: not writable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemWrite {
    /// It is ignored.
    Ignored,
    /// The whole write is refused.
    Refused,
}

/// What a native webhook posts about a lead that was deleted or merged. Not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalPayload {
    /// The lead as other webhooks show it; for a merge, the lead that is gone as `Before` and the
    /// one that remains as `After`.
    Leads,
    /// Their ids.
    Ids,
}

/// How reads return a date field without a time. Not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateReads {
    /// `2026-03-01 00:00:00.000`, like other timestamps.
    WithMidnight,
    /// `2026-03-01`.
    DateOnly,
}

/// How the rows of a bulk response say which row of the request they are about. Client code: by
/// `RowNumber`, from 1, in the order of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkRows {
    /// `RowNumber` from 1, in order.
    Numbered,
    /// `RowNumber` from 1, in another order.
    Reordered,
    /// `RowNumber` from 0.
    FromZero,
    /// No `RowNumber`, and in another order.
    Unnumbered,
}

/// What `Offset` of `ProspectActivity.svc/Retrieve` counts. Documented: pages; that the first one
/// is 0 is inferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityOffset {
    /// Pages, from 0.
    Pages,
    /// Rows.
    Rows,
}

/// Whether a behaviour is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toggle {
    /// It is on.
    On,
    /// It is off.
    Off,
}

impl Toggle {
    pub(crate) fn is_on(self) -> bool {
        self == Self::On
    }
}

/// One account's position of each switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Status of application errors.
    pub error_status: ErrorStatus,
    /// Status of refusals by quota.
    pub rate_limit_status: RateLimitStatus,
    /// How the quota's window moves.
    pub window: WindowKind,
    /// A fourth key `"IsMXException":true` in error envelopes: three are documented,
    /// but two sites captured four.
    pub is_mx_exception: Toggle,
    /// All keys are refused, with the message for the wrong region.
    pub wrong_region: Toggle,
    /// Whether an update by `Lead.Capture` fires automations. Not documented; creates always do.
    pub capture_update_fires: Toggle,
    /// Whether bulk writes fire automations. Live: 17,011 leads by UpdateV2 fired none.
    pub bulk_fires: Toggle,
    /// What `""` does.
    pub empty_value: EmptyValue,
    /// `Before` of New Lead.
    pub new_lead_before: NewLeadBefore,
    /// `mx_` fields in payloads.
    pub custom_fields: CustomFields,
    /// Blank fields in payloads.
    pub empty_fields: EmptyFields,
    /// Contents of `Before` and `After`.
    pub compared: Compared,
    /// Contents of `Current`.
    pub current: CurrentState,
    /// Array or object for activity triggers.
    pub activity_payload: ActivityPayload,
    /// `ActivityEvent` as a number in payloads; both have been observed, text is the default.
    pub activity_event_number: Toggle,
    /// The activity's fields also inside `Current`: one client reads `Current.mx_Custom_N`.
    pub activity_fields_in_current: Toggle,
    /// `?entityType=automation&entityId=…` on the URL of deliveries: documented for webhooks in
    /// general ("may carry").
    pub entity_query: Toggle,
    /// What is posted for a lead that was deleted or merged.
    pub removal_payload: RemovalPayload,
    /// Subset of the `Lead.Capture` response.
    pub capture_answer: CaptureAnswer,
    /// `MaxLength`.
    pub too_long: TooLong,
    /// Dropdown values that are not in the list.
    pub unknown_option: UnknownOption,
    /// See [`BadContact`].
    pub bad_contact: BadContact,
    /// Equality of phone numbers.
    pub phone_match: PhoneMatch,
    /// Writes to system attributes.
    pub system_write: SystemWrite,
    /// Whether an `OwnerId` that is not a user is refused. The behaviour is not known.
    pub unknown_owner_refused: Toggle,
    /// `Lead.CreateOrUpdate` without `SearchBy` also finds by phone, as documented; in practice it
    /// finds by email address only.
    pub create_or_update_by_phone: Toggle,
    /// `SearchBy` accepts `ProspectID` (capital D) too. Live on the opportunity API: only
    /// `ProspectId`.
    pub search_by_prospect_id: Toggle,
    /// `Lead.Capture` searches by email address, then by phone, if the field of `SearchBy` finds
    /// nobody. The documentation says that this field takes priority, but not what comes after it.
    pub search_by_falls_back: Toggle,
    /// Rows with equal sort values change order from call to call. Live.
    pub unstable_ties: Toggle,
    /// A write that changes no value still updates `ModifiedOn`. Not documented.
    pub touch_without_change: Toggle,
    /// Which row of a bulk call a row of its response is about.
    pub bulk_rows: BulkRows,
    /// What `Offset` counts where the activities of a lead are read.
    pub activity_offset: ActivityOffset,
    /// Date fields in reads.
    pub date_reads: DateReads,
    /// Whether `Lead/Delete/ById` is enabled: off unless support enables it, on here for tests.
    pub delete_enabled: Toggle,
    /// A repeated capture with source fields makes a "Lead Capture" activity (documented).
    pub capture_activity: Toggle,
}

impl Switches {
    /// The switches with one of them changed, for each position that is not its default, with a
    /// name like `error_status=Status200`. [`Switches::wrong_region`] is left out: with it on
    /// nothing works.
    pub fn positions() -> Vec<(String, Self)> {
        let mut positions = Vec::new();
        macro_rules! turn {
            ($($field:ident: $($position:expr),+;)+) => {
                // A new switch must be named here.
                let Self { wrong_region: _, $($field: _),+ } = Self::default();
                $($(
                    let switches = Self { $field: $position, ..Self::default() };
                    let name = format!("{}={:?}", stringify!($field), switches.$field);
                    if switches != Self::default() {
                        positions.push((name, switches));
                    }
                )+)+
            };
        }
        turn! {
            error_status: ErrorStatus::Status500, ErrorStatus::Status200;
            rate_limit_status: RateLimitStatus::Status429, RateLimitStatus::Status403,
                RateLimitStatus::Status200;
            window: WindowKind::Sliding, WindowKind::Fixed;
            is_mx_exception: Toggle::On, Toggle::Off;
            capture_update_fires: Toggle::On, Toggle::Off;
            bulk_fires: Toggle::On, Toggle::Off;
            empty_value: EmptyValue::Clears, EmptyValue::Ignored;
            new_lead_before: NewLeadBefore::EmptyObject, NewLeadBefore::Null,
                NewLeadBefore::Absent;
            custom_fields: CustomFields::Everywhere, CustomFields::CurrentOnly,
                CustomFields::Nowhere;
            empty_fields: EmptyFields::Present, EmptyFields::Absent;
            compared: Compared::WholeLead, Compared::ChangedOnly;
            current: CurrentState::AtSend, CurrentState::AtChange;
            activity_payload: ActivityPayload::Object, ActivityPayload::Array;
            activity_event_number: Toggle::On, Toggle::Off;
            activity_fields_in_current: Toggle::On, Toggle::Off;
            entity_query: Toggle::On, Toggle::Off;
            removal_payload: RemovalPayload::Leads, RemovalPayload::Ids;
            capture_answer: CaptureAnswer::Full, CaptureAnswer::IdOnly,
                CaptureAnswer::RelatedIdOnly;
            too_long: TooLong::Refused, TooLong::Cut;
            unknown_option: UnknownOption::Stored, UnknownOption::Refused;
            bad_contact: BadContact::Stored, BadContact::Refused;
            phone_match: PhoneMatch::Exact, PhoneMatch::Digits;
            system_write: SystemWrite::Ignored, SystemWrite::Refused;
            unknown_owner_refused: Toggle::On, Toggle::Off;
            create_or_update_by_phone: Toggle::On, Toggle::Off;
            search_by_prospect_id: Toggle::On, Toggle::Off;
            search_by_falls_back: Toggle::On, Toggle::Off;
            unstable_ties: Toggle::On, Toggle::Off;
            touch_without_change: Toggle::On, Toggle::Off;
            bulk_rows: BulkRows::Numbered, BulkRows::Reordered, BulkRows::FromZero,
                BulkRows::Unnumbered;
            activity_offset: ActivityOffset::Pages, ActivityOffset::Rows;
            date_reads: DateReads::WithMidnight, DateReads::DateOnly;
            delete_enabled: Toggle::On, Toggle::Off;
            capture_activity: Toggle::On, Toggle::Off;
        }
        positions
    }
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            error_status: ErrorStatus::Status500,
            rate_limit_status: RateLimitStatus::Status429,
            window: WindowKind::Sliding,
            is_mx_exception: Toggle::Off,
            wrong_region: Toggle::Off,
            capture_update_fires: Toggle::Off,
            bulk_fires: Toggle::Off,
            empty_value: EmptyValue::Clears,
            new_lead_before: NewLeadBefore::EmptyObject,
            custom_fields: CustomFields::Everywhere,
            empty_fields: EmptyFields::Present,
            compared: Compared::WholeLead,
            current: CurrentState::AtSend,
            activity_payload: ActivityPayload::Object,
            activity_event_number: Toggle::Off,
            activity_fields_in_current: Toggle::Off,
            entity_query: Toggle::On,
            removal_payload: RemovalPayload::Leads,
            capture_answer: CaptureAnswer::Full,
            too_long: TooLong::Refused,
            unknown_option: UnknownOption::Stored,
            bad_contact: BadContact::Stored,
            phone_match: PhoneMatch::Exact,
            system_write: SystemWrite::Ignored,
            unknown_owner_refused: Toggle::On,
            create_or_update_by_phone: Toggle::Off,
            search_by_prospect_id: Toggle::Off,
            search_by_falls_back: Toggle::Off,
            unstable_ties: Toggle::On,
            touch_without_change: Toggle::On,
            bulk_rows: BulkRows::Numbered,
            activity_offset: ActivityOffset::Pages,
            date_reads: DateReads::WithMidnight,
            delete_enabled: Toggle::On,
            capture_activity: Toggle::On,
        }
    }
}
