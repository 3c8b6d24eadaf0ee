//! A notice as a message of Slack's, and what Slack's answers mean. Pure.
//!
//! All texts are `plain_text`: in it `*`, `` ` `` and `_` are characters, and no address becomes a link. Of a `mrkdwn`
//! text the same could only be hoped for, since Slack has no escape for its formatting. `&`, `<` and `>` are escaped there
//! too, as Slack asks of every text. What a customer wrote stands in a block of its own and nowhere else; the message's
//! `text`, which phones show as a notification, has our words only.

use frontdesk_core::notice::Notice;
use serde_json::{Value, json};

use super::words::{defused, escaped, one_line, quoted, tidy};

/// Of a header block, as documented.
const HEADER_MAX: usize = 150;
/// Of the notification. Phones show less.
const TEXT_MAX: usize = 300;
// A section's text may have 3000 characters, but a message with about 13 000 bytes of blocks is refused with
// `msg_blocks_too_long`, which is not documented. Three bytes for each of these stay below it.
const FACTS_MAX: usize = 1_500;
const QUOTE_MAX: usize = 2_000;
const ACTION_MAX: usize = 500;
const CONTEXT_MAX: usize = 300;
/// A longer address is not shown: half of one leads nowhere.
const LINK_MAX: usize = 1_000;

/// What Slack says beside a status (`api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks`, and
/// later additions to it). Only these words are repeated.
const ERRORS: [&str; 17] = [
    "action_prohibited",
    "channel_is_archived",
    "channel_not_found",
    "invalid_blocks",
    "invalid_payload",
    "invalid_token",
    "missing_text_or_fallback_or_attachments",
    "msg_blocks_too_long",
    "no_active_hooks",
    "no_service",
    "no_service_id",
    "no_team",
    "no_text",
    "posting_to_general_channel_denied",
    "rollup_error",
    "too_many_attachments",
    "user_not_found",
];

/// The message.
pub(super) fn message(notice: &Notice, link: Option<&str>) -> Value {
    let content = &notice.content;
    let headline = match one_line(&content.headline) {
        headline if headline.is_empty() => notice.kind.as_str().to_owned(),
        headline => headline,
    };
    let facts: Vec<String> =
        content.facts.iter().map(|(label, value)| format!("{}: {}", one_line(label), one_line(value))).collect();
    let letter = notice.kind.is_a_letter();
    // An address that is to be written to has to be one that can be copied. Plain text calls nobody.
    let quote = quoted(notice).map(|quote| if letter { quote } else { defused(&quote) });
    let quote = quote.map(|quote| format!("They wrote:\n{quote}")).unwrap_or_default();
    let blocks = [
        Some(json!({ "type": "header", "text": plain(&headline, HEADER_MAX) })),
        section(&facts.join("\n"), FACTS_MAX),
    ];
    let quote = if letter { sections(&quote) } else { section(&quote, QUOTE_MAX).into_iter().collect() };
    let end = [
        section(&tidy(&content.action), ACTION_MAX),
        link.and_then(link_block),
        // By its name a notice that is told twice is known for the same.
        Some(json!({ "type": "context", "elements": [plain(&one_line(notice.key.as_str()), CONTEXT_MAX)] })),
    ];
    json!({
        "text": escaped(&headline, TEXT_MAX),
        "blocks": blocks.into_iter().flatten().chain(quote).chain(end.into_iter().flatten()).collect::<Vec<_>>(),
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

fn plain(text: &str, max: usize) -> Value {
    json!({ "type": "plain_text", "text": escaped(text, max), "emoji": false })
}

/// A long text in as many sections as it needs.
fn sections(text: &str) -> Vec<Value> {
    // Escapes make it longer; what still is too long is cut with dots.
    let characters: Vec<char> = text.chars().collect();
    let parts = characters.chunks(QUOTE_MAX / 2).map(|part| part.iter().collect::<String>());
    parts.filter_map(|part| section(&part, QUOTE_MAX)).collect()
}

/// Slack refuses an empty text.
fn section(text: &str, max: usize) -> Option<Value> {
    (!text.is_empty()).then(|| json!({ "type": "section", "text": plain(text, max) }))
}

/// The one link of a message: an address of ours, checked before it gets here, under a word of ours.
fn link_block(url: &str) -> Option<Value> {
    // In Slack's own form a bar ends the address.
    let url = url.replace('|', "%7C");
    let fits = url.len() <= LINK_MAX && !url.contains(['<', '>']) && !url.chars().any(char::is_whitespace);
    let text = format!("<{}|Open>", url.replace('&', "&amp;"));
    fits.then(|| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } }))
}

/// Whether an answer says that the message is there.
pub(super) fn is_taken(body: &str) -> bool {
    body.trim() == "ok"
}

/// What an answer's body says of an error, if it is one of Slack's words.
pub(super) fn error_word(body: &str) -> Option<&'static str> {
    ERRORS.into_iter().find(|word| *word == body.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::tests::notice;

    fn texts(message: &Value) -> Vec<String> {
        let blocks = message["blocks"].as_array().unwrap().iter();
        let text = |block: &Value| block.pointer("/text/text").or_else(|| block.pointer("/elements/0/text")).cloned();
        blocks.map(|block| text(block).unwrap().as_str().unwrap().to_owned()).collect()
    }

    fn quoted(quote: &str) -> String {
        let mut notice = notice();
        notice.content.quote = Some(quote.to_owned());
        let message = message(&notice, None);
        texts(&message).into_iter().find(|text| text.starts_with("They wrote:")).unwrap_or_default()
    }

    #[test]
    fn a_letter_is_shown_whole_with_the_address_to_answer() {
        let mut notice = notice();
        notice.kind = frontdesk_core::notice::NoticeKind::ContactForm;
        let words = format!("Email: sam@shop.example\nPhone: 0491 570 156\n<!here> {}END", "long ".repeat(1_000));
        notice.content.quote = Some(words);
        let shown = texts(&message(&notice, None)).concat();
        for part in ["sam@shop.example", "0491 570 156", "&lt;!here&gt;", "END"] {
            assert!(shown.contains(part), "{part}");
        }
    }

    #[test]
    fn a_notice_from_top_to_bottom() {
        let message = message(&notice(), Some("https://reviews.example/1?a=1&b=2|3"));
        assert_eq!(
            texts(&message),
            [
                "A bad review: 1 of 5 stars",
                "Location: Burleigh &amp; Co\nRating: 1",
                "They wrote:\nNever arrived",
                "Answer within a day.",
                "<https://reviews.example/1?a=1&amp;b=2%7C3|Open>",
                "notice#bad_review#rev_1",
            ]
        );
        let kinds: Vec<&str> =
            message["blocks"].as_array().unwrap().iter().map(|b| b["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["header", "section", "section", "section", "section", "context"]);
        assert_eq!(message["text"], "A bad review: 1 of 5 stars");
        assert_eq!((&message["unfurl_links"], &message["unfurl_media"]), (&json!(false), &json!(false)));
    }

    #[test]
    fn what_is_empty_makes_no_block() {
        let mut notice = notice();
        notice.content.facts.clear();
        notice.content.quote = Some(" \u{200b} ".into());
        notice.content.action = String::new();
        notice.content.headline = "\u{0}".into();
        assert_eq!(texts(&message(&notice, None)), ["bad_review", "notice#bad_review#rev_1"]);
    }

    /// Markup, calls, links, numbers: what stands there is what was typed, and does nothing.
    #[test]
    fn hostile_words_do_nothing() {
        for (words, expected) in [
            ("<!channel> come here", "&lt;\u{2060}!channel&gt; come here"),
            ("<@U012AB3CD> @here @channel", "&lt;\u{2060}@\u{2060}U012AB3CD&gt; @\u{2060}here @\u{2060}channel"),
            ("*bold* _it_ ~no~ `code`", "*bold* _it_ ~no~ `code`"),
            ("```\n> quote", "```\n&gt; quote"),
            ("<https://evil.example|x>", "&lt;\u{2060}https:\u{2060}//evil.\u{2060}example|x&gt;"),
            ("&lt;!here&gt; &amp;", "&amp;lt;!here&amp;gt; &amp;amp;"),
            ("\u{feff}a\u{202e}b", "ab"),
            ("זה רע 😡", "זה רע 😡"),
            ("ring +61 (491) 570-156", "ring ***0156"),
            ("jo@example.com", "***@\u{2060}***"),
        ] {
            assert_eq!(quoted(words), format!("They wrote:\n{expected}"), "{words}");
        }
    }

    #[test]
    fn every_text_keeps_to_its_limit() {
        for long in
            ["x".repeat(10_000), "&".repeat(10_000), "😡".repeat(10_000), "<@U1>".repeat(2_000), "语".repeat(10_000)]
        {
            let mut notice = notice();
            notice.content.headline.clone_from(&long);
            notice.content.facts = vec![(long.clone(), long.clone()); 100];
            notice.content.quote = Some(long.clone());
            notice.content.action = long;
            let message = message(&notice, Some(&format!("https://a.example/{}", "x".repeat(2_000))));
            let texts = texts(&message);
            assert_eq!(texts.len(), 5);
            for (text, max) in texts.iter().zip([150, 1_500, 2_000, 500, 300]) {
                assert!(text.encode_utf16().count() <= max);
                let rest = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
                assert!(!rest.contains('&'), "half an escape");
            }
            assert!(message["blocks"].to_string().len() < 15_000);
        }
    }

    #[test]
    fn an_address_that_could_be_more_than_one_is_not_shown() {
        for bad in ["https://a.example/>x", "https://a.example/<!here>", "https://a.example/ b"] {
            assert_eq!(link_block(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_words_of_slacks_are_repeated() {
        assert!(is_taken("ok") && is_taken("ok\n"));
        assert!(!is_taken("") && !is_taken("OK, later") && !is_taken("<html>ok"));
        assert_eq!(error_word("no_service\n"), Some("no_service"));
        assert_eq!(error_word("https://hooks.slack.com/services/T/B/x"), None);
    }
}
