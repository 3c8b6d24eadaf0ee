//! What a customer's message says, whatever it is made of: words, buttons, pictures, voice.

use std::time::Duration;

use super::report_chat;
use crate::{
    agent::{Listener, ModelFailure, Picture, Sound},
    chat::{Chat, Heard, SeenPicture},
    chat_code::ChatCode,
    chatwoot::{Attached, Attachment, ChatwootMessage, Conversations, LoadFailure, Loaded, Media, Medium},
    outbound::{Choice, chosen},
    provider::CallFailure,
    telemetry::{Line, Telemetry},
    time::{Clock, UnixMillis},
    token::Pause,
};

/// Waits while an upload is still under way: its event overtakes it (reference, "first download can be 404").
const UPLOAD_WAITS: [u64; 4] = [1, 2, 3, 4];
/// Waits while a message that seems empty is given its attachments.
const EMPTY_WAITS: [u64; 2] = [1, 2];
/// Voice messages of one message that are written down.
const VOICES_MAX: usize = 3;

/// Who writes down voice messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transcripts {
    /// Nobody.
    Nobody,
    /// Chatwoot itself, a little later.
    Chatwoot,
    /// We have it done.
    Ours,
}

/// The bounds of listening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenRules {
    /// Who writes down voice messages.
    pub transcripts: Transcripts,
    /// Whether the shop's people get to read what was written down.
    pub note: bool,
    /// Larger voice messages are not loaded.
    pub audio_bytes_max: usize,
    /// Larger pictures are not loaded.
    pub image_bytes_max: usize,
    /// Longest wait for a file.
    pub load: Duration,
    /// Longest wait for a transcript.
    pub write_down: Duration,
}

/// What is needed to listen.
#[derive(Debug)]
pub(super) struct Ear<'a, P, W, C, T> {
    pub(super) desk: &'a P,
    pub(super) pause: &'a W,
    pub(super) clock: &'a C,
    pub(super) telemetry: &'a T,
    pub(super) rules: ListenRules,
    /// What does not end before this is not begun.
    pub(super) until: UnixMillis,
}

/// What a message says.
pub(super) struct Said {
    pub(super) heard: Heard,
    /// What was said aloud.
    pub(super) spoken: String,
    /// What was chosen or filled in.
    pub(super) submitted: String,
}

/// Why a message could not be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deaf {
    /// There is nothing in it.
    Empty,
    /// Chatwoot will write it down and tell.
    NotYetWritten,
    /// The time of this turn does not suffice.
    NoTime,
    /// Something of it could not be had.
    Failed {
        /// It may work in a moment.
        transient: bool,
    },
}

impl<P, W, C, T> Ear<'_, P, W, C, T>
where
    P: Conversations + Media + Listener,
    W: Pause,
    C: Clock,
    T: Telemetry,
{
    /// What a message says.
    pub(super) async fn hear(&self, chat: &Chat, message: &ChatwootMessage) -> Result<Said, Deaf> {
        let attachments = self.attachments(message).await?;
        let mut parts: Vec<String> = Vec::new();
        parts.extend(message.text.as_deref().map(|text| match chosen(&chat.state.offered, text) {
            Some(choice) => as_said(choice),
            None => text.to_owned(),
        }));
        parts.extend(message.submitted.iter().map(as_said));
        let submitted: Vec<&str> = message.submitted.iter().map(|choice| choice.value.as_str()).collect();
        let (mut pictures, mut voices) = (Vec::new(), Vec::new());
        for attachment in &attachments {
            match attachment.medium() {
                // Of several voices what fits is heard.
                Medium::Audio if voices.is_empty() || (voices.len() < VOICES_MAX && self.fits(self.one_voice())) => {
                    voices.push(self.voice(attachment).await?);
                }
                Medium::Image => {
                    parts.push(attachment.describe());
                    let mime = attachment.mime_or_suffix();
                    pictures.extend(attachment.url.clone().map(|url| SeenPicture { url, mime }));
                }
                Medium::Audio | Medium::Other => parts.push(attachment.describe()),
            }
        }
        let spoken = voices.join("\n");
        let transcript = (!spoken.is_empty() && self.rules.note).then(|| spoken.clone());
        parts.extend(voices);
        parts.retain(|part| !part.trim().is_empty());
        if parts.is_empty() {
            return Err(Deaf::Empty);
        }
        let event = message.created().as_str().to_owned();
        let heard = Heard { event, message: message.id, text: parts.join("\n"), pictures, transcript };
        Ok(Said { heard, spoken, submitted: submitted.join("\n") })
    }

    /// The attachments, from the webhook if it has all that is needed, else from Chatwoot, whose word counts then.
    async fn attachments(&self, message: &ChatwootMessage) -> Result<Vec<Attachment>, Deaf> {
        let known = match &message.attached {
            Attached::Listed(attachments) => return Ok(attachments.clone()),
            Attached::Incomplete(known) => known,
        };
        let mut waits = EMPTY_WAITS.iter();
        loop {
            match self.desk.attachments(message.at, message.id).await {
                Ok(Some(fetched)) if !fetched.is_empty() => return Ok(fetched),
                Ok(Some(_)) if known.is_empty() => match waits.next() {
                    Some(wait) => self.pause.pause(Duration::from_secs(*wait)).await,
                    None => return Ok(Vec::new()),
                },
                // These tokens may not read it: what the webhook said has to do, if it said anything.
                Ok(None) if known.is_empty() && message.text.is_none() && message.submitted.is_empty() => {
                    let line =
                        Line::warn("a message came without a word, and these tokens may not read what came with it");
                    return Err(self.deaf(ChatCode::AttachmentFailed, line, false));
                }
                Ok(_) => return Ok(known.clone()),
                Err(error) => {
                    let transient = matches!(error, CallFailure::NotDone(_));
                    let line = Line::warn("a message's attachments could not be read").detail(&error);
                    report_chat(self.telemetry, ChatCode::AttachmentFailed, line);
                    // What can be done without them is done.
                    if known.iter().any(|a| a.url.is_some()) {
                        return Ok(known.clone());
                    }
                    return Err(Deaf::Failed { transient });
                }
            }
        }
    }

    /// The words of a voice message.
    async fn voice(&self, attachment: &Attachment) -> Result<String, Deaf> {
        if let Some(words) = attachment.transcript.as_deref().filter(|words| !words.trim().is_empty()) {
            return Ok(words.trim().to_owned());
        }
        match self.rules.transcripts {
            Transcripts::Nobody => {
                let line = Line::warn("a voice message came, and nobody is set up to write it down");
                return Err(self.deaf(ChatCode::TranscriptionFailed, line, false));
            }
            Transcripts::Chatwoot => return Err(Deaf::NotYetWritten),
            Transcripts::Ours => {}
        }
        let Some(url) = attachment.url.as_deref() else {
            let line = Line::warn("a voice message has no address");
            return Err(self.deaf(ChatCode::AttachmentFailed, line, false));
        };
        let loaded = match self.load(url, self.rules.audio_bytes_max).await {
            Ok(loaded) => loaded,
            Err(failure) => return Err(self.not_loaded(&failure)),
        };
        let mime = attachment.mime_or_suffix().or(loaded.mime).unwrap_or_else(|| "audio/ogg".to_owned());
        let name = attachment.name.as_deref().unwrap_or("voice");
        if !self.fits(self.rules.write_down) {
            return Err(Deaf::NoTime);
        }
        let words = match self.desk.transcribe(&Sound { bytes: &loaded.bytes, mime: &mime, name }).await {
            Ok(words) => words,
            Err(failure) => {
                let transient = matches!(failure, ModelFailure::Transient { .. } | ModelFailure::Throttled { .. });
                let line = Line::warn("a voice message could not be written down").detail(&failure);
                return Err(self.deaf(ChatCode::TranscriptionFailed, line, transient));
            }
        };
        if words.trim().is_empty() {
            let line = Line::warn("nothing is said in a voice message");
            return Err(self.deaf(ChatCode::TranscriptionFailed, line, false));
        }
        Ok(words.trim().to_owned())
    }

    /// The pictures of a message; else whether they may be had later.
    pub(super) async fn pictures(&self, heard: &Heard, room: usize) -> Result<Vec<Picture>, bool> {
        let mut pictures = Vec::new();
        for seen in heard.pictures.iter().take(room) {
            let loaded = match self.load(&seen.url, self.rules.image_bytes_max).await {
                Ok(loaded) => loaded,
                Err(failure) => {
                    let _: Deaf = self.not_loaded(&failure);
                    return Err(is_transient(&failure));
                }
            };
            // Models look at these four; of the others they are told.
            let mime = seen.mime.clone().or(loaded.mime).unwrap_or_default();
            if ["image/jpeg", "image/png", "image/gif", "image/webp"].contains(&mime.as_str()) {
                pictures.push(Picture { mime, bytes: loaded.bytes });
            }
        }
        Ok(pictures)
    }

    async fn load(&self, url: &str, limit: usize) -> Result<Loaded, LoadFailure> {
        let mut waits = UPLOAD_WAITS.iter();
        loop {
            if !self.fits(self.rules.load) {
                return Err(LoadFailure::Transient { detail: "no time is left".into() });
            }
            let failure = match self.desk.load(url, limit).await {
                Ok(loaded) => return Ok(loaded),
                Err(failure) => failure,
            };
            match (&failure, waits.next()) {
                (LoadFailure::NotThere | LoadFailure::Transient { .. }, Some(wait)) => {
                    self.pause.pause(Duration::from_secs(*wait)).await;
                }
                _ => return Err(failure),
            }
        }
    }

    fn not_loaded(&self, failure: &LoadFailure) -> Deaf {
        let line = Line::warn("an attachment could not be loaded").detail(failure);
        self.deaf(ChatCode::AttachmentFailed, line, is_transient(failure))
    }

    fn one_voice(&self) -> Duration {
        self.rules.load + self.rules.write_down
    }

    fn fits(&self, span: Duration) -> bool {
        self.clock.now().plus(span) < self.until
    }

    fn deaf(&self, code: ChatCode, line: Line, transient: bool) -> Deaf {
        report_chat(self.telemetry, code, line);
        Deaf::Failed { transient }
    }
}

const fn is_transient(failure: &LoadFailure) -> bool {
    matches!(failure, LoadFailure::Transient { .. })
}

/// An option as the assistant reads it.
pub(super) fn as_said(choice: &Choice) -> String {
    if choice.title.eq_ignore_ascii_case(&choice.value) {
        choice.title.clone()
    } else {
        format!("{} ({})", choice.title, choice.value)
    }
}
