//! `/connectors/{name}/entities`: what happens to leads and to activities.

use std::collections::BTreeMap;

use askama::Template;
use plan::connector::{
    ActivityRules, ActivityType, BadField, Behaviour, Blank, Conflict, Definition, FirstMeeting,
    Identity, KeysDisagree, LeadRules, Linked, Policy, Removed, Several, UnlistedOption,
    WhileDisabled, WithoutId,
};
use plan::problem::Problem;

use super::page::{Choice, Faults};
use super::saving::{Saves, Stand, Wish};
use super::{Frame, Opened, lists};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;

/// How many activity types can be added at a time.
const MORE_TYPES: usize = 3;

/// A setting with several choices: each with its name in the configuration file, its label, and
/// what it does.
pub(in crate::console) struct OneOf<T: 'static> {
    pub(super) all: &'static [(T, &'static str, &'static str, &'static str)],
}

const BEHAVIOURS: OneOf<Behaviour> = OneOf {
    all: &[
        (
            Behaviour::CreateAndUpdate,
            "create_and_update",
            "Capture (Create and Update existing) Record",
            "Create missing leads and update existing ones.",
        ),
        (
            Behaviour::CreateOnly,
            "create_only",
            "Create only new record",
            "Create missing leads. Existing leads are not changed.",
        ),
        (
            Behaviour::UpdateOnly,
            "update_only",
            "Update only existing record",
            "Update existing leads. Missing leads are skipped.",
        ),
        (
            Behaviour::DoNothing,
            "do_nothing",
            "Do Nothing",
            "Leads are neither created nor updated.",
        ),
    ],
};

/// A behaviour of leads or activities, for people.
pub(super) fn behaviour_words(behaviour: Behaviour) -> &'static str {
    let known = BEHAVIOURS.all.iter().find(|(one, ..)| *one == behaviour);
    known.map_or(behaviour.as_str(), |(_, _, title, _)| *title)
}

const ACTIVITY_BEHAVIOURS: OneOf<Behaviour> = OneOf {
    all: &[
        (
            Behaviour::CreateAndUpdate,
            "create_and_update",
            "Capture (Create and Update existing) Record",
            "Add new activities and update those already synced.",
        ),
        (
            Behaviour::CreateOnly,
            "create_only",
            "Create only new record",
            "Add new activities only.",
        ),
        (
            Behaviour::UpdateOnly,
            "update_only",
            "Update only existing record",
            "Update only activities already synced.",
        ),
    ],
};
pub(super) const BLANKS: OneOf<Blank> = OneOf {
    all: &[
        (Blank::Leave, "leave", "Leave", "The destination value is kept."),
        (Blank::Clear, "clear", "Clear", "The destination value is cleared."),
    ],
};
const BAD_FIELDS: OneOf<BadField> = OneOf {
    all: &[
        (
            BadField::Refuse,
            "refuse",
            "Refuse the record",
            "The record fails, lists every invalid field and can be retried.",
        ),
        (
            BadField::LeaveOut,
            "leave_out",
            "Leave the field out",
            "The rest of the lead is written. The record lists the fields left out.",
        ),
    ],
};
const UNLISTED_OPTIONS: OneOf<UnlistedOption> = OneOf {
    all: &[
        (
            UnlistedOption::Send,
            "send",
            "Send it anyway",
            "LeadSquared stores the value although it is not in the list. The record notes it.",
        ),
        (
            UnlistedOption::Refuse,
            "refuse",
            "Refuse the record",
            "The record fails, lists every invalid field and can be retried.",
        ),
        (
            UnlistedOption::LeaveOut,
            "leave_out",
            "Leave the field out",
            "The rest of the lead is written. The record lists the fields left out.",
        ),
    ],
};
const WITHOUT_ID: OneOf<WithoutId> = OneOf {
    all: &[
        (
            WithoutId::Refuse,
            "refuse",
            "Refuse it",
            "The record fails, because a webhook sent twice would add the activity twice.",
        ),
        (
            WithoutId::Sync,
            "sync",
            "Sync it",
            "Activities with the same lead, type, time and fields are treated as one.",
        ),
    ],
};
const WHILE_DISABLED: OneOf<WhileDisabled> = OneOf {
    all: &[
        (WhileDisabled::Keep, "keep", "Keep them", "Processed when re-enabled."),
        (WhileDisabled::Drop, "drop", "Drop them", "Logged as skipped."),
    ],
};
pub(super) const POLICIES: OneOf<Policy> = OneOf {
    all: &[
        (
            Policy::Newest,
            "newest",
            "The newest change",
            "Based on each account's Modified On time.",
        ),
        (Policy::Source, "source", "The source", ""),
        (Policy::Destination, "destination", "The destination", ""),
        (
            Policy::FillBlank,
            "fill_blank",
            "Fill blanks only",
            "Use the source value only if the destination is blank.",
        ),
        (
            Policy::Review,
            "review",
            "Send to review",
            "The field waits until someone resolves the review.",
        ),
    ],
};

const FIRST_MEETINGS: OneOf<FirstMeeting> = OneOf {
    all: &[
        (
            FirstMeeting::Changed,
            "changed",
            "Sync what the event changed",
            "As for linked leads. Other differing fields are not changed; the request lists them.",
        ),
        (
            FirstMeeting::FillBlank,
            "fill_blank",
            "Fill blanks only",
            "Differing fields are not changed.",
        ),
        (FirstMeeting::Source, "source", "The source wins", ""),
        (FirstMeeting::Destination, "destination", "The destination wins", ""),
        (
            FirstMeeting::Newest,
            "newest",
            "The most recently changed lead wins",
            "Based on each account's Modified On time.",
        ),
    ],
};

pub(in crate::console) const SEVERAL: OneOf<Several> = OneOf {
    all: &[
        (Several::Review, "review", "Send to review", "The lead waits under Reviews."),
        (Several::Newest, "newest", "The most recently changed lead", ""),
        (Several::Oldest, "oldest", "The oldest lead", ""),
        (Several::Skip, "skip", "Ignore the lead", "Its changes are not synced."),
    ],
};
pub(in crate::console) const KEYS_DISAGREE: OneOf<KeysDisagree> = OneOf {
    all: &[
        (KeysDisagree::Review, "review", "Send to review", "The lead waits under Reviews."),
        (
            KeysDisagree::Primary,
            "primary",
            "The lead with the primary key",
            "The other lead keeps its key.",
        ),
        (
            KeysDisagree::Secondary,
            "secondary",
            "The lead with the secondary key",
            "The other lead keeps its key.",
        ),
        (KeysDisagree::Skip, "skip", "Ignore the lead", "Its changes are not synced."),
    ],
};
pub(in crate::console) const LINKED: OneOf<Linked> = OneOf {
    all: &[
        (Linked::Review, "review", "Send to review", "The lead waits under Reviews."),
        (Linked::Relink, "relink", "Link it to the latest lead", "The other lead is unlinked."),
        (Linked::Skip, "skip", "Ignore the lead", "Its changes are not synced."),
    ],
};

/// A choice, as it is shown.
pub(in crate::console) struct Shown {
    pub(in crate::console) value: &'static str,
    pub(in crate::console) title: &'static str,
    pub(in crate::console) hint: &'static str,
    pub(in crate::console) chosen: bool,
}

impl<T: Copy + PartialEq> OneOf<T> {
    pub(in crate::console) fn shown(&self, now: T) -> Vec<Shown> {
        self.shown_or_none(Some(now))
    }

    /// None is selected if another setting decides.
    pub(super) fn shown_or_none(&self, now: Option<T>) -> Vec<Shown> {
        let all = self.all.iter();
        all.map(|&(one, value, title, hint)| Shown { value, title, hint, chosen: now == Some(one) })
            .collect()
    }

    /// The choice with this name in the configuration file.
    pub(in crate::console) fn named(&self, name: &str) -> Option<T> {
        self.all.iter().find(|(_, value, ..)| *value == name).map(|(one, ..)| *one)
    }

    /// The choice of a form, or none, where the setting may be left out.
    pub(super) fn read_or_none(
        &self,
        form: &Form,
        name: &str,
        at: &str,
    ) -> Result<Option<T>, Refusal> {
        if form.text(name).is_empty() { Ok(None) } else { self.read(form, name, at).map(Some) }
    }

    fn read(&self, form: &Form, name: &str, at: &str) -> Result<T, Refusal> {
        let given = form.text(name);
        self.named(given).ok_or_else(|| {
            Refusal::wrong(at, format!("'{given}' is not an option; choose one from the list"))
        })
    }
}

#[derive(Template)]
#[template(path = "connector_entities.html")]
pub(in crate::console) struct EntitiesPage {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    version: String,
    faults: Faults,
    trigger_automations: bool,
    behaviours: Vec<Shown>,
    blanks: Vec<Shown>,
    bad_fields: Vec<Shown>,
    unlisted_options: Vec<Shown>,
    while_disabled: Vec<Shown>,
    policies: Vec<Shown>,
    first_meetings: Vec<Shown>,
    several: Vec<Shown>,
    keys_disagree: Vec<Shown>,
    linked: Vec<Shown>,
    /// How leads are marked whose counterparts are gone: the field and its values.
    removed: [String; 3],
    destination_fields: Vec<Choice>,
    activities: bool,
    activity_behaviours: Vec<Shown>,
    without_id: Vec<Shown>,
    /// The two event codes of each type.
    types: Vec<(String, String)>,
    /// Why the activity types of an account could not be read.
    silent: Option<Problem>,
    source_types: Vec<Choice>,
    destination_types: Vec<Choice>,
}

impl Saves for EntitiesPage {
    const HERE: &'static str = "/entities";

    /// All settings, because the rules of leads and activities are spread over them.
    type Part = Definition;

    fn saved(definition: &Definition, _: BTreeMap<String, String>) -> Definition {
        definition.clone()
    }

    fn sent(form: &Form, saved: &Definition) -> (Definition, Result<Wish, Refusal>) {
        let mut wanted = saved.clone();
        let read = read(form, &mut wanted);
        (wanted.clone(), read.map(|()| Wish::save(wanted)))
    }

    async fn read(
        shared: &Shared,
        visitor: Visitor,
        Opened { configuration, connector, frame }: Opened,
        definition: Definition,
        Stand { told, version, faults }: Stand,
    ) -> store::Result<Self> {
        let source = configuration.account_of(connector.source)?;
        let destination = configuration.account_of(connector.destination)?;
        let (here, here_silent) = lists::catalogue(shared, source).await?;
        let (there, there_silent) = lists::catalogue(shared, destination).await?;
        let Definition { lead, activity, conflict, identity, removed, while_disabled, .. } =
            definition;
        let removed = removed.unwrap_or_else(Removed::nowhere);
        let types = activity.types.iter();
        let mut types: Vec<_> =
            types.map(|kind| (kind.from.to_string(), kind.to.to_string())).collect();
        types.extend((0..MORE_TYPES).map(|_| Default::default()));
        Ok(Self {
            page: "Connectors",
            visitor,
            frame,
            told,
            version,
            faults,
            trigger_automations: lead.trigger_automations,
            behaviours: BEHAVIOURS.shown(lead.behaviour),
            blanks: BLANKS.shown(lead.blank),
            bad_fields: BAD_FIELDS.shown(lead.bad_field),
            unlisted_options: UNLISTED_OPTIONS.shown(lead.unlisted_option),
            while_disabled: WHILE_DISABLED.shown(while_disabled),
            policies: POLICIES.shown(conflict.policy),
            first_meetings: FIRST_MEETINGS.shown(conflict.first_meeting),
            several: SEVERAL.shown(identity.several),
            keys_disagree: KEYS_DISAGREE.shown(identity.keys_disagree),
            linked: LINKED.shown(identity.linked),
            removed: [removed.field, removed.deleted, removed.merged],
            destination_fields: lists::fields(&there),
            activities: activity.enabled,
            activity_behaviours: ACTIVITY_BEHAVIOURS.shown(activity.behaviour),
            without_id: WITHOUT_ID.shown(activity.without_id),
            types,
            silent: here_silent.or(there_silent),
            source_types: lists::activity_types(&here),
            destination_types: lists::activity_types(&there),
        })
    }
}

/// Applies the form to the settings.
fn read(form: &Form, wanted: &mut Definition) -> Result<(), Refusal> {
    let is_on = |name: &str| !form.text(name).is_empty();
    wanted.lead = LeadRules {
        behaviour: BEHAVIOURS.read(form, "behaviour", "lead.behaviour")?,
        trigger_automations: is_on("trigger_automations"),
        blank: BLANKS.read(form, "blank", "lead.blank")?,
        bad_field: BAD_FIELDS.read(form, "bad_field", "lead.bad_field")?,
        unlisted_option: UNLISTED_OPTIONS.read(form, "unlisted_option", "lead.unlisted_option")?,
        automatic: wanted.lead.automatic,
        fields: std::mem::take(&mut wanted.lead.fields),
    };
    wanted.while_disabled = WHILE_DISABLED.read(form, "while_disabled", "while_disabled")?;
    wanted.conflict = Conflict {
        policy: POLICIES.read(form, "policy", "conflict.policy")?,
        first_meeting: FIRST_MEETINGS.read(form, "first_meeting", "conflict.first_meeting")?,
    };
    wanted.identity = Identity {
        several: SEVERAL.read(form, "several", "identity.several")?,
        keys_disagree: KEYS_DISAGREE.read(form, "keys_disagree", "identity.keys_disagree")?,
        linked: LINKED.read(form, "linked", "identity.linked")?,
    };
    let removed = Removed {
        field: form.text("removed_field").trim().to_owned(),
        deleted: form.text("removed_deleted").trim().to_owned(),
        merged: form.text("removed_merged").trim().to_owned(),
    };
    wanted.removed = Some(removed).filter(|removed| !removed.field.is_empty());
    wanted.activity = ActivityRules {
        enabled: is_on("activities"),
        behaviour: ACTIVITY_BEHAVIOURS.read(form, "activity_behaviour", "activity.behaviour")?,
        without_id: WITHOUT_ID.read(form, "without_id", "activity.without_id")?,
        types: types(form, &wanted.activity.types)?,
    };
    Ok(())
}

/// The activity types of the form. An existing one keeps the mapping of its fields.
fn types(form: &Form, known: &[ActivityType]) -> Result<Vec<ActivityType>, Refusal> {
    let rows = form.texts("type_from").zip(form.texts("type_to")).enumerate();
    let mut types = Vec::new();
    for (row, (from, to)) in rows {
        if from.trim().is_empty() && to.trim().is_empty() {
            continue;
        }
        let code = |text: &str, end: &str| {
            text.trim().parse::<u32>().map_err(|_| {
                let at = format!("activity.type[{}].{end}", row + 1);
                Refusal::wrong(
                    at,
                    format!("'{text}' is not an event code; choose one from the list"),
                )
            })
        };
        let (from, to) = (code(from, "from")?, code(to, "to")?);
        let same = known.iter().find(|kind| kind.from == from && kind.to == to);
        let (automatic, fields) =
            same.map(|kind| (kind.automatic, kind.fields.clone())).unwrap_or_default();
        types.push(ActivityType { from, to, automatic, fields });
    }
    Ok(types)
}
