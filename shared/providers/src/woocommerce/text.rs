//! Texts and prices as shops write them. Pure.

/// The names of the characters from U+00A0 on, in their order.
const LATIN_1: [&str; 96] = [
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf", "laquo", "not", "shy",
    "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro", "para", "middot", "cedil", "sup1", "ordm",
    "raquo", "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig",
    "Ccedil", "Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve",
    "Oacute", "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute", "THORN",
    "szlig", "agrave", "aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil", "egrave", "eacute", "ecirc",
    "euml", "igrave", "iacute", "icirc", "iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml",
    "divide", "oslash", "ugrave", "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
];
/// Others that shops and WordPress use.
const MORE: [(&str, char); 29] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("prime", '′'),
    ("Prime", '″'),
    ("bull", '•'),
    ("hellip", '…'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("euro", '€'),
    ("trade", '™'),
    ("larr", '←'),
    ("rarr", '→'),
    ("minus", '−'),
    ("infin", '∞'),
    ("ne", '≠'),
    ("le", '≤'),
    ("ge", '≥'),
    ("hearts", '♥'),
];
/// Longer ones are no entities.
const ENTITY_BYTES_MAX: usize = 12;

/// A text of HTML as plain text of at most `max` characters: without tags, entities decoded once, white space single.
pub(super) fn plain(html: &str, max: usize) -> String {
    let text = decoded(&without_tags(html));
    let text: String = text.chars().map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c }).collect();
    let text = text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    text.chars().take(max).collect::<String>().trim_end().to_owned()
}

/// `<` begins a tag only where a letter, `/` or `!` follows, and the tag ends; elsewhere it is less-than.
fn without_tags(html: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(html.len()), html);
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let opens = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        match after.split_once('>').filter(|_| opens) {
            Some((_, after)) => {
                // Two words with a line break between them are not one.
                text.push(' ');
                rest = after;
            }
            None => {
                text.push('<');
                rest = after;
            }
        }
    }
    text + rest
}

/// Once: what says `&amp;lt;` means the text `&lt;`.
fn decoded(text: &str) -> String {
    let (mut decoded, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let named = after.split_once(';').filter(|(name, _)| name.len() <= ENTITY_BYTES_MAX);
        match named.and_then(|(name, after)| Some((character(name)?, after))) {
            Some((character, after)) => {
                decoded.push(character);
                rest = after;
            }
            None => {
                decoded.push('&');
                rest = after;
            }
        }
    }
    decoded + rest
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| *c != '\0');
    }
    if let Some((_, character)) = MORE.iter().find(|(known, _)| *known == name) {
        return Some(*character);
    }
    let place = LATIN_1.iter().position(|known| *known == name)?;
    char::from_u32(0xA0 + u32::try_from(place).ok()?)
}

/// An amount of the smallest unit with its decimals. By digits: no price passes through a float.
pub(super) fn major(minor: u64, decimals: u32) -> String {
    let decimals = usize::try_from(decimals).unwrap_or(0);
    let digits = format!("{minor:0>width$}", width = decimals + 1);
    let (whole, rest) = digits.split_at(digits.len() - decimals);
    if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }
}

/// A price that is one, with two decimals at least if it has any; `None` for a product without a price.
pub(super) fn decimal(text: &str) -> Option<String> {
    let text = text.trim();
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || rest.len() > 8 || !digits(whole) || !digits(rest) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let kept = rest.trim_end_matches('0').len().max(rest.len().min(2));
    let rest = rest.get(..kept).unwrap_or(rest);
    Some(if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest:0<2}") })
}

/// Whether a price of digits is not above `max`.
pub(super) fn at_most(price: &str, max: u64) -> bool {
    let (whole, rest) = price.split_once('.').unwrap_or((price, ""));
    let Ok(whole) = whole.parse::<u64>() else { return false };
    whole < max || whole == max && rest.bytes().all(|b| b == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_what_a_browser_would_show() {
        for (html, expected) in [
            ("Rock &amp; Roll &#8211; 7&Prime; &#x27;single&#X27;", "Rock & Roll – 7″ 'single'"),
            ("Caf&eacute;&nbsp;Cr&egrave;me &yuml;&nbsp;", "Café Crème ÿ"),
            ("<b>Bold</b> <br/>and<br>new<!-- no -->", "Bold and new"),
            ("&lt;b&gt;not bold&lt;/b&gt;", "<b>not bold</b>"),
            ("&amp;lt; &amp;amp;", "&lt; &amp;"),
            ("a < b & c > d; AT&T", "a < b & c > d; AT&T"),
            ("R&D;x &unknown; &; &#; &#0; &#xD800; &#99999999;", "R&D;x &unknown; &; &#; &#0; &#xD800; &#99999999;"),
            ("<script", "<script"),
            ("  a\n\tb\u{0}c\u{a0} ", "a b c"),
            ("日本語&hellip;", "日本語…"),
        ] {
            assert_eq!(plain(html, 200), expected, "{html}");
        }
        assert_eq!(plain("&eacute;abc", 2), "éa");
        assert_eq!(plain("<p>é</p>", 200), "é");
    }

    #[test]
    fn prices_are_exact() {
        for (minor, decimals, expected) in [
            (12_995, 2, "129.95"),
            (5, 2, "0.05"),
            (0, 2, "0.00"),
            (1_200, 0, "1200"),
            (1_234, 3, "1.234"),
            (9_007_199_254_740_993, 2, "90071992547409.93"),
        ] {
            assert_eq!(major(minor, decimals), expected);
        }
        for (text, expected) in [
            ("129.95", Some("129.95")),
            ("129.9", Some("129.90")),
            ("129.9500", Some("129.95")),
            ("129", Some("129")),
            ("129.00", Some("129.00")),
            ("007.5", Some("7.50")),
            ("0", Some("0")),
            ("", None),
            ("free", None),
            ("-1", None),
            ("1,299.00", None),
            (".5", None),
        ] {
            assert_eq!(decimal(text).as_deref(), expected, "{text}");
        }
        for (price, max, fits) in [
            ("100.00", 100, true),
            ("100.01", 100, false),
            ("99.99", 100, true),
            ("100", 100, true),
            ("1.234", 1, false),
        ] {
            assert_eq!(at_most(price, max), fits, "{price}");
        }
    }
}
