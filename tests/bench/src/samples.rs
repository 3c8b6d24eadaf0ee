//! One order on its way through the house, from the sample events: as a webhook, as a row, and as Shopify knows it later.

use std::{error::Error, fs, path::Path};

use serde_json::{Value, json};

const ORDER: &str = "raw/orders-fulfilled-au-wire.bin";

/// The link in a review request.
pub(crate) const LINK: &str = "https://reviews.example.com/r/1";

/// The order in all its forms.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    /// The webhook's body, as it comes over the wire.
    pub(crate) order: Vec<u8>,
    /// What Shopify answers when the order is read again.
    pub(crate) graphql_order: String,
    /// Every secret, under the name of the setting that names it.
    pub(crate) secrets: Value,
    /// The settings that the local stack uses, and those under which this order is asked about at any time.
    pub(crate) settings: Vec<(&'static str, String)>,
    pub(crate) event_key: String,
    pub(crate) request_key: String,
    /// The webhook as API Gateway hands it to a function.
    pub(crate) webhook: Vec<u8>,
}

impl Samples {
    /// Reads them from the project at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self, Box<dyn Error>> {
        let text = |path: &str| fs::read_to_string(root.join(path)).map_err(|e| format!("{path}: {e}"));
        let parse =
            |path: &str| text(path).and_then(|text| serde_json::from_str::<Value>(&text).map_err(|e| e.to_string()));
        let parameters = parse("local/parameters.json")?;
        let settings = &parameters["settings"];
        let vectors = parse("events/shopify/signature_vectors.json")?;
        let (shop, signed) = (string(&settings["SHOPIFY_SHOP"])?, &vectors["files"][ORDER]);
        let order = text(&format!("events/shopify/{ORDER}"))?;
        let id = serde_json::from_str::<Value>(&order)?["id"].to_string();
        let webhook_id = string(&signed["webhook_id"])?;
        let headers = json!({
            "accept": "*/*",
            "accept-encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
            "content-length": order.len().to_string(),
            "content-type": "application/json",
            "host": "abcdefghij.execute-api.ap-southeast-2.amazonaws.com",
            "user-agent": "Shopify-Captain-Hook",
            "x-amzn-trace-id": "Root=1-00000000-000000000000000000000000",
            "x-forwarded-for": "203.0.113.9",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-shopify-api-version": "2026-10",
            "x-shopify-event-id": "11111111-1111-4111-8111-111111111111",
            "x-shopify-hmac-sha256": signed["hmac_sha256_base64"],
            "x-shopify-shop-domain": shop,
            "x-shopify-topic": signed["topic"],
            "x-shopify-triggered-at": "2026-11-08T22:41:08.412345678Z",
            "x-shopify-webhook-id": webhook_id,
        });
        Ok(Self {
            webhook: gateway_event(&headers, &order),
            event_key: format!("shopify#{webhook_id}"),
            request_key: format!("{shop}#{id}"),
            graphql_order: text("events/shopify/graphql-order-ok.json")?,
            secrets: parameters["secrets"].clone(),
            order: order.into_bytes(),
            settings: vec![
                ("SHOPIFY_LOCATIONS", settings["SHOPIFY_LOCATIONS"].to_string()),
                ("SHOPIFY_SHOP", shop),
                ("REVIEW_ALLOWED_HOURS", "Mon-Sun 00:00-24:00".to_owned()),
                ("REVIEW_CONSENT", "checkout_notice".to_owned()),
                ("REVIEW_KEEP_DAYS", "3650".to_owned()),
                ("REVIEW_MAX_AGE_DAYS", "3600".to_owned()),
            ],
        })
    }
}

/// An HTTP API's payload, format 2.0.
fn gateway_event(headers: &Value, body: &str) -> Vec<u8> {
    let http = json!({
        "method": "POST", "path": "/shopify/orders", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9",
        "userAgent": "Shopify-Captain-Hook",
    });
    let event = json!({
        "version": "2.0", "routeKey": "POST /shopify/orders", "rawPath": "/shopify/orders", "rawQueryString": "",
        "headers": headers, "body": body, "isBase64Encoded": false,
        "requestContext": {
            "accountId": "000000000000", "apiId": "abcdefghij", "domainPrefix": "abcdefghij",
            "domainName": "abcdefghij.execute-api.ap-southeast-2.amazonaws.com", "http": http, "requestId": "r",
            "routeKey": "POST /shopify/orders", "stage": "$default", "time": "08/Nov/2026:22:41:08 +0000",
            "timeEpoch": 1_794_177_668_412_i64,
        },
    });
    event.to_string().into_bytes()
}

/// A batch of one message, as SQS hands it to a function.
pub(crate) fn queue_event(key: &str) -> Vec<u8> {
    let record = json!({
        "messageId": "00000000-0000-4000-8000-000000000000", "receiptHandle": "handle", "body": key,
        "attributes": {
            "ApproximateReceiveCount": "1", "SentTimestamp": "1794177668412", "SenderId": "sender",
            "ApproximateFirstReceiveTimestamp": "1794177668413",
        },
        "messageAttributes": {}, "md5OfBody": "0", "eventSource": "aws:sqs", "awsRegion": "ap-southeast-2",
        "eventSourceARN": "arn:aws:sqs:ap-southeast-2:000000000000:queue",
    });
    json!({"Records": [record]}).to_string().into_bytes()
}

fn string(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{value} is not a text"))
}
