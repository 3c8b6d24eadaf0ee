//! `frontdesk locations refresh`.

use frontdesk_local::{Action, FaultRule, Match, Times};
use serde_json::{Value, json};

use crate::cloud::House;

fn printed(stdout: &[u8]) -> Value {
    serde_json::from_slice(stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_loaded_kept_and_compared_with_the_one_before() {
    let house = House::start().await;
    house.providers.set_location("loc_new", &json!({ "name": "Newcastle", "country": "AU" })).unwrap();
    house.providers.set_location("loc_sydney", &json!({ "name": "Sydney CBD" })).unwrap();
    house.providers.remove_location("loc_burleigh");
    let run = house.run(&["locations", "refresh"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let changes = printed(&run.stdout)["changes"].clone();
    let of = |uid: &str| changes.as_array().unwrap().iter().find(|c| c["uid"] == uid).unwrap()["change"].clone();
    assert_eq!(
        [of("loc_new"), of("loc_sydney"), of("loc_burleigh")],
        [json!("added"), json!("changed"), json!("removed")]
    );
    assert_eq!(changes.as_array().unwrap().len(), 3);
    let kept = house.tables.item("directory", "locations").unwrap();
    assert!(kept.to_string().contains("Newcastle") && !kept.to_string().contains("loc_burleigh"));

    let run = house.run(&["locations", "refresh", "--output", "human"]);
    assert!(run.text().starts_with("UID") && run.text().contains("Newcastle"), "{}", run.text());
    assert!(!run.text().contains("added"), "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_location_is_a_no_and_no_answer_is_none() {
    let house = House::start().await;
    let before = house.tables.item("directory", "locations").unwrap();
    house.providers.set_podium(&json!({ "locations": [] })).unwrap();
    let run = house.run(&["locations", "refresh"]);
    assert_eq!((run.code, run.text()), (1, ""), "{}", run.stderr);
    assert!(run.stderr.contains("lists no location"), "{}", run.stderr);
    for status in [500, 403] {
        let matching = Match { path_prefix: Some("/v4/locations".into()), ..Match::default() };
        let action = Action { status: Some(status), ..Action::default() };
        house.providers.add_fault(FaultRule { matching, times: Times::FOREVER, action }).unwrap();
        let run = house.run(&["locations", "refresh"]);
        assert_eq!((run.code, run.text()), (2, ""), "{status}: {}", run.stderr);
        house.providers.clear_faults();
    }
    assert_eq!(house.tables.item("directory", "locations").unwrap(), before, "the known list stays");
    let run = house.run_with(&["locations", "refresh"], &[("FRONTDESK_TABLE_DIRECTORY", "no-such-table")], b"");
    assert_eq!((run.code, run.text()), (2, ""), "{}", run.stderr);
}
