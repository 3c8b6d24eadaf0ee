//! Files that a visitor wants to attach: judged by what their browser says of them, before a byte is sent.

use serde_json::Value;
use thiserror::Error;

use super::Problem;
use crate::{web::is_invisible, webchat::WebchatCode};

/// Types that are taken if the shop does not say others: what shops are sent, and nothing that a browser would run.
pub const MIMES: &str =
    "image/jpeg,image/png,image/gif,image/webp,image/heic,image/heif,video/mp4,video/quicktime,application/pdf";
/// Longest name that is kept.
const NAME_CHARS_MAX: usize = 120;

/// A file as a browser describes it.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// Its name, without a path.
    pub name: String,
    /// Its length in bytes; `None`: that was no number of bytes.
    pub bytes: Option<u64>,
    /// Its type, in lower case and without parameters.
    pub mime: String,
}

impl std::fmt::Debug for NamedFile {
    /// Without the name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NamedFile({:?} bytes)", self.bytes)
    }
}

/// Which files are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRules {
    /// The limit in bytes.
    pub bytes_max: u64,
    /// Whether it is for all files of a message together; else for each.
    pub in_sum: bool,
    /// How many a message may have.
    pub count_max: usize,
    /// Types that are taken.
    pub mimes: Vec<String>,
}

/// A setting that lists no types.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{0}\" is not a type of file such as image/png; several are separated by commas")]
pub struct BadType(String);

/// Reads a list of types.
///
/// # Errors
/// [`BadType`]; also for one that a browser would run if it were opened.
pub fn types(text: &str) -> Result<Vec<String>, BadType> {
    let runs =
        ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/xml", "text/javascript"];
    let read = |part: &str| {
        let mime = plain(part);
        let good = mime.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
        if good && !runs.contains(&mime.as_str()) { Ok(mime) } else { Err(BadType(part.chars().take(60).collect())) }
    };
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(read).collect()
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+.-".contains(&b))
}

fn plain(mime: &str) -> String {
    mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The files of a request; `None` when it names none.
pub(super) fn named(listed: Option<&Value>) -> Option<Vec<NamedFile>> {
    match listed? {
        Value::Null => None,
        Value::Array(files) => Some(files.iter().map(NamedFile::read).collect()),
        // Something is attached, and nothing can be said about it.
        other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Some(vec![NamedFile::read(other)])
        }
    }
}

impl NamedFile {
    /// Reads a description of any shape.
    #[must_use]
    pub fn read(file: &Value) -> Self {
        let text = |name: &str| file.get(name).and_then(Value::as_str).unwrap_or_default();
        let mime = plain(text("type"));
        Self {
            name: file_name(text("name"), &mime),
            bytes: file.get("size").and_then(Value::as_u64).filter(|bytes| *bytes > 0),
            mime,
        }
    }
}

/// A name without a path, marks that nobody sees, and quotation marks, and with an ending of its type: what the shop's people
/// read is what they open. Never empty.
fn file_name(name: &str, mime: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = |c: &char| !c.is_control() && !is_invisible(*c) && !matches!(c, '"' | '<' | '>' | '|' | ':' | '*' | '?');
    let kept: String = last.chars().filter(kept).collect();
    let kept: String = kept.trim().trim_matches('.').chars().take(NAME_CHARS_MAX).collect();
    let kept = if kept.is_empty() { "file".to_owned() } else { kept };
    let endings = endings(mime);
    let ending = kept.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match endings.first() {
        Some(usual) if !ending.is_some_and(|ending| endings.contains(&ending.as_str())) => format!("{kept}.{usual}"),
        Some(_) | None => kept,
    }
}

/// How files of a type end, the usual way first; none for a type that only the shop knows.
fn endings(mime: &str) -> &'static [&'static str] {
    match mime {
        "image/jpeg" => &["jpg", "jpeg", "jpe", "jfif"],
        "image/png" => &["png"],
        "image/gif" => &["gif"],
        "image/webp" => &["webp"],
        "image/heic" => &["heic"],
        "image/heif" => &["heif", "heic"],
        "video/mp4" => &["mp4", "m4v"],
        "video/quicktime" => &["mov", "qt"],
        "application/pdf" => &["pdf"],
        _ => &[],
    }
}

impl FileRules {
    /// Judges the files of one message.
    ///
    /// # Errors
    /// What is wrong with them, by file, or that they are too many; one problem at least.
    pub fn check(&self, files: &[NamedFile]) -> Result<(), Vec<Problem>> {
        let problem =
            |code, status, sentence: String| Problem { status, ..Problem::new(code, "attachments", sentence) };
        let mib = |bytes: u64| format!("{} MB", bytes / (1024 * 1024));
        if files.len() > self.count_max {
            // Each of thousands has its faults, and nobody reads of them.
            let sentence = format!("Please attach {} files at most.", self.count_max);
            return Err(vec![problem(WebchatCode::AttachmentTooLarge, 400, sentence)]);
        }
        let mut problems = Vec::new();
        for file in files {
            match file.bytes {
                None => {
                    let sentence = format!("\"{}\" is empty, or its size is not known.", file.name);
                    problems.push(problem(WebchatCode::AttachmentTooLarge, 400, sentence));
                }
                Some(bytes) if bytes > self.bytes_max => {
                    let sentence =
                        format!("\"{}\" is too large. Files of up to {} can be sent.", file.name, mib(self.bytes_max));
                    problems.push(problem(WebchatCode::AttachmentTooLarge, 413, sentence));
                }
                Some(_) => {}
            }
            if !self.mimes.contains(&file.mime) {
                let kinds: Vec<&str> = self.mimes.iter().filter_map(|mime| mime.split('/').nth(1)).collect();
                let sentence = format!(
                    "\"{}\" is of a kind that cannot be sent here. These can: {}.",
                    file.name,
                    kinds.join(", ")
                );
                problems.push(problem(WebchatCode::AttachmentType, 400, sentence));
            }
        }
        let sum: u64 = files.iter().filter_map(|file| file.bytes).fold(0, u64::saturating_add);
        if problems.is_empty() && self.in_sum && sum > self.bytes_max {
            let sentence = format!("The files are too large together. Up to {} can be sent.", mib(self.bytes_max));
            problems.push(problem(WebchatCode::AttachmentTooLarge, 413, sentence));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_usual_types_are_types_and_what_a_browser_runs_is_not() {
        assert_eq!(types(MIMES).unwrap().len(), 9);
        for bad in ["png", "image/", "/png", "image/*", "text/html", "image/svg+xml", "IMAGE PNG/x"] {
            assert!(types(bad).is_err(), "{bad}");
        }
        assert_eq!(types("Image/PNG; q=1").unwrap(), ["image/png"]);
    }

    #[test]
    fn of_too_many_files_nothing_else_is_said() {
        let rules = FileRules { bytes_max: 10, in_sum: false, count_max: 2, mimes: vec!["image/png".into()] };
        let files = vec![NamedFile::read(&json!({})); 20_000];
        assert_eq!(rules.check(&files).unwrap_err().len(), 1);
        assert_eq!(rules.check(&files[..2]).unwrap_err().len(), 4);
    }

    #[test]
    fn a_file_keeps_its_name_and_no_path() {
        for (given, kept) in [
            ("C:\\fakepath\\me.png", "me.png"),
            ("../../etc/passwd", "passwd"),
            ("a\"b<c>\n.png", "abc.png"),
            ("...", "file"),
            ("", "file"),
            ("in\u{202e}gpj\u{200b}.png", "ingpj.png"),
        ] {
            assert_eq!(NamedFile::read(&json!({"name": given})).name, kept);
        }
        let named = |name: &str, kind: &str| NamedFile::read(&json!({"name": name, "type": kind})).name;
        assert_eq!(named("invoice.exe", "image/png"), "invoice.exe.png");
        assert_eq!(named("me.JPEG", "image/jpeg"), "me.JPEG");
        assert_eq!(named("", "application/pdf"), "file.pdf");
        assert_eq!(named("plan.dwg", "image/vnd.dwg"), "plan.dwg");
        assert_eq!(NamedFile::read(&json!("x")).name, "file");
    }

    #[test]
    fn the_limit_may_be_for_all_together() {
        let file = |bytes| NamedFile { name: "a".into(), bytes: Some(bytes), mime: "image/png".into() };
        let each = FileRules { bytes_max: 10, in_sum: false, count_max: 5, mimes: vec!["image/png".into()] };
        let sum = FileRules { in_sum: true, ..each.clone() };
        assert!(each.check(&[file(6), file(6)]).is_ok());
        assert_eq!(sum.check(&[file(6), file(6)]).unwrap_err()[0].status, 413);
        assert!(sum.check(&[file(5), file(5)]).is_ok());
    }
}
