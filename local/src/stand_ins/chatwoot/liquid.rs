//! What Liquid makes of outgoing content: a bot that repeats `{{contact.email}}` says an e-mail address.
//!
//! Variables are filled in, unknown ones vanish, tags are taken out, and between backticks everything stays as it is. A
//! template that Liquid cannot read stays as it is, too. Conditions and loops are not carried out.

use super::book::{Conversation, Sender};
use super::settings::Settings;

/// Tags that Liquid knows.
const TAGS: [&str; 20] = [
    "if",
    "elsif",
    "else",
    "endif",
    "unless",
    "endunless",
    "case",
    "when",
    "endcase",
    "for",
    "endfor",
    "assign",
    "capture",
    "endcapture",
    "comment",
    "endcomment",
    "raw",
    "endraw",
    "increment",
    "decrement",
];

/// The content as it is stored and shown.
pub(super) fn rendered(content: &str, conversation: &Conversation, sender: Sender, settings: &Settings) -> String {
    // Without markers there is nothing to do, and no reason to look at the backticks.
    if !content.contains("{{") && !content.contains("{%") {
        return content.to_owned();
    }
    let variable = |name: &str| value_of(name, conversation, sender, settings);
    render(content, &variable).unwrap_or_else(|| content.to_owned())
}

/// None, if it is no template.
fn render(content: &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    loop {
        let next = rest.find(['`', '{']).unwrap_or(rest.len());
        out.push_str(rest.get(..next)?);
        rest = rest.get(next..)?;
        if rest.is_empty() {
            return Some(out);
        }
        let quoted = rest.strip_prefix('`').and_then(|inner| inner.find('`').map(|end| end + 2));
        if let Some(end) = quoted {
            out.push_str(rest.get(..end)?);
            rest = rest.get(end..)?;
        } else if let Some(inner) = rest.strip_prefix("{{") {
            let (name, after) = inner.split_once("}}")?;
            let name = name.trim().trim_matches('-').split('|').next().unwrap_or_default().trim();
            let literal = name.strip_prefix(['"', '\'']).and_then(|text| text.strip_suffix(['"', '\'']));
            out.push_str(&literal.map(str::to_owned).or_else(|| variable(name)).unwrap_or_default());
            rest = after;
        } else if let Some(inner) = rest.strip_prefix("{%") {
            let (tag, after) = inner.split_once("%}")?;
            let word = tag.trim().trim_matches('-').split_whitespace().next()?;
            if !TAGS.contains(&word) {
                return None;
            }
            rest = after;
        } else {
            let first = rest.chars().next()?;
            out.push(first);
            rest = rest.get(first.len_utf8()..)?;
        }
    }
}

fn value_of(name: &str, conversation: &Conversation, sender: Sender, settings: &Settings) -> Option<String> {
    let contact = &conversation.contact;
    let first = |name: &Option<String>| name.as_ref()?.split_whitespace().next().map(str::to_owned);
    match name {
        "contact.name" => contact.name.clone(),
        "contact.first_name" => first(&contact.name),
        "contact.email" => contact.email.clone(),
        "contact.phone_number" => contact.phone_number.clone(),
        "conversation.display_id" | "conversation.id" => Some(conversation.at.1.to_string()),
        "conversation.contact_name" => contact.name.clone(),
        "inbox.name" => settings.inbox(conversation.inbox).map(|inbox| inbox.name.clone()),
        "agent.name" => match sender {
            Sender::User(id) => settings.agent(id).map(|agent| agent.name.clone()),
            Sender::Bot => Some(settings.bot.name.clone()),
            Sender::Contact | Sender::Captain | Sender::Nobody => None,
        },
        _ => {
            let own = name.strip_prefix("contact.custom_attribute.")?;
            contact
                .custom_attributes
                .get(own)
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(content: &str) -> Option<String> {
        render(content, &|name| (name == "contact.email").then(|| "p@example.org".to_owned()))
    }

    #[test]
    fn variables_are_filled_in_outside_of_backticks() {
        for (content, expected) in [
            ("mail {{contact.email}}!", "mail p@example.org!"),
            ("{{ contact.email | upcase }}", "p@example.org"),
            ("{{unknown}}", ""),
            ("`{{contact.email}}` {{contact.email}}", "`{{contact.email}}` p@example.org"),
            ("a ` b {{contact.email}}", "a ` b p@example.org"),
            ("{% if x %}y{% endif %}", "y"),
            ("{ { contact.email } }", "{ { contact.email } }"),
            ("{{ '{{' }}", "{{"),
        ] {
            assert_eq!(said(content).as_deref(), Some(expected), "{content}");
        }
        for broken in ["{{contact.email", "{% nonsense %}", "{% if"] {
            assert_eq!(said(broken), None, "{broken}");
        }
    }
}
