use super::*;

#[test]
fn shapes_are_told_apart_without_the_topic() {
    assert!(matches!(parse(br#"{"id":1,"order_id":2,"transactions":[]}"#), Ok(ShopifyEvent::Refund(_))));
    assert!(matches!(parse(br#" {"id":1,"financial_status":"paid"}"#), Ok(ShopifyEvent::Order(_))));
    for unknown in ["{}", "[]", "null", "1", "\"a\"", r#"{"shop_id":1}"#, r#"[1,null]"#] {
        assert_eq!(parse(unknown.as_bytes()).unwrap_err(), RejectReason::UnknownShape, "{unknown}");
    }
}

#[test]
fn ids_beyond_two_to_the_53_stay_exact() {
    let body = br#"{"id":820982911946154508,"line_items":[]}"#;
    let Ok(ShopifyEvent::Order(order)) = parse(body) else { panic!("not an order") };
    assert_eq!(order.id, 820_982_911_946_154_508);
}

#[test]
fn wrong_types_are_rejected_and_never_quoted() {
    for bad in [
        r#"{"id":"+61491570156","line_items":[]}"#,
        r#"{"id":1.5,"line_items":[]}"#,
        r#"{"id":-1,"line_items":[]}"#,
        r#"{"id":1e30,"line_items":[]}"#,
        r#"{"line_items":[]}"#,
        r#"{"id":1,"line_items":[],"cancelled_at":5}"#,
        r#"{"id":1,"line_items":[],"test":"yes"}"#,
        r#"{"id":1,"line_items":[],"phone":["+61491570156"]}"#,
        "{\"id\":1,",
        "\u{feff}{}",
        "",
    ] {
        let reason = parse(bad.as_bytes()).unwrap_err();
        assert!(matches!(reason, RejectReason::Malformed { .. }), "{bad}");
        assert!(!reason.describe().contains("491570156"));
    }
    let deep = format!("{{\"id\":1,\"line_items\":{}", "[".repeat(100_000));
    assert!(parse(deep.as_bytes()).is_err());
}

#[test]
fn a_refund_that_gives_nothing_back_changes_nothing() {
    let gives = |body: &str| match parse(body.as_bytes()) {
        Ok(ShopifyEvent::Refund(refund)) => refund.gives_back(),
        other => panic!("{other:?}"),
    };
    assert!(gives(r#"{"order_id":1,"transactions":[{"kind":"refund","status":"success"}]}"#));
    assert!(gives(r#"{"order_id":1,"transactions":[],"refund_line_items":[{}]}"#));
    assert!(!gives(r#"{"order_id":1,"transactions":[{"kind":"refund","status":"failure"}],"refund_line_items":[{}]}"#));
    assert!(!gives(r#"{"order_id":1,"transactions":[],"refund_line_items":[]}"#));
    assert!(!gives(
        r#"{"order_id":1,"transactions":[],"refund_line_items":[{"restock_type":"cancel","subtotal":64.0}]}"#
    ));
    assert!(!gives(r#"{"order_id":1,"transactions":[{"kind":"refund","status":"success","amount":"0.00"}]}"#));
    assert!(gives(r#"{"order_id":1,"transactions":[{"kind":"refund","status":"pending","amount":"29.00"}]}"#));
}

/// The shapes that came after orders and refunds.
mod newer {
    use super::super::super::{
        privacy::{PrivacyDemand, PrivacyPerson},
        samples::{self, BODIES},
    };
    use super::*;

    fn event(body: &str) -> ShopifyEvent {
        parse(body.as_bytes()).unwrap_or_else(|e| panic!("{}: {body}", e.describe()))
    }

    fn sample(name: &str) -> ShopifyEvent {
        event(BODIES.iter().find(|(n, _)| *n == name).unwrap().1)
    }

    #[test]
    fn every_sample_is_read() {
        for (name, body) in BODIES {
            let printed = format!("{:?}", event(body));
            let kind = samples::shape_named(name);
            let variant = match kind {
                "Shop" => "AppUninstalled",
                "DataRequest" | "RedactCustomer" | "RedactShop" => "Privacy",
                same => same,
            };
            assert!(
                printed.starts_with(variant) && printed.contains(if variant == "Privacy" { kind } else { variant })
            );
        }
    }

    #[test]
    fn shipments_on_their_way() {
        let ShopifyEvent::FulfillmentEvent { order, status, happened_at } = event(samples::DELIVERED) else { panic!() };
        assert_eq!((order, status), (OrderId(7_024_000_000_101), ParcelStatus::Delivered));
        assert_eq!(happened_at, moment("2026-11-11T03:20:00Z"));
        for (word, expected) in [
            ("DELIVERED", ParcelStatus::Delivered),
            ("attempted_delivery", ParcelStatus::Other),
            ("out_for_delivery", ParcelStatus::Other),
            ("not_delivered", ParcelStatus::Other),
            ("", ParcelStatus::Other),
        ] {
            let body = format!(r#"{{"fulfillment_id":1,"order_id":2,"status":"{word}","happened_at":"soon"}}"#);
            let ShopifyEvent::FulfillmentEvent { status, happened_at, .. } = event(&body) else { panic!() };
            assert_eq!((status, happened_at), (expected, None), "{word}");
        }
    }

    #[test]
    fn returns_of_both_forms() {
        use ReturnStatus::{Ended, Opened};
        for (name, expected) in [
            ("return/request", Opened),
            ("return/approve", Opened),
            ("return/cancel", Ended),
            ("return/close", Ended),
            ("return/reopen", Opened),
        ] {
            let ShopifyEvent::Return { order, status } = sample(name) else { panic!("{name}") };
            assert_eq!((order, status), (OrderId(7_024_000_000_101), expected), "{name}");
        }
        for (word, expected) in [("Declined", Ended), ("cancelled", Ended), ("in_progress", Opened), ("", Opened)] {
            let body = format!(r#"{{"id":1,"order_id":2,"status":"{word}"}}"#);
            assert!(matches!(event(&body), ShopifyEvent::Return { status, .. } if status == expected), "{word}");
        }
        let agreeing = r#"{"id":1,"order_id":2,"order":{"id":2},"status":"open"}"#;
        assert!(matches!(event(agreeing), ShopifyEvent::Return { order: OrderId(2), .. }));
        let at_odds = agreeing.replace(r#"{"id":2}"#, r#"{"id":3}"#);
        assert_eq!(parse(at_odds.as_bytes()).unwrap_err(), RejectReason::UnknownShape);
    }

    #[test]
    fn consent() {
        let ShopifyEvent::MarketingConsent { phone, state, consent_updated_at } = event(samples::UNSUBSCRIBED) else {
            panic!()
        };
        assert_eq!(phone.unwrap().expose(), "+61491570156");
        assert_eq!((state, consent_updated_at), (ConsentState::Unsubscribed, moment("2026-11-09T20:00:00Z")));
        assert!(!format!("{:?}", event(samples::UNSUBSCRIBED)).contains("491570156"));
        let nobody = sample("consent/no_phone");
        assert!(matches!(nobody, ShopifyEvent::MarketingConsent { phone: None, state: ConsentState::Unknown, .. }));
        for (word, expected) in [
            ("not_subscribed", ConsentState::NotSubscribed),
            ("PENDING", ConsentState::Pending),
            ("redacted", ConsentState::Redacted),
            ("Subscribed", ConsentState::Subscribed),
            ("un-subscribed", ConsentState::Unknown),
        ] {
            let body = format!(r#"{{"id":1,"phone":null,"sms_marketing_consent":{{"state":"{word}"}}}}"#);
            assert!(
                matches!(event(&body), ShopifyEvent::MarketingConsent { state, .. } if state == expected),
                "{word}"
            );
        }
    }

    #[test]
    fn the_shop_is_named_by_what_is_signed() {
        let ShopifyEvent::AppUninstalled { at, shop_domain } = event(samples::SHOP) else { panic!() };
        assert_eq!((at, shop_domain.as_str()), (moment("2026-11-11T21:00:00Z"), "harbour-lane-demo.myshopify.com"));
        let ours = ShopDomain::try_from("Harbour-Lane-Demo.myshopify.com").unwrap();
        let theirs = ShopDomain::try_from("other.myshopify.com").unwrap();
        for (name, body) in BODIES {
            let event = event(body);
            assert!(!is_other_shop(&event, &ours), "{name}");
            let named = ["shop/", "redact/", "data_request/"].iter().any(|start| name.starts_with(start));
            assert_eq!(is_other_shop(&event, &theirs), named, "{name}");
        }
        for less in [
            r#"{"id":1,"myshopify_domain":"a.myshopify.com"}"#,
            r#"{"id":1,"domain":"a.example","plan_name":"basic","shop_owner":"x"}"#,
            r#"{"myshopify_domain":"a.myshopify.com","plan_name":"basic"}"#,
            r#"{"id":1,"myshopify_domain":null,"plan_name":"basic"}"#,
            r#"{"id":1,"myshopify_domain":"a.myshopify.com","plan_name":"basic","order_id":5}"#,
        ] {
            assert_eq!(parse(less.as_bytes()).unwrap_err(), RejectReason::UnknownShape, "{less}");
        }
    }

    fn demand(body: &str) -> PrivacyDemand {
        let ShopifyEvent::Privacy(PrivacyEvent { demand, .. }) = event(body) else { panic!("{body}") };
        demand
    }

    #[test]
    fn demands_about_a_person() {
        let person = PrivacyPerson {
            customer_id: Some(9_974_000_000_101),
            email: Some("mia.tennant@example.com".into()),
            phone: Some("+61491570156".into()),
        };
        let asked = PrivacyDemand::DataRequest { request_id: Some(60_011), person: person.clone() };
        assert_eq!(demand(samples::DATA_REQUEST), asked);
        let orders = vec![OrderId(7_024_000_000_101), OrderId(7_024_000_001_301)];
        assert_eq!(demand(samples::REDACT), PrivacyDemand::RedactCustomer { person, orders });
        let least = r#"{"shop_id":1,"customer":{},"orders_to_redact":[]}"#;
        let nobody = PrivacyPerson::default();
        assert_eq!(demand(least), PrivacyDemand::RedactCustomer { person: nobody.clone(), orders: vec![] });
        for asked in [
            r#"{"shop_id":1,"customer":{"id":null},"orders_requested":[]}"#,
            r#"{"shop_domain":"a","customer":{},"data_request":{}}"#,
        ] {
            assert_eq!(demand(asked), PrivacyDemand::DataRequest { request_id: None, person: nobody.clone() });
        }
        assert!(is_privacy(&event(least)) && !is_privacy(&event(samples::ORDER)));
    }

    #[test]
    fn nothing_is_erased_on_a_guess() {
        for guess in [
            r#"{"shop_id":1,"shop_domain":"a","customer":{"id":5}}"#,
            r#"{"shop_id":1,"shop_domain":"a","customer":null}"#,
            r#"{"shop_id":1,"shop_domain":"a","customer":{"id":5},"orders_to_redact":null}"#,
            r#"{"shop_id":1,"shop_domain":"a","customer":null,"orders_to_redact":[1]}"#,
            r#"{"shop_id":1,"shop_domain":"a","customer":{"id":5},"orders_to_redact":[1],"orders_requested":[1]}"#,
            r#"{"shop_id":1,"shop_domain":"a","customer":{"id":5},"orders_to_redact":[1],"data_request":{"id":1}}"#,
            r#"{"customer":{"id":5},"orders_to_redact":[1]}"#,
            r#"{"shop_id":1,"shop_domain":"a","note":null}"#,
            r#"{"shop_domain":"a"}"#,
            r#"{"shop_id":1}"#,
            r#"{"shop_id":null,"shop_domain":"a"}"#,
        ] {
            assert_eq!(parse(guess.as_bytes()).unwrap_err(), RejectReason::UnknownShape, "{guess}");
        }
    }

    #[test]
    fn a_person_is_never_printed() {
        for body in [samples::DATA_REQUEST, samples::REDACT] {
            let event = event(body);
            let printed = format!("{event:?}{event:#?}");
            for secret in ["9974000000101", "mia", "example.com", "491570156"] {
                assert!(!printed.contains(secret), "{secret} in {printed}");
            }
            assert!(printed.contains("PrivacyPerson(has customer_id, email, phone)"));
        }
    }

    #[test]
    fn wrong_types_are_rejected_and_never_quoted() {
        for bad in [
            r#"{"fulfillment_id":1,"order_id":"+61491570156","status":"delivered"}"#,
            r#"{"fulfillment_id":1,"order_id":1,"status":["+61491570156"]}"#,
            r#"{"fulfillment_id":1,"order_id":1,"status":"delivered","happened_at":491570156}"#,
            r#"{"id":1,"order_id":-491570156,"status":"open"}"#,
            r#"{"id":1,"order":"+61491570156","status":"open"}"#,
            r#"{"id":1,"order":{},"status":"open"}"#,
            r#"{"id":1,"order":{"id":1},"status":491570156}"#,
            r#"{"id":1,"phone":491570156,"sms_marketing_consent":{}}"#,
            r#"{"id":1,"phone":"+61491570156","sms_marketing_consent":"+61491570156"}"#,
            r#"{"id":1,"phone":null,"sms_marketing_consent":{"state":491570156}}"#,
            r#"{"id":1,"myshopify_domain":491570156,"domain":"a"}"#,
            r#"{"shop_id":1,"customer":"+61491570156","orders_to_redact":[]}"#,
            r#"{"shop_id":1,"customer":{"phone":491570156},"orders_to_redact":[]}"#,
            r#"{"shop_id":1,"customer":{"id":"+61491570156"},"orders_requested":[]}"#,
            r#"{"shop_id":1,"customer":{},"orders_to_redact":["+61491570156"]}"#,
            r#"{"shop_id":1,"customer":{},"data_request":"+61491570156"}"#,
            r#"{"shop_id":"+61491570156","shop_domain":"a"}"#,
            r#"{"shop_id":1,"shop_domain":491570156}"#,
            r#"{"shop_id":1,"shop_domain":"a","shop_domain":"+61491570156"}"#,
            r#"{"id":1,"line_items":[],"tags":491570156}"#,
            r#"{"id":1,"line_items":[],"customer":{"tags":["a",491570156]}}"#,
        ] {
            let reason = parse(bad.as_bytes()).unwrap_err();
            assert!(matches!(reason, RejectReason::Malformed { .. }), "{bad}: {reason:?}");
            assert!(!reason.describe().contains("491570156"));
        }
    }
}
