//! An installation whose settings change while a test goes on.

use std::ops::Deref;
use std::sync::Mutex;

use frontdesk_tests::{tables::PEPPER, wire::Fate};
use serde_json::json;

use crate::{
    Run, frontdesk,
    world::{CREDENTIALS, NOWHERE, World},
};

pub(crate) const SHOP: &str = "harbour-lane-demo.myshopify.com";
pub(crate) const WEBHOOK_KEY: &str = "hush-webhook-key-of-podium";

/// It.
pub(crate) struct Shop {
    world: World,
    /// Variables that differ from the usual.
    more: Mutex<Vec<(&'static str, String)>>,
}

impl Deref for Shop {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Shop {
    pub(crate) async fn start() -> Self {
        let world = World::with_secrets(|call| {
            let secret = match call.json()["SecretId"].as_str().unwrap_or_default() {
                id if id.ends_with("pepper_secret_arn") => PEPPER,
                id if id.ends_with("webhook_secret_arn") => WEBHOOK_KEY,
                _ => CREDENTIALS,
            };
            Fate::Answer(200, json!({ "SecretString": secret }))
        });
        Self { world: world.await, more: Mutex::new(vec![("USER", "sam".to_owned())]) }
    }

    /// From now on a variable has another value.
    pub(crate) fn set(&self, name: &'static str, value: &str) {
        self.more.lock().unwrap().push((name, value.to_owned()));
    }

    /// Runs the tool, while tables and Podium go on answering.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.feed(args, b"")
    }

    /// The same with something on standard input.
    pub(crate) fn feed(&self, args: &[&str], stdin: &[u8]) -> Run {
        let variables = [self.world.variables(), self.more.lock().unwrap().clone()].concat();
        let env: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        tokio::task::block_in_place(|| frontdesk(args, &env, stdin))
    }

    /// Runs a command against tables that do not answer: no answer is exit code `code`, and looks like none.
    pub(crate) fn assert_unreachable(&self, args: &[&str], code: i32) {
        self.set("AWS_ENDPOINT_URL_DYNAMODB", NOWHERE);
        let run = self.run(args);
        assert_eq!((run.code, run.text()), (code, ""), "{args:?}: {}", run.stderr);
        assert!(!run.stderr.is_empty());
        for secret in ["91570156", "hush", "AKIDTEST"] {
            assert!(!run.stderr.contains(secret), "{secret}: {}", run.stderr);
        }
        self.more.lock().unwrap().pop();
    }
}
