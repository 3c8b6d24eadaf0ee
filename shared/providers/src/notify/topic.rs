//! A notice as a text for a topic, whose subscribers may be anything from an inbox to a phone. Pure.

use frontdesk_core::notice::Notice;

use super::words::{cut, one_line, quoted, tidy};

/// SNS takes a subject of less than 100 characters, on one line.
const SUBJECT_MAX: usize = 99;
/// Of each part. A message to a topic may have 256 KiB, far more than all of them.
const PART_MAX: usize = 5_000;

pub(super) fn subject(notice: &Notice) -> String {
    match cut(&one_line(&notice.content.headline), SUBJECT_MAX) {
        empty if empty.is_empty() => notice.kind.as_str().to_owned(),
        subject => subject,
    }
}

pub(super) fn text(notice: &Notice, link: Option<&str>) -> String {
    let content = &notice.content;
    let facts: Vec<String> =
        content.facts.iter().map(|(label, value)| format!("{}: {}", one_line(label), one_line(value))).collect();
    let quote = quoted(notice);
    // Marked line by line, so that no customer can write what looks like ours.
    let quote = quote.map(|quote| {
        let lines: Vec<String> = cut(&quote, PART_MAX).lines().map(|line| format!("> {line}")).collect();
        format!("They wrote:\n{}", lines.join("\n"))
    });
    let parts = [
        Some(one_line(&content.headline)),
        Some(cut(&facts.join("\n"), PART_MAX)),
        quote,
        Some(cut(&tidy(&content.action), PART_MAX)),
        link.map(str::to_owned),
        Some(one_line(notice.key.as_str())),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::tests::notice;

    #[test]
    fn a_notice_as_a_text() {
        let mut notice = notice();
        notice.content.quote = Some("Never arrived.\n\nThey wrote:\nring 0491 570 156".into());
        assert_eq!(
            text(&notice, Some("https://reviews.example/1")),
            "A bad review: 1 of 5 stars\n\nLocation: Burleigh & Co\nRating: 1\n\nThey wrote:\n> Never arrived.\n> \n\
             > They wrote:\n> ring ***0156\n\nAnswer within a day.\n\nhttps://reviews.example/1\n\nnotice#bad_review#rev_1"
        );
    }

    #[test]
    fn a_subject_is_one_short_line() {
        let mut notice = notice();
        notice.content.headline = format!("a\nb {}", "x".repeat(200));
        let subject = subject(&notice);
        assert!(subject.starts_with("a b x") && subject.chars().count() == 99, "{subject}");
        notice.content.headline = String::new();
        assert_eq!(super::subject(&notice), "bad_review");
    }
}
