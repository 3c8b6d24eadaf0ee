//! Which function answers which request.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One route of the HTTP API, as the template declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// `POST`, or `ANY`.
    pub method: String,
    /// `/podium/webchat`; `{name}` stands for one segment and `{name+}` for the rest.
    pub path: String,
    /// Name of the deployed function.
    pub function: String,
}

impl Route {
    /// `POST /podium/webchat`
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// How far this route fits: its parameters, and how specific it is. More literal segments win, then a named method.
    fn fits(&self, method: &str, path: &str) -> Option<(Fit, BTreeMap<String, String>)> {
        let any = self.method.eq_ignore_ascii_case("ANY");
        if !any && !self.method.eq_ignore_ascii_case(method) {
            return None;
        }
        let mut parameters = BTreeMap::new();
        let mut fit = Fit { whole: true, literals: 0, method: !any };
        let mut given = path.trim_matches('/').split('/');
        for wanted in self.path.trim_matches('/').split('/') {
            match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) if name.ends_with('+') => {
                    let rest = given.by_ref().collect::<Vec<&str>>().join("/");
                    if rest.is_empty() {
                        return None;
                    }
                    fit.whole = false;
                    parameters.insert(name.trim_end_matches('+').to_owned(), rest);
                }
                Some(name) => {
                    let value = given.next().filter(|value| !value.is_empty())?;
                    parameters.insert(name.to_owned(), value.to_owned());
                }
                None if given.next() == Some(wanted) => fit.literals += 1,
                None => return None,
            }
        }
        given.next().is_none().then_some((fit, parameters))
    }
}

/// Ordered so that the greater one is the better fit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    whole: bool,
    literals: usize,
    method: bool,
}

/// A route that fits a request, with its path parameters.
pub(super) struct Matched<'a> {
    pub(super) route: &'a Route,
    pub(super) parameters: BTreeMap<String, String>,
}

/// All routes, in the order of their file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RouteTable(Vec<Route>);

impl RouteTable {
    /// Builds a table from routes made in code.
    #[must_use]
    pub fn new(routes: Vec<Route>) -> Self {
        Self(routes)
    }

    /// Reads `[{"method": "POST", "path": "/podium/webchat", "function": "podium-webchat"}]`.
    ///
    /// # Errors
    /// When the text is not such a list, or a route has no leading slash, method or function name.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let table: Self = serde_json::from_str(text).map_err(|error| format!("not a list of routes: {error}"))?;
        for route in &table.0 {
            if !route.path.starts_with('/') || route.method.is_empty() || route.function.is_empty() {
                return Err(format!("a route needs a method, a path from / and a function: {route:?}"));
            }
        }
        Ok(table)
    }

    /// The routes, in order.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.0
    }

    pub(super) fn find(&self, method: &str, path: &str) -> Option<Matched<'_>> {
        self.0
            .iter()
            .filter_map(|route| route.fits(method, path).map(|(fit, parameters)| (fit, Matched { route, parameters })))
            // `max_by_key` keeps the last of equals; the first in the file should win.
            .rev()
            .max_by_key(|(fit, _)| *fit)
            .map(|(_, matched)| matched)
    }
}

impl fmt::Display for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The front door of the local stack. It answers:\n")?;
        let width = self.0.iter().map(|route| route.path.len()).max().unwrap_or(0);
        for route in &self.0 {
            writeln!(f, "  {:<6} {:<width$}  -> {}", route.method, route.path, route.function)?;
        }
        writeln!(f, "\n  GET    /_local/health  says whether the front door itself is up")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(routes: &[(&str, &str)]) -> RouteTable {
        let made = routes.iter().map(|(method, path)| Route {
            method: (*method).to_owned(),
            path: (*path).to_owned(),
            function: format!("{method}{path}"),
        });
        RouteTable::new(made.collect())
    }

    #[test]
    fn the_most_specific_route_wins() {
        let table = table(&[("ANY", "/{proxy+}"), ("GET", "/a/{id}"), ("ANY", "/a/b"), ("GET", "/a/b")]);
        let found = |method, path| table.find(method, path).map(|matched| matched.route.function.clone());
        assert_eq!(found("GET", "/a/b").as_deref(), Some("GET/a/b"));
        assert_eq!(found("POST", "/a/b").as_deref(), Some("ANY/a/b"));
        assert_eq!(found("GET", "/a/c").as_deref(), Some("GET/a/{id}"));
        assert_eq!(found("GET", "/a/c/d").as_deref(), Some("ANY/{proxy+}"));
    }

    #[test]
    fn parameters_are_read_and_a_wrong_method_is_no_match() {
        let table = table(&[("POST", "/hooks/{shop}/orders")]);
        let matched = table.find("POST", "/hooks/north/orders").unwrap();
        assert_eq!(matched.parameters.get("shop").map(String::as_str), Some("north"));
        assert!(table.find("GET", "/hooks/north/orders").is_none());
        assert!(table.find("POST", "/hooks/north/orders/7").is_none());
        assert!(table.find("POST", "/hooks//orders").is_none());
    }

    #[test]
    fn a_bad_route_is_named() {
        assert!(RouteTable::from_json(r#"[{"method":"GET","path":"x","function":"f"}]"#).is_err());
        assert!(RouteTable::from_json("{}").is_err());
    }
}
