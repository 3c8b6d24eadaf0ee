//! Help articles, as the shop lists them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    ARTICLE_DESCRIPTION_CHARS_MAX, ARTICLE_TITLE_CHARS_MAX, ARTICLES_MAX, address::web_address, neutral::visible,
};

/// Longest id of an article, in characters.
const ID_CHARS_MAX: usize = 64;

/// A help article. Texts are plain: no HTML, no entities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Article {
    /// The shop's name for it, by which a rule or a model refers to it.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What it says, in a sentence.
    pub description: String,
    /// Its page: absolute, http(s).
    pub link: String,
}

/// Why a list of articles cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadArticles {
    /// Not the expected JSON.
    #[error(
        "is not a JSON list of articles ({0}); e.g. [{{\"id\":\"returns\",\"title\":\"Returns\",\"description\":\"How to \
         send something back.\",\"link\":\"https://shop.example/returns\"}}]"
    )]
    Json(String),
    /// None, or too many.
    #[error("lists {0} articles; 1 to {ARTICLES_MAX} are taken, and without the setting there are none")]
    Count(usize),
    /// An id that nothing can refer to.
    #[error("gives the article number {0} an id that is empty, longer than {ID_CHARS_MAX} characters or not visible")]
    BadId(usize),
    /// Two with the same id.
    #[error("lists the article {0:?} twice")]
    Twice(String),
    /// Nothing to read above it, or too much.
    #[error("gives the article {0:?} a title that is empty or longer than {ARTICLE_TITLE_CHARS_MAX} characters")]
    BadTitle(String),
    /// Nothing to read about it, or too much.
    #[error(
        "gives the article {0:?} a description that is empty or longer than {ARTICLE_DESCRIPTION_CHARS_MAX} characters"
    )]
    BadDescription(String),
    /// A link that leads nowhere.
    #[error("gives the article {0:?} a link that is no whole address such as https://shop.example/returns")]
    BadLink(String),
}

impl Article {
    /// Reads the setting: one article to [`ARTICLES_MAX`], each with an id of its own, a title, a description and a link.
    ///
    /// # Errors
    /// [`BadArticles`] says what is wrong, and with which.
    pub fn parse_list(json: &str) -> Result<Vec<Self>, BadArticles> {
        let written: Vec<Self> = serde_json::from_str(json).map_err(|e| BadArticles::Json(e.to_string()))?;
        if !(1..=ARTICLES_MAX).contains(&written.len()) {
            return Err(BadArticles::Count(written.len()));
        }
        let mut articles: Vec<Self> = Vec::with_capacity(written.len());
        for (at, article) in written.into_iter().enumerate() {
            let article = article.checked(at + 1)?;
            if articles.iter().any(|known| known.id == article.id) {
                return Err(BadArticles::Twice(article.id));
            }
            articles.push(article);
        }
        Ok(articles)
    }

    fn checked(self, number: usize) -> Result<Self, BadArticles> {
        let id = self.id.trim().to_owned();
        if !fits(&id, ID_CHARS_MAX) || visible(&id) != id {
            return Err(BadArticles::BadId(number));
        }
        let (title, description) = (self.title.trim().to_owned(), self.description.trim().to_owned());
        if !fits(&title, ARTICLE_TITLE_CHARS_MAX) {
            return Err(BadArticles::BadTitle(id));
        }
        if !fits(&description, ARTICLE_DESCRIPTION_CHARS_MAX) {
            return Err(BadArticles::BadDescription(id));
        }
        match web_address(&self.link) {
            Some(link) => Ok(Self { id, title, description, link }),
            None => Err(BadArticles::BadLink(id)),
        }
    }
}

/// Whether there is something to read in it, and not too much.
fn fits(text: &str, max: usize) -> bool {
    !visible(text).trim().is_empty() && text.chars().count() <= max
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(id: &str, title: &str, description: &str, link: &str) -> Value {
        json!({"id": id, "title": title, "description": description, "link": link})
    }

    fn read(articles: &[Value]) -> Result<Vec<Article>, BadArticles> {
        Article::parse_list(&json!(articles).to_string())
    }

    #[test]
    fn a_list_is_read_as_it_stands() {
        let link = "https://shop.example/returns?a=1#top";
        let articles =
            read(&[written(" returns ", " Returns ", "How to.", link), written("2", "B", "b", "HTTP://b.example")]);
        let returns =
            Article { id: "returns".into(), title: "Returns".into(), description: "How to.".into(), link: link.into() };
        let articles = articles.unwrap();
        assert_eq!((&articles[0], articles.len(), articles[1].link.as_str()), (&returns, 2, "HTTP://b.example"));
        let kept = serde_json::to_string(&articles).unwrap();
        assert_eq!(Article::parse_list(&kept), Ok(articles));
        let most: Vec<Value> = (0..20).map(|n| written(&n.to_string(), "A", "a", link)).collect();
        assert_eq!(read(&most).unwrap().len(), 20);
        let long = written(&"i".repeat(64), &"t".repeat(150), &"d".repeat(300), link);
        assert!(read(&[long]).is_ok());
    }

    #[test]
    fn what_cannot_be_used_says_why_and_where() {
        let link = "https://shop.example/returns";
        for bad in ["", "{}", "[4]", r#"[{"id":"a"}]"#, r#"[{"id":1,"title":"t","description":"d","link":"l"}]"#] {
            let refused = Article::parse_list(bad).unwrap_err();
            assert!(matches!(refused, BadArticles::Json(_)) && refused.to_string().contains("e.g. [{\"id\""), "{bad}");
        }
        let mut more = written("a", "A", "a", link);
        more["url"] = json!("https://shop.example");
        assert!(matches!(read(&[more]), Err(BadArticles::Json(what)) if what.contains("`url`")));
        assert_eq!(read(&[]), Err(BadArticles::Count(0)));
        let many: Vec<Value> = (0..21).map(|n| written(&n.to_string(), "A", "a", link)).collect();
        assert_eq!(read(&many), Err(BadArticles::Count(21)));
        let fine = || written("a", "A", "a", link);
        assert_eq!(read(&[fine(), written(" a", "B", "b", link)]), Err(BadArticles::Twice("a".into())));
        for id in ["", " ", "\u{200b}", "a\u{7}b", &"i".repeat(65)] {
            assert_eq!(read(&[fine(), written(id, "B", "b", link)]), Err(BadArticles::BadId(2)), "{id:?}");
        }
        for title in ["", " \n", "\u{200b}", &"t".repeat(151)] {
            assert_eq!(read(&[written("a", title, "a", link)]), Err(BadArticles::BadTitle("a".into())), "{title:?}");
        }
        for text in ["", "\t", &"d".repeat(301)] {
            assert_eq!(read(&[written("a", "A", text, link)]), Err(BadArticles::BadDescription("a".into())), "{text}");
        }
        let long = format!("https://shop.example/{}", "x".repeat(1_500));
        for link in
            ["", "/returns", "shop.example", "javascript:alert(1)", "ftp://a.example", "https://", "https://a b", &long]
        {
            let refused = read(&[written("a", "A", "a", link)]).unwrap_err();
            assert_eq!(refused, BadArticles::BadLink("a".into()), "{link}");
            assert!(refused.to_string().contains("\"a\""), "{refused}");
        }
    }
}
