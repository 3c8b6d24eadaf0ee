//! Reads attachments, and tells what they are.

use serde_json::Value;

use super::{
    super::{Attachment, Medium},
    fields::{as_text, at, id, text},
};

/// Attachments of a message that are looked at; Chatwoot takes 15.
const ATTACHMENTS_MAX: usize = 30;
/// A longer address is none: a cut one would lead nowhere.
const URL_CHARS_MAX: usize = 4_000;
/// Characters kept of a name, and of what there is in words.
const NAME_CHARS_MAX: usize = 200;
/// Characters kept of what was said.
const TRANSCRIPT_CHARS_MAX: usize = super::TEXT_CHARS_MAX;

/// The attachments of a message, as webhooks and the API show them.
#[must_use]
pub fn read_attachments(message: &Value) -> Vec<Attachment> {
    read(message.get("attachments")).0
}

/// The attachments, and whether these are all that the list tells of.
pub(super) fn read(listed: Option<&Value>) -> (Vec<Attachment>, bool) {
    match listed {
        None | Some(Value::Null) => (Vec::new(), true),
        Some(Value::Array(listed)) => {
            let looked_at = listed.iter().take(ATTACHMENTS_MAX);
            let objects: Vec<&Value> = looked_at.clone().filter(|a| a.is_object()).collect();
            let all = objects.len() == looked_at.count();
            (objects.into_iter().map(attachment).collect(), all)
        }
        // Something is attached, and nothing can be said about it.
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => (Vec::new(), false),
    }
}

/// Whether all that is needed of it is there.
pub(super) fn is_complete(attachment: &Attachment) -> bool {
    match attachment.file_type.as_str() {
        "location" | "fallback" | "share" | "story_mention" | "contact" | "ig_reel" | "ig_post" | "ig_story"
        | "embed" => true,
        "audio" if attachment.transcript.is_some() => true,
        "image" | "audio" | "video" | "file" => is_a_whole_file(attachment),
        _ => attachment.words.is_some() || is_a_whole_file(attachment),
    }
}

fn is_a_whole_file(attachment: &Attachment) -> bool {
    attachment.id.is_some() && attachment.url.is_some() && attachment.mime.is_some()
}

fn attachment(listed: &Value) -> Attachment {
    let said = text(listed, &["file_type", "type"]).unwrap_or_default();
    let mime = text(listed, &["content_type", "mime_type"]).and_then(|m| plain_mime(&m)).or_else(|| plain_mime(&said));
    let url = text(listed, &["data_url", "file_url", "url"]).map(|u| u.trim().to_owned());
    let url = url.filter(|u| u.chars().count() <= URL_CHARS_MAX && !u.chars().any(char::is_control));
    let name = text(listed, &["file_name", "filename"]).and_then(|n| tidy_name(&n));
    Attachment {
        id: id(listed, &["id", "attachment_id"]),
        file_type: file_type(&said, mime.as_deref()),
        name: name.or_else(|| name_in(url.as_deref()?)),
        mime,
        url,
        bytes: at(listed, &["file_size", "size_bytes", "size"]).and_then(as_bytes),
        transcript: text(listed, &["transcribed_text"])
            .map(|t| t.trim().chars().take(TRANSCRIPT_CHARS_MAX).collect::<String>()),
        words: words(listed),
    }
}

/// Chatwoot's word; a MIME type in its place is turned into one.
fn file_type(said: &str, mime: Option<&str>) -> String {
    let said = said.trim().to_ascii_lowercase();
    if !said.is_empty() && !said.contains('/') {
        return said.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(32).collect();
    }
    match mime.and_then(|m| m.split('/').next()) {
        None => String::new(),
        Some(major @ ("image" | "audio" | "video")) => major.to_owned(),
        Some(_) => "file".to_owned(),
    }
}

/// In lower case, without parameters.
fn plain_mime(said: &str) -> Option<String> {
    let mime = said.split(';').next()?.trim().to_ascii_lowercase();
    let known = |b: u8| b.is_ascii_alphanumeric() || b"/.+-_".contains(&b);
    let parts = mime.split('/').filter(|part| !part.is_empty()).count();
    let good = parts == 2 && mime.matches('/').count() == 1 && mime.len() <= 100 && mime.bytes().all(known);
    good.then_some(mime)
}

fn as_bytes(value: &Value) -> Option<u64> {
    as_text(value)?.trim().parse().ok()
}

/// What there is of it in words.
fn words(listed: &Value) -> Option<String> {
    let title = text(listed, &["fallback_title"]);
    let place = match (text(listed, &["coordinates_lat"]), text(listed, &["coordinates_long"])) {
        (Some(lat), Some(long)) if lat.parse() != Ok(0.0) || long.parse() != Ok(0.0) => Some(format!("{lat}, {long}")),
        (Some(_) | None, Some(_) | None) => None,
    };
    let names = [text(listed, &["meta.first_name"]), text(listed, &["meta.last_name"])];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let parts = [Some(name), title, place].into_iter().flatten().filter_map(|part| one_line(&part));
    let words = parts.collect::<Vec<_>>().join(", ");
    (!words.is_empty()).then(|| words.chars().take(NAME_CHARS_MAX).collect())
}

/// Without line ends and brackets, so that it cannot pass itself off as anything else where it is described.
fn one_line(text: &str) -> Option<String> {
    let plain: String = text.chars().map(|c| if c.is_control() || "[]".contains(c) { ' ' } else { c }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

/// The last segment of a path, in one line.
fn tidy_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).find(|part| !part.trim().is_empty())?;
    one_line(last).map(|line| line.chars().take(NAME_CHARS_MAX).collect())
}

fn name_in(url: &str) -> Option<String> {
    let bare = url.split(['?', '#']).next()?;
    let after_scheme = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    let (_, path) = after_scheme.split_once('/')?;
    let last = path.rsplit('/').find(|part| !part.is_empty())?;
    tidy_name(&percent_decoded(last))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let decoded = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            (_, _) => None,
        };
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

/// MIME types by ending. `webm`, `mp4` and `3gp` hold sound or pictures that move.
fn mime_of_ending(ending: &str, is_audio: bool) -> Option<&'static str> {
    Some(match ending {
        "jpg" | "jpeg" | "jpe" | "jfif" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "bmp" => "image/bmp",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "avif" => "image/avif",
        "tif" | "tiff" => "image/tiff",
        "svg" => "image/svg+xml",
        "ogg" | "oga" => "audio/ogg",
        "opus" => "audio/opus",
        "mp3" | "mpga" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "aac" => "audio/aac",
        "amr" => "audio/amr",
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "weba" => "audio/webm",
        "webm" if is_audio => "audio/webm",
        "mp4" if is_audio => "audio/mp4",
        "3gp" if is_audio => "audio/3gpp",
        "webm" => "video/webm",
        "mp4" => "video/mp4",
        "3gp" => "video/3gpp",
        "mov" => "video/quicktime",
        "pdf" => "application/pdf",
        _ => return None,
    })
}

impl Attachment {
    /// What it is, for us: by its type, by its name's ending, or by Chatwoot's word for it.
    #[must_use]
    pub fn medium(&self) -> Medium {
        let mime = self.mime_or_suffix().unwrap_or_default();
        match mime.split('/').next().unwrap_or_default() {
            "image" => Medium::Image,
            "audio" => Medium::Audio,
            "" => match self.file_type.as_str() {
                "image" => Medium::Image,
                "audio" => Medium::Audio,
                _ => Medium::Other,
            },
            _ => Medium::Other,
        }
    }

    /// The best that is known of its MIME type: what was said, unless that says nothing (`application/octet-stream`), else
    /// what its name's ending means.
    #[must_use]
    pub fn mime_or_suffix(&self) -> Option<String> {
        let is_audio = self.file_type == "audio";
        match self.mime.as_deref() {
            // Recorded sound in a wrapper that mostly holds films.
            Some("video/webm") if is_audio => Some("audio/webm".to_owned()),
            Some("video/mp4") if is_audio => Some("audio/mp4".to_owned()),
            Some("video/ogg") if is_audio => Some("audio/ogg".to_owned()),
            Some("video/3gpp") if is_audio => Some("audio/3gpp".to_owned()),
            Some("application/ogg") => Some("audio/ogg".to_owned()),
            Some("application/octet-stream" | "binary/octet-stream") | None => {
                let names = [self.name.clone(), self.url.as_deref().and_then(name_in)];
                names.into_iter().flatten().find_map(|name| {
                    let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
                    mime_of_ending(&ending, is_audio).map(str::to_owned)
                })
            }
            Some(said) => Some(said.to_owned()),
        }
    }

    /// What a reader without eyes and ears is told of it: one line in brackets, such as
    /// `[picture: photo.jpg, image/jpeg, 204 kB]`.
    #[must_use]
    pub fn describe(&self) -> String {
        let words = self.words.as_deref().and_then(one_line);
        let what = match self.file_type.as_str() {
            "location" => "location",
            "contact" => "contact",
            "fallback" => "link",
            "share" | "story_mention" | "ig_reel" | "ig_post" | "ig_story" | "embed" => "shared post",
            _ => return self.describe_file(words),
        };
        words.map_or_else(|| format!("[{what}]"), |words| format!("[{what}: {words}]"))
    }

    fn describe_file(&self, words: Option<String>) -> String {
        let mime = self.mime_or_suffix();
        let what = match self.medium() {
            // Its name says nothing, and what is said in it comes by itself.
            Medium::Audio => return "[voice message]".to_owned(),
            Medium::Image => "picture",
            Medium::Other if mime.as_deref().is_some_and(|m| m.starts_with("video/")) => "video",
            Medium::Other if self.file_type == "video" => "video",
            Medium::Other => "file",
        };
        let facts = [self.name.as_deref().and_then(one_line), words, mime, self.bytes.map(size)];
        let facts = facts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        if facts.is_empty() { format!("[{what}]") } else { format!("[{what}: {facts}]") }
    }
}

/// A size as people read it.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        // What would round to 1000 kB is 1.0 MB.
        1_000..999_500 => format!("{} kB", (bytes + 500) / 1_000),
        _ => {
            let tenths = (bytes / 50_000).div_ceil(2);
            format!("{}.{} MB", tenths / 10, tenths % 10)
        }
    }
}
