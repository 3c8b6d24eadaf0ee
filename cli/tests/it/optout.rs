//! `frontdesk optout audit`, over tables in this process and a Podium that says what it is told to.

use std::time::Duration;

use frontdesk_core::{
    contact::{Contacts as _, Direction, Evidence, MirrorOutcome, OptOutChange, OptOutFlag, OptOutSource},
    ids::Shard,
    phone::E164Phone,
    time::UnixMillis,
};
use frontdesk_local::{Action, FaultRule, Match, Times};
use frontdesk_tests::wire::{Fate, Wire};
use serde_json::json;

use crate::{
    Run,
    world::{NOWHERE, World, printed},
};

const PHONE: &str = "+61491570156";
const SAID: UnixMillis = UnixMillis::new(1_746_000_000_000);
const RECORDED: UnixMillis = UnixMillis::new(1_746_000_001_500);
impl World {
    fn audit(&self, more: &[(&str, &str)]) -> Run {
        self.audit_of(&["--phone", PHONE], more)
    }

    fn audit_of(&self, args: &[&str], more: &[(&str, &str)]) -> Run {
        self.run(&[&["optout", "audit"], args].concat(), more)
    }

    /// Records an opt-out or its end here.
    async fn record(&self, direction: Direction, at: UnixMillis) {
        let source = OptOutSource::Sms;
        let evidence = Evidence { source, message_id: None, text_sha256: None, recorded_at: RECORDED, by_hand: None };
        let change = OptOutChange { phone: phone(), flag: OptOutFlag::Keyword, direction, at, evidence };
        self.tables.store().record_opt_out(&change).await.unwrap();
    }

    async fn settle(&self, outcome: MirrorOutcome) {
        let store = self.tables.store();
        let due = store.mirrors_due(Shard::of(PHONE), UnixMillis::new(i64::MAX), 1).await.unwrap();
        store.settle_mirror(due.first().unwrap(), &outcome).await.unwrap();
    }

    fn at_podium(&self, opted_out: bool) {
        self.providers.set_contact(PHONE, &json!({ "uid": "c-1", "opted_out": opted_out })).unwrap();
    }
}

fn phone() -> E164Phone {
    E164Phone::parse_e164(PHONE).unwrap()
}

/// Neither an answer nor anything that could be taken for one.
fn assert_no_answer(run: &Run, words: &[&str]) {
    assert_eq!((run.code, run.text()), (2, ""), "{}", run.stderr);
    for word in words {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
    for secret in ["consistent", "91570156", "hush"] {
        assert!(!run.stderr.contains(secret), "{secret}: {}", run.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_say_so() {
    let world = World::start().await;
    world.record(Direction::Out, SAID).await;
    world.settle(MirrorOutcome::Told { out: true }).await;
    world.at_podium(true);
    let run = world.audit(&[]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let expected = json!({
        "phone": PHONE,
        "optout_store": {
            "opted_out": true, "flag": "podium_keyword_optout", "source": "sms", "at": 1_746_000_000,
            "recorded_at": 1_746_000_001, "recorded_at_iso": "2025-04-30T08:00:01Z",
        },
        "podium_contact": { "uid": "c-1", "opted_out": true },
        "mirror": { "state": "told", "due_at": null, "attempts": null },
        "consistent": true,
        "why": "both say that this person wants no messages",
    });
    assert_eq!(printed(&run), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_that_podium_does_not_know_is_drift_and_the_mirror_says_why() {
    let world = World::start().await;
    world.record(Direction::Out, SAID).await;
    world.at_podium(false);
    let run = world.audit(&[]);
    let found = printed(&run);
    assert_eq!((run.code, &found["consistent"]), (1, &json!(false)));
    assert_eq!(found["mirror"], json!({ "state": "off", "due_at": 1_746_000_001, "attempts": 0 }));
    assert!(
        run.stderr.starts_with("frontdesk: ERR_WEBCHAT_011: Podium does not know of the opt-out"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("OPTOUT_MIRROR is none"), "{}", run.stderr);

    world.settle(MirrorOutcome::Later { at: RECORDED.plus(Duration::from_secs(60)) }).await;
    let run = world.audit(&[("OPTOUT_MIRROR", "tag")]);
    let mirror = json!({ "state": "due", "due_at": 1_746_000_061, "attempts": 1 });
    assert_eq!((run.code, &printed(&run)["mirror"]), (1, &mirror));
    assert!(run.stderr.contains("2025-04-30T08:01:01Z"), "{}", run.stderr);

    world.settle(MirrorOutcome::Told { out: true }).await;
    let run = world.audit(&[("OPTOUT_MIRROR", "tag")]);
    assert_eq!((run.code, &printed(&run)["mirror"]["state"]), (1, &json!("told")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_that_only_podium_knows_is_drift() {
    let world = World::start().await;
    world.at_podium(true);
    let run = world.audit(&[]);
    assert_eq!((run.code, &printed(&run)["optout_store"]), (1, &json!({ "present": false })));
    assert!(run.stderr.contains("ERR_WEBCHAT_011") && run.stderr.contains("nothing of it is recorded here"));

    world.record(Direction::Out, SAID).await;
    world.record(Direction::In, RECORDED).await;
    let run = world.audit(&[]);
    assert_eq!((run.code, &printed(&run)["optout_store"]["opted_out"]), (1, &json!(false)));
    assert!(run.stderr.contains("taken back here"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_podium_is_no_drift() {
    let world = World::start().await;
    let run = world.audit(&[]);
    let absent = json!({ "present": false });
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let found = printed(&run);
    assert_eq!((&found["optout_store"], &found["podium_contact"]), (&absent, &absent));
    assert_eq!(found["mirror"]["state"], "nothing");
    world.record(Direction::Out, SAID).await;
    let run = world.audit(&[]);
    assert_eq!((run.code, &printed(&run)["podium_contact"]), (0, &absent));
}

/// Whom the briefs' Podium lists first is not who was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn the_briefs_podium_is_asked_in_its_own_way() {
    let world = World::start().await;
    world.record(Direction::Out, SAID).await;
    world.at_podium(true);
    world.providers.set_podium(&json!({ "wrong_contact_first": true })).unwrap();
    let brief = [("PODIUM_CONTRACT", "brief"), ("PODIUM_CAMPAIGN_ID", "campaign-1")];
    let run = world.audit(&brief);
    assert_eq!((run.code, &printed(&run)["podium_contact"]["uid"]), (0, &json!("c-1")), "{}", run.stderr);
}

/// With OPTOUT_MIRROR=tag the tag is Podium's record.
#[tokio::test(flavor = "multi_thread")]
async fn a_tag_counts_under_the_label_that_it_is_set_under() {
    let world = World::start().await;
    world.record(Direction::Out, SAID).await;
    let tags = json!([{ "uid": "t-1", "label": "Leave alone" }]);
    let contact = json!({ "data": { "uid": "c-2", "phoneNumbers": [PHONE], "tags": tags } });
    let token = json!({ "access_token": "at-hush", "expires_in": 3600 });
    let podium = Wire::nowhere(move |call| {
        Fate::Answer(200, if call.method == "GET" { contact.clone() } else { token.clone() })
    });
    let podium = podium.await;
    let at = [("PODIUM_API_URL", podium.url.as_str()), ("PODIUM_TOKEN_URL", &podium.url), ("OPTOUT_MIRROR", "tag")];
    assert_eq!(world.audit(&at).code, 1);
    let run = world.audit(&[&at[..], &[("OPTOUT_TAG", "leave alone")]].concat());
    assert_eq!((run.code, printed(&run)["podium_contact"].clone()), (0, json!({ "uid": "c-2", "opted_out": true })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_podium_that_does_not_answer_is_exit_code_2() {
    let world = World::start().await;
    world.record(Direction::Out, SAID).await;
    world.at_podium(false);
    for status in [500, 503, 429, 403, 404] {
        let matching = Match { method: Some("GET".into()), ..Match::default() };
        let action = Action { status: Some(status), body: Some(json!("no")), ..Action::default() };
        world.providers.add_fault(FaultRule { matching, times: Times::FOREVER, action }).unwrap();
        assert_no_answer(&world.audit(&[]), &["Podium's record was not read"]);
        world.providers.clear_faults();
    }
    assert_no_answer(&world.audit(&[("PODIUM_API_URL", NOWHERE)]), &["Podium's record was not read"]);
    world.providers.set_podium(&json!({ "client_id": "another" })).unwrap();
    world.providers.revoke_tokens(frontdesk_local::Provider::Podium);
    assert_no_answer(&world.audit(&[]), &["Podium's record was not read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_does_not_answer_is_exit_code_2() {
    let world = World::start().await;
    let missing = [("FRONTDESK_TABLE_CONTACTS", "no-such-table")];
    for podium in [true, false] {
        world.at_podium(podium);
        assert_no_answer(&world.audit(&missing), &["ERR_WEBCHAT_010", "ResourceNotFoundException"]);
    }
    let neither = [missing[0], ("PODIUM_API_URL", NOWHERE)];
    assert_no_answer(&world.audit(&neither), &["ERR_WEBCHAT_010", "Podium's record was not read"]);
    assert_no_answer(&world.audit(&[("AWS_ENDPOINT_URL_DYNAMODB", NOWHERE)]), &["ERR_WEBCHAT_010"]);
    // A row that this version cannot read may well be an opt-out.
    world.tables.put("contacts", &json!({ "pk": { "S": PHONE }, "global_unsubscribe": { "S": "out" } }));
    assert_no_answer(&world.audit(&[]), &["ERR_WEBCHAT_010", "cannot be read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_number_takes_a_country_and_a_wrong_one_asks_nobody() {
    let world = World::start().await;
    let run = world.audit_of(&["--phone", "0491 570 156", "--default-country", "AU"], &[]);
    assert_eq!((run.code, &printed(&run)["phone"]), (0, &json!(PHONE)));
    world.providers.clear_requests();
    for (args, word) in [
        (&["--phone", "0491 570 156"][..], "--default-country"),
        (&["--phone", "12", "--default-country", "AU"], "digits may be missing"),
        (&["--phone", ""], "not a phone number"),
    ] {
        assert_no_answer(&world.audit_of(args, &[]), &["ERR_WEBCHAT_001", word]);
    }
    assert!(world.providers.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_gets_a_table_without_the_number() {
    let world = World::start().await;
    world.record(Direction::Out, SAID).await;
    world.at_podium(false);
    let run = world.audit_of(&["--phone", PHONE, "--output", "human"], &[]);
    assert_eq!(run.code, 1);
    let expected = "\
phone       +*******0156
here        opted out (podium_keyword_optout: out by sms, recorded 2025-04-30T08:00:01Z)
Podium      not opted out (contact c-1)
mirror      off (due 2025-04-30T08:00:01Z, vain attempts: 0)
consistent  NO: Podium does not know of the opt-out: it is not told, since OPTOUT_MIRROR is none
";
    assert_eq!(run.text(), expected);
    assert!(!run.stderr.contains("91570156"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_are_wrong_are_told_at_once() {
    let world = World::start().await;
    let odd = [("FRONTDESK_CALL_TIMEOUT_MS", "soon"), ("PODIUM_CONTRACT", "brief"), ("PODIUM_OAUTH_SECRET_ARN", "")];
    let run = world.audit(&odd);
    let words = ["FRONTDESK_CALL_TIMEOUT_MS is \"soon\"", "PODIUM_CAMPAIGN_ID", "PODIUM_OAUTH_SECRET_ARN is not set"];
    assert_no_answer(&run, &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_nobody_filled_in_is_named() {
    let world = World::with_secrets(|_| Fate::Answer(200, json!({ "SecretString": "REPLACE_ME" }))).await;
    assert_no_answer(&world.audit(&[]), &["PODIUM_OAUTH_SECRET_ARN", "placeholder"]);
}

/// What the clients report stands beside the answer and not in it.
#[tokio::test(flavor = "multi_thread")]
async fn warnings_leave_standard_output_alone() {
    let world = World::start().await;
    let own = [("FRONTDESK_LOCAL_PORT_AWS", "4566"), ("PODIUM_WEBHOOK_SECRET", "hush")];
    assert_eq!(world.audit(&own).stderr, "");
    // The token of the first run is shared, so that the second needs no secret.
    let broken = Wire::nowhere(|call| match call.json()["SecretId"].as_str() {
        Some(name) if name.contains("pepper") => Fate::Answer(200, json!({ "SecretString": "pepper" })),
        _ => Fate::Answer(500, json!({})),
    });
    let broken = broken.await;
    let run = world.audit(&[("AWS_ENDPOINT_URL_SECRETS_MANAGER", &broken.url), ("OPTOUT_MIROR", "tag")]);
    assert_eq!((run.code, &printed(&run)["consistent"]), (0, &json!(true)));
    assert!(run.stderr.contains("OPTOUT_MIROR looks like a setting"), "{}", run.stderr);
    assert!(run.stderr.contains("a secret could not be read at the start"), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);
}
