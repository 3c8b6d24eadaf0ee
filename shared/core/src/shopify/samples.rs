//! Shopify's bodies for tests, one of each kind. The long ones are cut down to what tells them apart.

use crate::{
    hours::AllowedHours,
    ids::LocationUid,
    phone::E164Phone,
    provider::{Financial, OrderNow, SmsConsent},
    request::Plan,
    review::{ConsentRule, Location, PartialRefund, Platform, ReviewPolicy, Template},
    time::{DAY, UnixMillis},
};

/// The brief's rules, around the clock, for the one location that shipped [`ORDER`].
pub(crate) fn policy() -> ReviewPolicy {
    let location = Location {
        uid: LocationUid::try_from("loc-1").unwrap(),
        name: "Harbour Lane".into(),
        country: "AU".into(),
        shopify_ids: vec![88_110_022_001],
        review_link: None,
    };
    ReviewPolicy {
        reminder: None,
        buffer: DAY * 5,
        cooldown: DAY * 30,
        hours: AllowedHours::parse("Mon-Sun 00:00-24:00").unwrap(),
        partial_refund: PartialRefund::Skip,
        max_age: DAY * 60,
        settle: DAY * 7,
        settle_max: DAY * 30,
        skip_test: true,
        skip_pos: true,
        skip_b2b: true,
        consent: ConsentRule::RequireSmsSubscribed,
        default_platform: Platform::Google,
        template: Template::parse("Hi {first_name}, {location_name} here: {link} Reply STOP to opt out.").unwrap(),
        locations: vec![location],
        only_location: None,
        keep: DAY * 400,
        exclude_tags: Vec::new(),
        after_delivery: None,
    }
}

/// An order with nothing against asking, shipped at `fulfilled_at`.
pub(crate) fn order_now(fulfilled_at: UnixMillis) -> OrderNow {
    OrderNow {
        test: false,
        cancelled: false,
        financial: Financial::Settled,
        return_open: false,
        fulfilled: true,
        b2b: false,
        point_of_sale: false,
        consent: SmsConsent::Subscribed,
        consent_phone: None,
        updated_at: None,
        fulfilled_at: Some(fulfilled_at),
        delivered_at: None,
        tags: Vec::new(),
        refunded_at: None,
        country: None,
        time_zone: None,
    }
}

/// What a request asks for that was planned at `fulfilled_at`.
pub(crate) fn plan(fulfilled_at: UnixMillis) -> Plan {
    Plan {
        phone: E164Phone::parse_e164("+61491570156").unwrap(),
        location: LocationUid::try_from("loc-1").unwrap(),
        first_name: Some("Mia".into()),
        fulfilled_at,
        send_after: fulfilled_at.plus(DAY * 5),
        zones: vec!["Australia/Sydney".into()],
    }
}

/// Name and body.
pub(crate) const BODIES: [(&str, &str); 18] = [
    ("order/fulfilled", ORDER),
    (
        "order/cancelled",
        r#"{"id":7024000000201,"admin_graphql_api_id":"gid://shopify/Order/7024000000201","cancelled_at":"2026-11-06T10:00:00+11:00","cancel_reason":"customer","financial_status":"voided","fulfillment_status":null,"line_items":[],"fulfillments":[],"customer":{"id":9974000000101},"phone":null,"tags":"","returns":[],"refunds":[]}"#,
    ),
    (
        "refund/create",
        r#"{"id":929000000001,"admin_graphql_api_id":"gid://shopify/Refund/929000000001","order_id":7024000000101,"created_at":"2026-11-08T09:00:00+11:00","refund_line_items":[],"transactions":[{"kind":"refund","status":"success","amount":"64.00"}],"return":null}"#,
    ),
    ("fulfillment_event/delivered", DELIVERED),
    ("fulfillment_event/attempted", ATTEMPTED),
    (
        "return/request",
        r#"{"id":945000001,"admin_graphql_api_id":"gid://shopify/Return/945000001","status":"requested","order":{"id":7024000000101,"admin_graphql_api_id":"gid://shopify/Order/7024000000101"},"customer":{"id":9974000000101},"total_return_line_items":1,"name":"1001-R1","return_line_items":[{"id":1,"quantity":1}]}"#,
    ),
    ("return/approve", r#"{"id":945000001,"status":"open","order":{"id":7024000000101}}"#),
    (
        "return/cancel",
        r#"{"id":945000001,"admin_graphql_api_id":"gid://shopify/Return/945000001","order_id":7024000000101,"status":"canceled"}"#,
    ),
    ("return/close", r#"{"id":945000001,"order_id":7024000000101,"status":"CLOSED"}"#),
    ("return/reopen", r#"{"id":945000001,"order_id":7024000000101,"status":"open"}"#),
    ("consent/unsubscribed", UNSUBSCRIBED),
    ("consent/no_phone", r#"{"id":9974000000101,"phone":null,"sms_marketing_consent":null}"#),
    (
        "merge/done",
        r#"{"admin_graphql_api_customer_kept_id":"gid://shopify/Customer/1","admin_graphql_api_customer_deleted_id":"gid://shopify/Customer/2","admin_graphql_api_job_id":null,"status":"completed","errors":[]}"#,
    ),
    ("shop/uninstalled", SHOP),
    ("shop/least", r#"{"id":71234567890,"myshopify_domain":"harbour-lane-demo.myshopify.com","plan_name":"basic"}"#),
    ("data_request/whole", DATA_REQUEST),
    ("redact/customer", REDACT),
    ("redact/shop", r#"{"shop_id":71234567890,"shop_domain":"harbour-lane-demo.myshopify.com"}"#),
];

/// The name of the shape that a body of [`BODIES`] has.
pub(crate) fn shape_named(name: &str) -> &'static str {
    let shapes = [
        ("order/", "Order"),
        ("refund/", "Refund"),
        ("fulfillment_event/", "FulfillmentEvent"),
        ("return/", "Return"),
        ("consent/", "MarketingConsent"),
        ("merge/", "CustomersMerged"),
        ("shop/", "Shop"),
        ("data_request/", "DataRequest"),
        ("redact/customer", "RedactCustomer"),
        ("redact/shop", "RedactShop"),
    ];
    shapes.into_iter().find(|(start, _)| name.starts_with(start)).map(|(_, shape)| shape).unwrap()
}

/// A fulfilled and paid order.
pub(crate) const ORDER: &str = r#"{"id":7024000000101,"admin_graphql_api_id":"gid://shopify/Order/7024000000101",
"test":false,"cancelled_at":null,"financial_status":"paid","fulfillment_status":"fulfilled","source_name":"web",
"email":"mia.tennant@example.com","phone":"+61491570156","tags":"repeat, newsletter","line_items":[],"refunds":[],
"customer":{"id":9974000000101,"first_name":"Mia","last_name":"Tennant","phone":"+61491570156"},
"fulfillments":[{"id":6010000000101,"status":"success","created_at":"2026-11-05T16:20:00+11:00","location_id":88110022001}],
"returns":[],"shop_money":null}"#;

/// The carrier has delivered.
pub(crate) const DELIVERED: &str = r#"{"id":33000000001,"fulfillment_id":6010000000101,"status":"delivered",
"message":"Delivered - left in safe place","happened_at":"2026-11-11T14:20:00+11:00","city":"Marrickville",
"province":"New South Wales","country":"AU","zip":"2204","address1":null,"latitude":null,"longitude":null,
"shop_id":71234567890,"created_at":"2026-11-11T14:20:00+11:00","updated_at":"2026-11-11T14:20:00+11:00",
"estimated_delivery_at":null,"order_id":7024000000101,"admin_graphql_api_id":"gid://shopify/FulfillmentEvent/33000000001"}"#;

/// The carrier found nobody at home.
pub(crate) const ATTEMPTED: &str = r#"{"id":33000000002,"fulfillment_id":6010000000101,"status":"attempted_delivery",
"message":"Card left","happened_at":"2026-11-10T16:05:00+11:00","city":"Marrickville","province":"New South Wales",
"country":"AU","zip":"2204","address1":null,"latitude":null,"longitude":null,"shop_id":71234567890,
"created_at":"2026-11-10T16:05:00+11:00","updated_at":"2026-11-10T16:05:00+11:00","estimated_delivery_at":null,
"order_id":7024000000101,"admin_graphql_api_id":"gid://shopify/FulfillmentEvent/33000000002"}"#;

/// Marketing texts are not wanted any more.
pub(crate) const UNSUBSCRIBED: &str = r#"{"id":9974000000101,"phone":"+61491570156","sms_marketing_consent":
{"state":"unsubscribed","opt_in_level":"single_opt_in","consent_updated_at":"2026-11-10T07:00:00+11:00",
"consent_collected_from":"SHOPIFY"}}"#;

/// The shop, after the app was uninstalled.
pub(crate) const SHOP: &str = r#"{"id":71234567890,"name":"Harbour Lane","email":"owner@example.com",
"domain":"harbour-lane.example.com","province":"New South Wales","country":"AU","address1":null,"zip":null,"city":null,
"phone":null,"customer_email":null,"myshopify_domain":"harbour-lane-demo.myshopify.com","plan_name":"basic",
"plan_display_name":"Basic","shop_owner":"Sam Owner","iana_timezone":"Australia/Sydney",
"created_at":"2024-01-01T00:00:00+11:00","updated_at":"2026-11-12T08:00:00+11:00"}"#;

/// A customer asks what is known about them.
pub(crate) const DATA_REQUEST: &str = r#"{"shop_id":71234567890,"shop_domain":"harbour-lane-demo.myshopify.com",
"customer":{"id":9974000000101,"email":"mia.tennant@example.com","phone":"+61491570156"},
"orders_requested":[7024000000101,7024000001301],"data_request":{"id":60011}}"#;

/// A customer's data is to be erased.
pub(crate) const REDACT: &str = r#"{"shop_id":71234567890,"shop_domain":"harbour-lane-demo.myshopify.com",
"customer":{"id":9974000000101,"email":"mia.tennant@example.com","phone":"+61491570156"},
"orders_to_redact":[7024000000101,7024000001301]}"#;
