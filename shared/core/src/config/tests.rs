use std::collections::BTreeMap;

use super::*;

struct Map(BTreeMap<&'static str, String>);

impl Env for Map {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().map(|k| (*k).to_owned()).collect()
    }
}

fn complete() -> Map {
    let mut map: BTreeMap<&'static str, String> =
        SETTINGS.iter().filter(|s| s.wired).map(|s| (s.name, format!("the-{}", s.name.to_lowercase()))).collect();
    map.insert("SHOPIFY_SHOP", "Harbour-Lane.myshopify.com".into());
    map.insert(
        "SHOPIFY_LOCATIONS",
        r#"[{"podium_location":"loc-1","name":"Harbour Lane","country":"AU","shopify_location_ids":[1]}]"#.into(),
    );
    Map(map)
}

#[test]
fn defaults_suffice_for_everything_that_has_one() {
    let env = complete();
    assert_eq!(shopify_orders(&env).unwrap().config.shop.as_str(), "harbour-lane.myshopify.com");
    assert_eq!(shopify_worker(&env).unwrap().config.policy.buffer.as_secs(), 5 * 86_400);
    assert_eq!(review_sender(&env).unwrap().config.shopify.url, "https://harbour-lane.myshopify.com");
    assert_eq!(timers(&env).unwrap().config.requeue_after.as_secs(), 300);
}

#[test]
fn every_problem_is_reported_at_once_and_named() {
    let mut env = complete();
    for (name, value) in [
        ("REVIEW_BUFFER_SECONDS", "five days"),
        ("REVIEW_COOLDOWN_DAYS", "-1"),
        ("REVIEW_ALLOWED_HOURS", "always"),
        ("REVIEW_PARTIAL_REFUND", "maybe"),
        ("REVIEW_MESSAGE", "hello"),
        ("REVIEW_SKIP_POS", "yes"),
        ("SHOPIFY_LOCATIONS", "[]"),
        ("PODIUM_CONTRACT", "brief"),
        ("FRONTDESK_CALL_TIMEOUT_MS", "99999999999999999999"),
    ] {
        env.0.insert(name, value.into());
    }
    env.0.remove("FRONTDESK_TABLE_OUTBOX");
    env.0.insert("PODIUM_OAUTH_SECRET_ARN", "  ".into());
    let problems = review_sender(&env).unwrap_err();
    let names: Vec<&str> = problems.0.iter().map(|p| p.name).collect();
    for name in [
        "REVIEW_BUFFER_SECONDS",
        "REVIEW_COOLDOWN_DAYS",
        "REVIEW_ALLOWED_HOURS",
        "REVIEW_PARTIAL_REFUND",
        "REVIEW_MESSAGE",
        "REVIEW_SKIP_POS",
        "SHOPIFY_LOCATIONS",
        "PODIUM_CAMPAIGN_ID",
        "FRONTDESK_CALL_TIMEOUT_MS",
        "FRONTDESK_TABLE_OUTBOX",
        "PODIUM_OAUTH_SECRET_ARN",
    ] {
        assert!(names.contains(&name), "{name} is missing in {problems}");
    }
    assert_eq!(names.len(), 11, "{problems}");
    assert!(problems.to_string().contains("11 setting(s)"));
}

#[test]
fn an_only_location_must_be_listed() {
    let mut env = complete();
    env.0.insert("SHOPIFY_ONLY_LOCATION", "loc-2".into());
    assert_eq!(shopify_worker(&env).unwrap_err().0[0].name, "SHOPIFY_ONLY_LOCATION");
    env.0.insert("SHOPIFY_ONLY_LOCATION", "loc-1".into());
    assert!(shopify_worker(&env).is_ok());
}

#[test]
fn names_that_nothing_reads_are_warned_about() {
    let mut env = complete();
    env.0.insert("FRONTDESK_TABEL_INBOX", "x".into());
    env.0.insert("REVIEW_COOLDOWN", "7".into());
    env.0.insert("PATH", "/bin".into());
    assert_eq!(timers(&env).unwrap().unknown, ["FRONTDESK_TABEL_INBOX", "REVIEW_COOLDOWN"]);
}

#[test]
fn the_table_has_no_name_twice_and_says_something_about_each() {
    let names: std::collections::BTreeSet<&str> = SETTINGS.iter().map(|s| s.name).collect();
    assert_eq!(names.len(), SETTINGS.len());
    assert!(SETTINGS.iter().all(|s| s.meaning.len() > 15 && s.meaning.ends_with('.') && !s.functions.is_empty()));
}
