//! Tags as Shopify writes them.

use std::fmt;

use serde::Deserialize;

/// The tags of an order or a customer, trimmed, none empty.
///
/// Shopify's webhooks write them as one text, separated by a comma and a space; its other interfaces as a list.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Option<Written>")]
pub struct Tags(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    List(Vec<String>),
}

impl From<Option<Written>> for Tags {
    fn from(written: Option<Written>) -> Self {
        let tidy = |tag: &str| Some(tag.trim()).filter(|tag| !tag.is_empty()).map(str::to_owned);
        Self(match written {
            None => Vec::new(),
            Some(Written::Text(text)) => text.split(',').filter_map(tidy).collect(),
            Some(Written::List(list)) => list.iter().filter_map(|tag| tidy(tag)).collect(),
        })
    }
}

impl Tags {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Debug for Tags {
    /// How many; shops write anything into tags, names included.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tags({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_list_are_the_same_tags() {
        for written in [r#""repeat, No Review ,,""#, r#"["repeat"," No Review ",""]"#] {
            let tags: Tags = serde_json::from_str(written).unwrap();
            assert_eq!(tags.iter().collect::<Vec<_>>(), ["repeat", "No Review"], "{written}");
            assert_eq!(format!("{tags:?}"), "Tags(2)");
        }
        for none in ["null", r#""""#, "[]"] {
            assert_eq!(serde_json::from_str::<Tags>(none).unwrap(), Tags::default(), "{none}");
        }
        for wrong in ["1", "{}", "[1]", "true"] {
            assert!(serde_json::from_str::<Tags>(wrong).is_err(), "{wrong}");
        }
    }
}
