//! The words of a query. Pure.

const WORDS_MAX: usize = 3;
const CHARS_MIN: usize = 3;

/// Words that many products' names hold and that nobody looks for.
const EMPTY: [&str; 12] = ["and", "any", "for", "from", "have", "some", "the", "under", "with", "you", "your", "about"];

/// The words to look for one by one, longest first: the longest says most. Without the English plural's ending, so that
/// it is found in the singular too.
pub(super) fn of(query: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in query.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
        if word.chars().count() < CHARS_MIN || EMPTY.contains(&word) {
            continue;
        }
        let stem = match word.strip_suffix('s') {
            Some(stem) if stem.chars().count() >= CHARS_MIN && !stem.ends_with('s') => stem,
            _ => word,
        };
        if !words.iter().any(|known| known == stem) {
            words.push(stem.to_owned());
        }
    }
    words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    words.truncate(WORDS_MAX);
    words
}

/// How many of them stand in a title.
pub(super) fn in_title(words: &[String], title: &str) -> usize {
    let title = title.to_lowercase();
    words.iter().filter(|word| title.contains(word.as_str())).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_words_are_looked_for() {
        for (query, expected) in [
            ("brass desk lamps for the office", vec!["office", "brass", "desk"]),
            ("lamps", vec!["lamp"]),
            ("glass dress", vec!["glass", "dress"]),
            ("a, an; Lamp lamps", vec!["lamp"]),
            ("the & of", vec![]),
            ("Größe Schuhe", vec!["schuhe", "größe"]),
            ("", vec![]),
        ] {
            assert_eq!(of(query), expected, "{query}");
        }
        assert_eq!(in_title(&of("brass desk lamps"), "Desk LAMP, chrome"), 2);
    }
}
