//! What comes with a message: files that are late, voices that cannot be written down, pictures.

use std::time::Duration;

use frontdesk_core::{agent::ModelFailure, flow::listen::Transcripts};
use frontdesk_testkit::world::{Call, File, Utterance, World};
use serde_json::json;

use super::{calm, play, secs};

const VOICE: &str = "https://chat.example.test/q1.ogg";
const CAT: &str = "https://chat.example.test/cat.png";
const TRYING: &str = "I will try again in a moment";
const CANNOT: &str = "I cannot open what you sent";

fn voice() -> Utterance {
    Utterance::file("audio", "audio/ogg", VOICE)
}

fn transient() -> Result<String, ModelFailure> {
    Err(ModelFailure::Transient { detail: "503".into() })
}

fn holds(world: &World, words: &str) -> usize {
    world.chatwoot.posts(1).iter().filter(|post| post.contains(words)).count()
}

#[test]
fn a_file_that_is_not_there_yet_is_waited_for() {
    for url in [VOICE, CAT] {
        let world = play(url, calm(), |w| {
            let file = File { not_there_for: 4, failing_for: 0, mime: "image/png" };
            w.chatwoot.files.borrow_mut().insert(url.to_owned(), file);
            let what = if url == VOICE { voice() } else { Utterance::file("image", "image/png", CAT) };
            w.utters(1, what, Duration::ZERO);
        });
        let waits: Vec<u64> = world.chatwoot.waits.borrow().iter().map(Duration::as_secs).collect();
        assert_eq!((waits, world.chatwoot.posts(1).len()), (vec![1, 2, 3, 4], 1), "{url}");
        assert_eq!(holds(&world, "re:"), 1, "{url}");
    }
    // One that never comes.
    let world = play("never", calm(), |w| {
        let file = File { not_there_for: 100, failing_for: 0, mime: "audio/ogg" };
        w.chatwoot.files.borrow_mut().insert(VOICE.to_owned(), file);
        w.utters(1, voice(), Duration::ZERO);
    });
    assert_eq!((holds(&world, CANNOT), world.chatwoot.posts(1).len()), (1, 1));
    assert_eq!(world.end_of_message(88_001).as_deref(), Some("attachment_failed"));
}

#[test]
fn what_may_work_later_is_said_once_and_tried_again() {
    for (name, failures) in [("once", 1), ("thrice", 3)] {
        let world = play(name, calm(), |w| {
            let mut said = w.chatwoot.transcripts.borrow_mut();
            said.extend((0..failures).map(|_| transient()));
            said.push_back(Ok("q1 boats".into()));
            drop(said);
            w.utters(1, voice(), Duration::ZERO);
        });
        let posts = world.chatwoot.posts(1);
        assert_eq!((holds(&world, TRYING), holds(&world, "re: q1"), posts.len()), (1, 1, 2), "{name}: {posts:?}");
        assert_eq!(world.chatwoot.count(|c| matches!(c, Call::Transcribe(_))), failures + 1);
    }
    // A file's host that fails for a while.
    let world = play("a host", calm(), |w| {
        let file = File { not_there_for: 0, failing_for: 7, mime: "audio/ogg" };
        w.chatwoot.files.borrow_mut().insert(VOICE.to_owned(), file);
        w.utters(1, voice(), Duration::ZERO);
    });
    assert_eq!((holds(&world, TRYING), holds(&world, "re: q1")), (1, 1));
    // It never works again: people are asked.
    let world = play("never again", calm(), |w| {
        w.chatwoot.transcripts.borrow_mut().extend((0..100).map(|_| transient()));
        w.utters(1, voice(), Duration::ZERO);
    });
    assert_eq!((holds(&world, TRYING), holds(&world, "a person"), world.chatwoot.posts(1).len()), (1, 1, 2));
    let conversation = world.chatwoot.conversation(1);
    assert_eq!((conversation.status, conversation.notes().len()), ("open", 1));
}

#[test]
fn what_will_never_work_keeps_nothing_else_from_being_answered() {
    for debounce in [0, 4] {
        let mut world = calm();
        world.chatwoot.assistant.debounce = secs(debounce);
        let world = play("a burst", world, |w| {
            let refused = ModelFailure::Refused { detail: "not audio".into() };
            w.chatwoot.transcripts.borrow_mut().push_back(Err(refused));
            w.asks(1, "q1 do you deliver", Duration::ZERO);
            w.utters(1, voice(), secs(1));
            w.asks(1, "q2 on sundays", secs(2));
        });
        let posts = world.chatwoot.posts(1);
        assert_eq!(holds(&world, CANNOT), 1, "debounce {debounce}: {posts:?}");
        let answers: String = posts.join(" ");
        assert!(answers.contains("q1") && answers.contains("q2"), "debounce {debounce}: {posts:?}");
        assert_eq!(world.chatwoot.conversation(1).status, "pending");
    }
    // Its own words are answered.
    let world = play("words", calm(), |w| {
        let refused = ModelFailure::Refused { detail: "not audio".into() };
        w.chatwoot.transcripts.borrow_mut().push_back(Err(refused));
        w.utters(1, Utterance { text: Some("q1 listen".into()), ..voice() }, Duration::ZERO);
    });
    assert_eq!((holds(&world, CANNOT), holds(&world, "re: q1")), (1, 1));
}

#[test]
fn a_transcript_of_chatwoots_is_used() {
    let listed = json!({"id": 1, "file_type": "audio", "content_type": "audio/ogg", "data_url": VOICE,
                        "transcribed_text": "q1 boats"});
    let written = Utterance { attachments: vec![listed], ..Utterance::default() };
    let world = play("written", calm(), |w| w.utters(1, written.clone(), Duration::ZERO));
    assert_eq!((holds(&world, "re: q1"), world.chatwoot.count(|c| matches!(c, Call::Transcribe(_)))), (1, 0));

    for debounce in [0, 4] {
        let mut world = calm();
        world.chatwoot.assistant.listen.transcripts = Transcripts::Chatwoot;
        world.chatwoot.assistant.debounce = secs(debounce);
        let written = written.clone();
        let world = play("written later", world, move |w| {
            let id = w.sends_now(1, &voice(), &[Duration::ZERO]);
            let mut message = w.chatwoot.conversation(1).messages.into_iter().find(|m| m.id == id).unwrap();
            message.attachments.clone_from(&written.attachments);
            // Twice, as Chatwoot does; the second changes nothing.
            let body = w.body("message_updated", 1, &message, &json!(null));
            w.chatwoot_delivers(&body, secs(30), true);
            w.chatwoot_delivers(&body, secs(31), true);
        });
        assert_eq!(world.end_of_message(88_001).as_deref(), Some("dealt_with"), "it waited for its transcript");
        assert_eq!((holds(&world, "re: q1"), world.chatwoot.posts(1).len()), (1, 1), "debounce {debounce}");
    }

    // It never comes: nobody is left without a word.
    let mut world = calm();
    world.chatwoot.assistant.listen.transcripts = Transcripts::Chatwoot;
    let world = play("never written", world, |w| w.utters(1, voice(), Duration::ZERO));
    assert_eq!((holds(&world, CANNOT), world.chatwoot.posts(1).len()), (1, 1));
}

#[test]
fn a_message_whose_file_is_attached_later_is_asked_for() {
    let world = play("empty", calm(), |w| w.utters(1, Utterance::default(), Duration::ZERO));
    assert_eq!((world.chatwoot.posts(1).len(), world.chatwoot.count(|c| *c == Call::Think)), (0, 0));
    assert_eq!(world.end_of_message(88_001).as_deref(), Some("empty"));
    assert_eq!(world.chatwoot.count(|c| *c == Call::Attachments(88_001)), 3);

    let world = play("later", calm(), |w| {
        w.utters(1, Utterance { hidden: true, ..voice() }, Duration::ZERO);
    });
    assert_eq!(holds(&world, "re: q1"), 1);
}
