//! The sample events, as the targets' seeds need them.

use std::{fs, path::Path};

use serde_json::Value;

/// A provider's sample with the headers that sign it.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Lower-case names, and values.
    pub headers: Vec<(String, String)>,
    /// The exact bytes that were signed.
    pub body: Vec<u8>,
}

/// Everything in `events/` that a target begins with.
#[derive(Clone, Debug)]
pub struct Samples {
    /// Shopify's bodies.
    pub shopify: Vec<Vec<u8>>,
    /// Podium's bodies.
    pub podium: Vec<Vec<u8>>,
    /// Chatwoot's bodies.
    pub chatwoot: Vec<Vec<u8>>,
    /// The deliveries of all three providers.
    pub signed: Vec<Signed>,
}

impl Samples {
    /// Reads the directory.
    ///
    /// # Panics
    /// When it is not as `events/README.md` describes it.
    #[must_use]
    pub fn read(events: &Path) -> Self {
        let shopify = [bodies(&events.join("shopify")), bodies(&events.join("shopify/raw"))].concat();
        let podium = bodies(&events.join("podium"));
        let chatwoot = [bodies(&events.join("chatwoot")), bodies(&events.join("chatwoot/wire"))].concat();
        let signed =
            ["shopify", "podium", "chatwoot"].into_iter().flat_map(|provider| signed(events, provider)).collect();
        Self { shopify, podium, chatwoot, signed }
    }
}

/// The files of a directory, in the order of their names.
fn bodies(directory: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && !path.ends_with("signature_vectors.json"))
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn signed(events: &Path, provider: &str) -> Vec<Signed> {
    let directory = events.join(provider);
    let vectors: Value = serde_json::from_slice(&fs::read(directory.join("signature_vectors.json")).unwrap()).unwrap();
    let delivery =
        |file: &str, headers: Vec<(String, String)>| Signed { headers, body: fs::read(directory.join(file)).unwrap() };
    if let Some(files) = vectors["files"].as_object() {
        let header = |v: &Value| vec![("x-shopify-hmac-sha256".to_owned(), text(&v["hmac_sha256_base64"]))];
        return files.iter().map(|(file, vector)| delivery(file, header(vector))).collect();
    }
    let list = vectors["vectors"].as_array().unwrap();
    list.iter()
        .map(|vector| {
            let headers = vector["headers"].as_object().unwrap().iter();
            let file = vector["file"].as_str().or(vector["body_file"].as_str()).unwrap();
            delivery(file, headers.map(|(name, value)| (name.to_lowercase(), text(value))).collect())
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The same JSON with only those fields that anything reads, and without white space: most mutations of a real body hit
/// what nobody looks at.
pub(crate) fn essence(body: &[u8], fields: &[&str]) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    reduce(&mut value, fields);
    serde_json::to_vec(&value).ok()
}

fn reduce(value: &mut Value, fields: &[&str]) {
    match value {
        Value::Object(object) => {
            object.retain(|name, _| fields.contains(&name.as_str()));
            object.values_mut().for_each(|v| reduce(v, fields));
        }
        Value::Array(list) => {
            list.truncate(2);
            list.iter_mut().for_each(|v| reduce(v, fields));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
