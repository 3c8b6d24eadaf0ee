//! Stores come, go, and do not all say where they are.

use serde_json::{Value, json};

use crate::wire::Bench;

async fn location(bench: &Bench, uid: &str) -> Value {
    bench.podium("GET", &format!("/v4/locations/{uid}"), &Value::Null).await.json()["data"].clone()
}

#[tokio::test]
async fn the_samples_locations_are_known_from_the_start() {
    let bench = Bench::start().await;
    for (uid, name) in [
        ("loc_sydney", "Sydney"),
        ("loc_burleigh", "Burleigh Heads"),
        ("2402d60a-8fc7-58ed-8992-ee47f110175e", "Sydney Outlet"),
        ("34dc3207-f0e7-5b39-bf15-36b47e50111f", "Burleigh Heads Outlet"),
    ] {
        let found = location(&bench, uid).await;
        assert_eq!((&found["name"], &found["displayName"]), (&json!(name), &json!(name)));
        assert_eq!((&found["addressDetails"]["country"], &found["archived"]), (&json!("AU"), &json!(false)));
        assert_eq!(found["archivedAt"], Value::Null);
    }
}

#[tokio::test]
async fn stores_open_move_and_close() {
    let bench = Bench::start().await;
    let put = async |uid: &str, change: Value| {
        bench.control("PUT", &format!("/podium/locations/{uid}"), &change).await.status
    };
    assert_eq!(put("loc_auckland", json!({ "name": "Auckland", "country": "NZ" })).await, 204);
    assert_eq!(location(&bench, "loc_auckland").await["addressDetails"]["country"], "NZ");
    assert_eq!(put("loc_auckland", json!({ "country": null })).await, 204);
    let found = location(&bench, "loc_auckland").await;
    assert_eq!((&found["name"], &found["addressDetails"]["country"]), (&json!("Auckland"), &Value::Null));
    assert_eq!(put("loc_auckland", json!({ "addressless": true })).await, 204);
    assert_eq!(location(&bench, "loc_auckland").await["addressDetails"], Value::Null);
    assert_eq!(put("loc_sydney", json!({ "archived": true })).await, 204);
    let archived = location(&bench, "loc_sydney").await;
    assert!(archived["archived"] == true && archived["archivedAt"].is_string());
    let listed = bench.podium("GET", "/v4/locations?limit=100", &Value::Null).await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 6, "the archived one is listed too");

    assert_eq!(bench.control("DELETE", "/podium/locations/loc_auckland", &Value::Null).await.status, 204);
    assert_eq!(bench.control("DELETE", "/podium/locations/loc_auckland", &Value::Null).await.status, 404);
    assert_eq!(bench.control("GET", "/podium/locations/loc_auckland", &Value::Null).await.status, 404);
    let gone = bench.podium("GET", "/v4/locations/loc_auckland", &Value::Null).await;
    assert_eq!((gone.status, &gone.json()["code"]), (404, &json!("resource_not_found")));
    for bad in [json!({ "uid": "loc_other" }), json!({ "open": true }), json!({ "archived": "yes" }), json!([])] {
        assert_eq!(put("loc_sydney", bad.clone()).await, 400, "{bad}");
    }
}
