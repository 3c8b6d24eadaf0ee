//! What each function has to be allowed, and where that is: the least that it cannot work without.
//!
//! The template says the same in policies. A test compares the two, so that a permission that is added there is asked about here.

use super::{Finding, Group, Looked};
use crate::config::Function;

/// On what an action has to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// What a variable of the function's names: a table's name, a queue's address, a secret's ARN.
    Named(&'static str),
    /// An index of the table that a variable names.
    Index(&'static str, &'static str),
    /// The queue that hands it work, by the word that readiness has for it.
    Source(&'static str),
}

/// Actions on one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Where.
    pub place: Place,
    /// What, as IAM names it.
    pub actions: &'static [&'static str],
}

const INBOX: Place = Place::Named("FRONTDESK_TABLE_INBOX");
const CONTACTS: Place = Place::Named("FRONTDESK_TABLE_CONTACTS");
const REQUESTS: Place = Place::Named("FRONTDESK_TABLE_REQUESTS");
const OUTBOX: Place = Place::Named("FRONTDESK_TABLE_OUTBOX");
const SESSIONS: Place = Place::Named("FRONTDESK_TABLE_SESSIONS");
const REVIEWS: Place = Place::Named("FRONTDESK_TABLE_REVIEWS");
const CHATS: Place = Place::Named("FRONTDESK_TABLE_CHATS");
const FORMS: Place = Place::Named("FRONTDESK_TABLE_FORMS");
const LIMITS: Place = Place::Named("FRONTDESK_TABLE_LIMITS");
const DIRECTORY: Place = Place::Named("FRONTDESK_TABLE_DIRECTORY");

const GET: &[&str] = &["dynamodb:GetItem"];
const PUT: &[&str] = &["dynamodb:PutItem"];
const UPDATE: &[&str] = &["dynamodb:UpdateItem"];
const QUERY: &[&str] = &["dynamodb:Query"];
const GET_PUT: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem"];
const GET_UPDATE: &[&str] = &["dynamodb:GetItem", "dynamodb:UpdateItem"];
const GET_PUT_UPDATE: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"];
const GATE: &[&str] = &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"];
const RECEIVE: &[&str] = &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
const SEND: &[&str] = &["sqs:SendMessage"];
const READ: &[&str] = &["secretsmanager:GetSecretValue"];
const READ_AND_WRITE: &[&str] = &["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"];

const fn need(place: Place, actions: &'static [&'static str]) -> Need {
    Need { place, actions }
}

/// What a function does with rows, and with the queue that hands it work.
fn own(function: Function) -> Vec<Need> {
    match function {
        Function::ShopifyOrders | Function::ShopifyPrivacy => vec![need(INBOX, PUT), need(CONTACTS, GATE)],
        Function::PodiumWebchat | Function::PodiumSms | Function::PodiumContacts | Function::PodiumReviews => {
            vec![need(INBOX, PUT), need(CONTACTS, GATE), need(DIRECTORY, GET)]
        }
        Function::ShopifyWorker => vec![
            need(Place::Source("shopify"), RECEIVE),
            need(INBOX, UPDATE),
            need(CONTACTS, GATE),
            need(REQUESTS, GET_PUT_UPDATE),
            need(OUTBOX, PUT),
            need(DIRECTORY, GET_UPDATE),
        ],
        Function::ReviewSender => vec![
            need(Place::Source("review-requests"), RECEIVE),
            need(CONTACTS, GATE),
            need(REQUESTS, UPDATE),
            need(OUTBOX, GET_PUT_UPDATE),
            need(LIMITS, GET_UPDATE),
            need(DIRECTORY, GET_UPDATE),
        ],
        Function::PodiumWorker => vec![
            need(Place::Source("podium"), RECEIVE),
            need(Place::Source("podium-reviews"), RECEIVE),
            need(INBOX, UPDATE),
            need(CONTACTS, GATE),
            need(OUTBOX, GET_PUT_UPDATE),
            need(REVIEWS, GET_PUT),
            need(REQUESTS, UPDATE),
            need(LIMITS, GET_UPDATE),
            need(DIRECTORY, GET_UPDATE),
            need(SESSIONS, GET_PUT),
        ],
        Function::PrivacyWorker => vec![
            need(Place::Source("privacy"), RECEIVE),
            need(INBOX, &["dynamodb:Scan", "dynamodb:UpdateItem"]),
            need(REQUESTS, &["dynamodb:Scan", "dynamodb:GetItem", "dynamodb:UpdateItem"]),
            need(OUTBOX, &["dynamodb:Scan", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:PutItem"]),
            need(SESSIONS, &["dynamodb:Scan", "dynamodb:DeleteItem"]),
            need(CHATS, &["dynamodb:Scan", "dynamodb:GetItem", "dynamodb:UpdateItem"]),
            need(FORMS, &["dynamodb:Scan", "dynamodb:DeleteItem"]),
            need(REVIEWS, &["dynamodb:Scan", "dynamodb:UpdateItem"]),
            need(CONTACTS, &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"]),
        ],
        Function::Notifier => vec![need(Place::Source("notices"), RECEIVE), need(OUTBOX, UPDATE)],
        Function::Chatwoot => vec![need(INBOX, PUT), need(CHATS, UPDATE), need(CONTACTS, GATE)],
        Function::ChatwootWorker => vec![
            need(Place::Source("chatwoot"), RECEIVE),
            need(INBOX, UPDATE),
            need(CONTACTS, GATE),
            need(CHATS, GET_UPDATE),
            need(OUTBOX, PUT),
            need(LIMITS, GET_UPDATE),
        ],
        Function::Chat => vec![need(CHATS, GET_UPDATE), need(LIMITS, GET_UPDATE), need(OUTBOX, PUT)],
        Function::ContactForm => vec![need(FORMS, PUT), need(OUTBOX, PUT), need(LIMITS, UPDATE)],
        Function::WidgetEdge => {
            vec![need(INBOX, PUT), need(CONTACTS, GATE), need(DIRECTORY, GET), need(LIMITS, UPDATE)]
        }
        Function::Timers => vec![
            need(Place::Index("FRONTDESK_TABLE_INBOX", "waiting"), QUERY),
            need(Place::Index("FRONTDESK_TABLE_REQUESTS", "due"), QUERY),
            need(Place::Index("FRONTDESK_TABLE_SESSIONS", "deadline"), QUERY),
            need(Place::Index("FRONTDESK_TABLE_CONTACTS", "mirror"), QUERY),
            need(Place::Index("FRONTDESK_TABLE_OUTBOX", "attention"), QUERY),
            need(INBOX, UPDATE),
            need(REQUESTS, UPDATE),
            need(SESSIONS, GET_PUT),
            need(CONTACTS, GATE),
            need(OUTBOX, GET_PUT_UPDATE),
            need(LIMITS, GET_UPDATE),
            need(DIRECTORY, GET_UPDATE),
        ],
        Function::FollowUp => vec![
            need(Place::Index("FRONTDESK_TABLE_OUTBOX", "unresolved"), QUERY),
            need(INBOX, PUT),
            need(REQUESTS, GET),
            need(REVIEWS, GET),
            need(CONTACTS, GATE),
            need(OUTBOX, GET_PUT_UPDATE),
            need(LIMITS, GET_UPDATE),
            need(DIRECTORY, GET_UPDATE),
        ],
        // What it looks at stands in lists; it is asked about itself, by its address.
        Function::Health => vec![],
    }
}

/// All that a function needs: what it does with rows, and for each queue and secret that its variables name, that it may put
/// something in or read it.
#[must_use]
pub fn of(function: Function) -> Vec<Need> {
    let read_by_it = crate::config::SETTINGS.iter().filter(|setting| setting.functions.contains(&function));
    let named = read_by_it.filter_map(|setting| match setting.name {
        "PODIUM_OAUTH_SECRET_ARN" => Some(need(Place::Named(setting.name), READ_AND_WRITE)),
        name if name.ends_with("_SECRET_ARN") => Some(need(Place::Named(name), READ)),
        name if name.starts_with("FRONTDESK_QUEUE_") => Some(need(Place::Named(name), SEND)),
        _ => None,
    });
    own(function).into_iter().chain(named).collect()
}

/// The queues that hand work to a function, by the words that readiness has for them.
#[must_use]
pub fn sources(function: Function) -> Vec<&'static str> {
    let of = |need: &Need| match need.place {
        Place::Source(word) => Some(word),
        Place::Named(_) | Place::Index(..) => None,
    };
    own(function).iter().filter_map(of).collect()
}

/// What was asked of IAM about one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The function.
    pub function: Function,
    /// What its role does not allow: the action, and the ARN. `Forbidden` when the simulation may not be asked, or does not exist.
    pub denied: Looked<Vec<(String, String)>>,
}

/// Judges what IAM said. That nobody may ask it is no finding about the roles: it is told once, with what was done instead.
#[must_use]
pub fn judge(asked: &[Asked], own_credentials: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut unasked: Vec<(&str, &str)> = Vec::new();
    for Asked { function, denied } in asked {
        match denied {
            Looked::Seen(denied) if denied.is_empty() => {
                let what = "its role allows what it needs (asked by iam:SimulatePrincipalPolicy)";
                findings.push(Finding::ok(Group::Permissions, function.as_str(), what));
            }
            Looked::Seen(denied) => findings.extend(denied.iter().map(|(action, arn)| {
                let what = format!("its role does not allow {action} on {arn}");
                let remedy = "Deploy the template again; it makes the roles. A boundary or an organization's policy may deny it too.";
                Finding::fail(Group::Permissions, "permission_missing", function.as_str(), what, remedy).by("sam deploy")
            })),
            Looked::Absent => {}
            Looked::Forbidden(why) => unasked.push((function.as_str(), why)),
            Looked::Unknown(why) => {
                findings.push(Finding::unknown(Group::Permissions, function.as_str(), why, "Say the same command again."));
            }
        }
    }
    if let Some((_, why)) = unasked.first() {
        let names: Vec<&str> = unasked.iter().map(|(name, _)| *name).collect();
        let what = format!(
            "the roles were not looked at ({why}): iam:SimulatePrincipalPolicy would say whether they allow what is needed. {own_credentials}"
        );
        findings.push(Finding::not_looked_at(Group::Permissions, names.join(", "), what));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    fn asked(denied: Looked<Vec<(String, String)>>) -> Asked {
        Asked { function: Function::ReviewSender, denied }
    }

    #[test]
    fn what_a_role_does_not_allow_is_named_with_its_resource() {
        let denied = vec![("dynamodb:UpdateItem".to_owned(), "arn:aws:dynamodb:::table/outbox".to_owned())];
        let found = judge(&[asked(Looked::Seen(denied))], "");
        assert_eq!((found[0].level, found[0].check), (Level::Fail, "permission_missing"));
        assert!(found[0].what.contains("dynamodb:UpdateItem") && found[0].what.contains("table/outbox"));
    }

    #[test]
    fn roles_that_nobody_may_ask_about_are_not_called_well() {
        let found = judge(&[asked(Looked::Forbidden("AccessDenied".into()))], "The tool itself could read 10 tables.");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].level, Level::NotLookedAt);
        assert!(found[0].what.contains("AccessDenied") && found[0].what.contains("10 tables"));
        let found = judge(&[asked(Looked::Unknown("no answer".into()))], "");
        assert_eq!(found[0].level, Level::Unknown);
        assert_eq!(judge(&[asked(Looked::Seen(Vec::new()))], "")[0].level, Level::Ok);
    }

    #[test]
    fn who_refreshes_podiums_token_may_write_it_and_who_is_handed_work_may_take_it() {
        let needs = of(Function::ReviewSender);
        let writes = |need: &Need| need.actions.contains(&"secretsmanager:PutSecretValue");
        let write: Vec<_> = needs.iter().filter(|need| writes(need)).map(|need| need.place).collect();
        assert_eq!(write, [Place::Named("PODIUM_OAUTH_SECRET_ARN")]);
        assert_eq!(sources(Function::PodiumWorker), ["podium", "podium-reviews"]);
        assert!(sources(Function::Timers).is_empty() && of(Function::Health).is_empty());
    }
}
