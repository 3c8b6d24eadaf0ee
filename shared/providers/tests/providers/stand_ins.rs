//! The clients against the stand-ins, which were written from the providers' descriptions and not from these clients.

use std::time::Duration;

use frontdesk_core::{
    config::{
        PodiumContract,
        PodiumContract::{Brief, Published},
        ShopifyApiConfig,
    },
    ids::{ConversationUid, OrderId, ProviderId},
    outbox::{DeliveryNews, Invite},
    podium::{What, parse},
    provider::{
        Attachments, Backlog, ContactBook, ContactHandle, Created, Deliveries, DeliveryLookUp, Desk, Feed, Imports,
        Listed, LocationList, LookUp, LookUpAnswer, Measured, Messages, Mirrored, NewContact, NotDone, OptOutMirror,
        Orders, Refusal, ReviewSend, Reviews, Say, SendFailure, SmsConsent,
    },
    signature::Secret,
    time::{DAY, UnixMillis},
    token::{AccessToken, Grant},
};
use frontdesk_local::{Action, Canned, FaultRule, Match, StandIns, Times};
use frontdesk_providers::{AccessTokens, AttachmentHosts, Podium, PodiumGrant, Shopify, ShopifyGrant};
use serde_json::json;

use crate::world::{
    NOW, PHONE, TestClock, TestVault, http, import, location, permit, phone, podium_config, review, shop, words,
};

/// A token that the stand-ins know.
struct Known(String);

impl AccessTokens for Known {
    async fn token(&self, _: Option<&AccessToken>) -> Result<AccessToken, NotDone> {
        let secret = Secret::new("token", self.0.as_str()).unwrap();
        Ok(AccessToken { secret, granted_at: NOW, expires_at: NOW.plus(Duration::from_secs(3600)) })
    }
}

async fn stand_ins() -> StandIns {
    let stand_ins = StandIns::start("127.0.0.1:0").await.unwrap();
    stand_ins.set_podium(&json!({ "locations": [{ "uid": location().as_str(), "name": "Burleigh" }] })).unwrap();
    stand_ins
}

fn podium(stand_ins: &StandIns, contract: PodiumContract) -> Podium<Known, TestClock> {
    let tokens = Known(stand_ins.podium_token());
    Podium::new(http(), &podium_config(contract, &stand_ins.podium_url()), tokens, TestClock::new()).unwrap()
}

fn text(invite: Option<Invite>) -> ReviewSend {
    let text = invite.as_ref().map(|invite| format!("How did we do? {} Reply STOP to opt out.", invite.url));
    ReviewSend { invite, text: text.unwrap_or_default(), ..review() }
}

fn look_up(invite: Invite, began_at_ms: i64) -> LookUp {
    LookUp { phone: phone(), location: location(), invite: Some(invite), began_at: UnixMillis::new(began_at_ms) }
}

fn on_messages(action: Action) -> FaultRule {
    let matching = Match { method: Some("POST".into()), path_prefix: Some("/v4/messages".into()), ..Match::default() };
    FaultRule { matching, times: Times::Count(1), action }
}

#[tokio::test]
async fn a_link_and_a_message_are_one_text_to_one_person() {
    let stand_ins = stand_ins().await;
    let client = podium(&stand_ins, Published);
    let invite = client.prepare(&permit().await, &location()).await.unwrap();
    let uid = client.send(permit().await, &text(invite)).await.unwrap();
    let effects = stand_ins.ledger();
    assert_eq!(effects.len(), 1);
    assert_eq!((effects[0].phone.as_str(), effects[0].message_id.as_deref()), (PHONE, Some(uid.as_str())));
    assert!(stand_ins.requests().iter().all(|call| call.podium_version.as_deref() == Some("2021.04.01")));
}

#[tokio::test]
async fn a_text_whose_answer_was_lost_is_found_and_not_repeated() {
    for lost in [
        Action { drop_reply_after_acting: true, ..Action::default() },
        Action { truncate: true, ..Action::default() },
        Action { status: Some(502), after_acting: true, ..Action::default() },
    ] {
        let stand_ins = stand_ins().await;
        let client = podium(&stand_ins, Published);
        let invite = client.prepare(&permit().await, &location()).await.unwrap().unwrap();
        stand_ins.add_fault(on_messages(lost.clone())).unwrap();
        let failure = client.send(permit().await, &text(Some(invite.clone()))).await.unwrap_err();
        assert!(matches!(failure, SendFailure::Ambiguous { .. }), "{lost:?}: {failure:?}");
        let effects = stand_ins.ledger();
        assert_eq!(effects.len(), 1, "{lost:?}");
        let message = ProviderId::try_from(effects[0].message_id.as_deref().unwrap()).unwrap();
        let answer = client.look_up(&look_up(invite, effects[0].at_ms)).await;
        assert_eq!(answer, Ok(LookUpAnswer::Sent { message }), "{lost:?}");
    }
}

#[tokio::test]
async fn a_text_that_never_arrived_is_clearly_not_there() {
    let stand_ins = stand_ins().await;
    let client = podium(&stand_ins, Published);
    let invite = client.prepare(&permit().await, &location()).await.unwrap().unwrap();
    let text = text(Some(invite.clone()));
    stand_ins.add_fault(on_messages(Action { close_before_acting: true, ..Action::default() })).unwrap();
    let failure = client.send(permit().await, &text).await.unwrap_err();
    assert!(matches!(failure, SendFailure::Ambiguous { .. }), "{failure:?}");
    assert_eq!(client.look_up(&look_up(invite, NOW.get())).await, Ok(LookUpAnswer::NotSent));
    client.send(permit().await, &text).await.unwrap();
    assert_eq!(stand_ins.ledger().len(), 1);
}

#[tokio::test]
async fn an_invitation_in_the_briefs_contract() {
    let stand_ins = stand_ins().await;
    let client = podium(&stand_ins, Brief);
    let text = text(None);
    let id = client.send(permit().await, &text).await.unwrap();
    assert_eq!(stand_ins.ledger()[0].invitation_id.as_deref(), Some(id.as_str()));
    let limited = Action { canned: Some(Canned::PodiumRateLimitBrief), ..Action::default() };
    stand_ins.add_fault(FaultRule { action: limited, ..FaultRule::default() }).unwrap();
    let failure = client.send(permit().await, &text).await.unwrap_err();
    let NotDone::Throttled { wait, .. } = not_sent(failure) else { panic!("throttled") };
    assert_eq!(wait, Duration::from_secs(2));
}

fn not_sent(failure: SendFailure) -> NotDone {
    match failure {
        SendFailure::NotSent(not_done) => not_done,
        other @ (SendFailure::PermitExpired | SendFailure::Refused(_) | SendFailure::Ambiguous { .. }) => {
            panic!("{other:?}")
        }
    }
}

#[tokio::test]
async fn a_rotated_refresh_token_works_the_next_time() {
    let stand_ins = stand_ins().await;
    stand_ins.set_podium(&json!({ "rotate_refresh_tokens": true, "refresh_tokens": ["rt-1"] })).unwrap();
    let vault = TestVault::holding(&json!({ "client_id": "ci", "client_secret": "cs-hush", "refresh_token": "rt-1" }));
    let config = podium_config(Published, &stand_ins.podium_url());
    let grant = PodiumGrant::new(http(), &config, vault.clone()).unwrap();
    let first = grant.grant().await.unwrap();
    assert_ne!(vault.field("refresh_token"), "rt-1");
    let second = grant.grant().await.unwrap();
    assert_ne!(first.secret, second.secret);
    let client = Podium::new(http(), &config, Known(second.secret.expose().to_owned()), TestClock::new()).unwrap();
    assert!(client.prepare(&permit().await, &location()).await.is_ok());
}

#[tokio::test]
async fn an_order_through_client_credentials() {
    let stand_ins = stand_ins().await;
    let config = ShopifyApiConfig { url: stand_ins.shopify_url(), version: "2026-10".into(), secret: "arn".into() };
    let vault = TestVault::holding(&json!({ "client_id": "ci", "client_secret": "cs-hush" }));
    let granted = ShopifyGrant::new(http(), &config, vault).unwrap().grant().await.unwrap();
    let client =
        Shopify::new(http(), shop(), &config, Known(granted.secret.expose().to_owned()), TestClock::new()).unwrap();
    let order = client.order(&shop(), OrderId(7_024_000_000_101)).await.unwrap().unwrap();
    assert!(
        order.fulfilled && !order.return_open && !order.point_of_sale && !order.b2b && !order.test && !order.cancelled
    );
    assert_eq!((order.consent, order.time_zone.as_deref()), (SmsConsent::Subscribed, Some("Australia/Sydney")));
    stand_ins.set_order("7024000000102", json!({ "missing": true })).unwrap();
    assert_eq!(client.order(&shop(), OrderId(7_024_000_000_102)).await, Ok(None));
    for (canned, seconds) in [(Canned::ShopifyThrottled200, 1), (Canned::ShopifyThrottled429, 2)] {
        let action = Action { canned: Some(canned), ..Action::default() };
        stand_ins.add_fault(FaultRule { action, ..FaultRule::default() }).unwrap();
        let Err(NotDone::Throttled { wait, .. }) = client.order(&shop(), OrderId(1)).await else {
            panic!("{canned:?}")
        };
        assert_eq!(wait, Duration::from_secs(seconds));
    }
}

fn stranger(client_name: Option<&str>) -> NewContact {
    NewContact { phone: phone(), first_name: client_name.map(str::to_owned), last_name: None, location: location() }
}

/// The conversation that a message to our person opens.
async fn conversation(stand_ins: &StandIns) -> ConversationUid {
    let what = Say { conversation: None, text: "Hello!".into(), ..words() };
    podium(stand_ins, Published).say(permit().await, &what).await.unwrap();
    let uid = stand_ins.ledger().pop().unwrap().conversation;
    ConversationUid::try_from(uid.as_str()).unwrap()
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_found_and_not_repeated() {
    for contract in [Published, Brief] {
        let stand_ins = stand_ins().await;
        let what = Say { conversation: Some(conversation(&stand_ins).await), ..words() };
        let client = podium(&stand_ins, contract);
        let matching = Match { method: Some("POST".into()), ..Match::default() };
        let action = Action { drop_reply_after_acting: true, ..Action::default() };
        stand_ins.add_fault(FaultRule { matching, times: Times::Count(1), action }).unwrap();
        let before = stand_ins.ledger().last().unwrap().at_ms;
        let early = client.look_up_said(&phone(), &what, UnixMillis::new(before)).await;
        assert_eq!(early, Ok(LookUpAnswer::NotSent), "{contract:?}");
        let failure = client.say(permit().await, &what).await.unwrap_err();
        assert!(matches!(failure, SendFailure::Ambiguous { .. }), "{contract:?}: {failure:?}");
        let effect = stand_ins.ledger().pop().unwrap();
        assert_eq!((effect.body.as_deref(), effect.contact_name), (Some(what.text.as_str()), None));
        let message = ProviderId::try_from(effect.message_id.as_deref().unwrap()).unwrap();
        let answer = client.look_up_said(&phone(), &what, UnixMillis::new(before)).await;
        assert_eq!(answer, Ok(LookUpAnswer::Sent { message }), "{contract:?}");
    }
}

#[tokio::test]
async fn the_briefs_podium_refuses_to_write_to_who_opted_out() {
    let stand_ins = stand_ins().await;
    let what = Say { conversation: Some(conversation(&stand_ins).await), ..words() };
    stand_ins.set_contact(PHONE, &json!({ "opted_out": true })).unwrap();
    let failure = podium(&stand_ins, Brief).say(permit().await, &what).await;
    assert_eq!(failure, Err(SendFailure::Refused(Refusal::OptedOut)));
    assert_eq!(stand_ins.ledger().len(), 1);
}

#[tokio::test]
async fn notes_and_the_state_of_a_conversation() {
    for contract in [Published, Brief] {
        let stand_ins = stand_ins().await;
        let uid = conversation(&stand_ins).await;
        let client = podium(&stand_ins, contract);
        let report = || stand_ins.conversation(uid.as_str()).unwrap();
        assert_eq!(report()["closed"], json!(false), "what we say stays in the open inbox");
        client.note(&uid, "Their answers").await.unwrap();
        assert!(report().to_string().contains("Their answers"));
        for _ in 0..2 {
            client.set_closed(&uid, true).await.unwrap();
            assert_eq!(report()["closed"], json!(true), "{contract:?}");
        }
        client.set_closed(&uid, false).await.unwrap();
    }
}

#[tokio::test]
async fn a_contact_is_made_found_and_marked() {
    for contract in [Published, Brief] {
        let stand_ins = stand_ins().await;
        stand_ins.set_podium(&json!({ "wrong_contact_first": true })).unwrap();
        let client = podium(&stand_ins, contract);
        let tell = async |how, out| client.mirror(&phone(), None, how, out).await;
        assert_eq!(client.find_contact(&phone(), Some(&location())).await, Ok(None));
        assert_eq!(tell(OptOutMirror::Tag, true).await, Ok(Mirrored::NoContact));
        assert_eq!(tell(OptOutMirror::Tag, false).await, Ok(Mirrored::NoContact));
        assert_eq!(tell(OptOutMirror::CampaignOptOut, true).await, Ok(Mirrored::NoContact));
        let made = client.create_contact(&stranger(Some("Jo"))).await;
        assert!(matches!(made, Ok(Created::Made { .. })), "{made:?}");
        let found = client.find_contact(&phone(), Some(&location())).await.unwrap().unwrap();
        assert_eq!((found.phones.as_slice(), found.opted_out), ([phone()].as_slice(), false));
        for out in [true, true, false, false] {
            assert_eq!(tell(OptOutMirror::Tag, out).await, Ok(Mirrored::Told), "{contract:?}");
            let tags = stand_ins.contacts_of(PHONE)[0]["tags"].as_array().unwrap().len();
            assert_eq!(tags, usize::from(out), "{contract:?}");
        }
        assert_eq!(tell(OptOutMirror::CampaignOptOut, true).await, Ok(Mirrored::Told));
        assert_eq!(stand_ins.contacts_of(PHONE).len(), 1);
    }
}

#[tokio::test]
async fn the_briefs_opt_out_is_a_field() {
    let stand_ins = stand_ins().await;
    let client = podium(&stand_ins, Brief);
    let told = async |out| client.mirror(&phone(), None, OptOutMirror::BriefPatch, out).await;
    assert_eq!(told(true).await, Ok(Mirrored::NoContact));
    client.create_contact(&stranger(None)).await.unwrap();
    assert_eq!(client.create_contact(&stranger(None)).await, Ok(Created::Exists));
    for out in [true, false] {
        assert_eq!(told(out).await, Ok(Mirrored::Told));
        let found = client.find_contact(&phone(), None).await.unwrap().unwrap();
        assert_eq!(found.opted_out, out);
    }
}

#[tokio::test]
async fn a_contact_of_a_conversation() {
    let stand_ins = stand_ins().await;
    let handle = ContactHandle::Conversation(conversation(&stand_ins).await);
    let found = podium(&stand_ins, Published).contact_of(&handle).await.unwrap().unwrap();
    assert_eq!(found.phones, [phone()]);
    let nobody = ContactHandle::Email("nobody@example.com".into());
    for contract in [Published, Brief] {
        assert_eq!(podium(&stand_ins, contract).contact_of(&nobody).await, Ok(None));
    }
}

#[tokio::test]
async fn all_pages_of_locations() {
    let stand_ins = stand_ins().await;
    for number in 0..120 {
        let place = json!({ "country": "NZ", "archived": number % 2 == 1 });
        stand_ins.set_location(&format!("loc-n{number}"), &place).unwrap();
    }
    for contract in [Published, Brief] {
        assert_eq!(podium(&stand_ins, contract).list_locations().await.unwrap().len(), 1 + 60, "{contract:?}");
    }
}

#[tokio::test]
async fn sizes_from_a_host_of_every_temper() {
    let stand_ins = stand_ins().await;
    let url = stand_ins.attachment_url("1.jpg");
    let host = url.split("/attachments").next().unwrap();
    let client = podium(&stand_ins, Published).with_attachments(AttachmentHosts::parse(host).unwrap());
    assert_eq!(client.measure(&url).await, Ok(Measured::Unknown));
    let size = 26_214_401_u64;
    for (temper, measured) in [
        (json!({}), Measured::Bytes(size)),
        (json!({ "head": false }), Measured::Bytes(size)),
        (json!({ "head": false, "ranges": false }), Measured::Bytes(size)),
        (json!({ "head": false, "ranges": false, "length": false }), Measured::Unknown),
        (json!({ "ranges": true, "length": false }), Measured::Unknown),
        (json!({ "redirect_to": "/attachments/2.jpg" }), Measured::Bytes(7)),
        (json!({ "redirect_to": "https://elsewhere.example/2.jpg" }), Measured::Unknown),
    ] {
        let plain = json!({ "size": size, "head": true, "ranges": true, "length": true, "redirect_to": null });
        stand_ins.set_attachment("1.jpg", &plain).unwrap();
        stand_ins.set_attachment("2.jpg", &json!({ "size": 7 })).unwrap();
        stand_ins.set_attachment("1.jpg", &temper).unwrap();
        assert_eq!(client.measure(&url).await, Ok(measured), "{temper}");
    }
}

#[tokio::test]
async fn what_was_sent_is_found_by_its_id() {
    let stand_ins = stand_ins().await;
    let what = |message| DeliveryLookUp { phone: phone(), message, accepted_at: NOW };
    let published = podium(&stand_ins, Published);
    let invite = published.prepare(&permit().await, &location()).await.unwrap();
    let message = published.send(permit().await, &text(invite)).await.unwrap();
    assert_eq!(published.delivery(&what(message)).await, Ok(Some(DeliveryNews::Sent)));
    let brief = podium(&stand_ins, Brief);
    let invitation = brief.send(permit().await, &text(None)).await.unwrap();
    assert_eq!(brief.delivery(&what(invitation)).await, Ok(Some(DeliveryNews::Sent)));
    let unknown = ProviderId::try_from("m-unknown").unwrap();
    for client in [published, brief] {
        assert_eq!(client.delivery(&what(unknown.clone())).await, Ok(None));
    }
}

/// What was written to customers is in the same lists, and was no webhook's to tell.
#[tokio::test]
async fn only_customers_messages_are_recovered() {
    let stand_ins = stand_ins().await;
    let client = podium(&stand_ins, Published);
    client.say(permit().await, &words()).await.unwrap();
    let sent_at = UnixMillis::new(stand_ins.ledger()[0].at_ms);
    stand_ins.clear_requests();
    let listed = client.list(Feed::PodiumMessages, sent_at.minus(DAY), sent_at.plus(DAY), None).await;
    assert_eq!(listed, Ok(Listed::default()));
    assert_eq!(stand_ins.requests().len(), 2, "the conversations, and the messages of the one");
    stand_ins.clear_requests();
    let listed = client.list(Feed::PodiumMessages, sent_at.plus(DAY), sent_at.plus(2 * DAY), None).await;
    assert_eq!(listed, Ok(Listed::default()));
    assert_eq!(stand_ins.requests().len(), 1, "none was touched since");
}

/// It is in the list like any message of a customer's, under the uid that the answer named; and the conversation is not open for
/// that.
#[tokio::test]
async fn a_message_is_shown_once_for_each_call() {
    for contract in [Published, Brief] {
        let stand_ins = stand_ins().await;
        let client = podium(&stand_ins, contract);
        assert_eq!(client.find_contact(&phone(), None).await, Ok(None));
        let shown = client.import(&import()).await.unwrap();
        let [entry] = stand_ins.imports().try_into().unwrap();
        let uid = |text: &str| ProviderId::try_from(text).unwrap();
        assert_eq!((shown.message, entry.body), (Some(uid(&entry.message_id)), import().text), "{contract:?}");
        assert_eq!(shown.conversation.unwrap().as_str(), entry.conversation);
        assert_eq!(stand_ins.conversation(&entry.conversation).unwrap()["closed"], json!(true));
        let named = client.find_contact(&phone(), None).await.unwrap().unwrap();
        assert_eq!(named.name.as_deref(), Some("Jo de la Cruz"));
        assert!(stand_ins.ledger().is_empty(), "nobody is sent anything");
        let again = client.import(&import()).await.unwrap();
        assert!(again.message != Some(uid(&entry.message_id)) && stand_ins.imports().len() == 2);

        let listed = client.list(Feed::PodiumMessages, NOW.minus(DAY), NOW.plus(DAY), None).await.unwrap();
        assert_eq!(listed.found.len(), 2);
        let What::Received(listed) = parse(&listed.found[1].body).unwrap().what else { panic!("not a message") };
        assert_eq!((listed.uid.as_ref(), listed.from_widget), (Some(&uid(&entry.message_id)), false));
        assert_eq!((listed.customer(None), listed.text), (Ok(phone()), Some(import().text)));
    }
}
