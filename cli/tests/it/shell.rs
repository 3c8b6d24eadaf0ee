//! What completes commands, and what is signed with the installation's own secret.

use crate::cloud::House;
use crate::frontdesk;

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = frontdesk(&["completions", shell], &[], b"");
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{shell}");
        for word in ["doctor", "secrets", "rotate", "completions"] {
            assert!(run.text().contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(frontdesk(&["completions", "tcsh"], &[], b"").code, 2);
    let version = frontdesk(&["--version"], &[], b"");
    assert_eq!(version.text().trim(), format!("frontdesk {}", env!("CARGO_PKG_VERSION")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_signed_with_the_secret_that_the_installation_has() {
    let house = House::start().await;
    for (provider, file, path, secret) in [
        ("shopify", "events/shopify/orders-fulfilled-au.json", "/shopify/orders-fulfilled", "shopify-hush"),
        ("podium", "events/podium/published.message.received.webchat.json", "/podium/webchat", "whsec-hush"),
    ] {
        let args = ["sign", "--provider", provider, "--body", file, "--curl"];
        let run = house.run(&[&args[..], &["--from-installation"]].concat());
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{provider}");
        assert!(run.text().contains(&format!("{}{path}", house.wire.url)), "{}", run.text());
        assert!(!run.text().contains("hush"), "{}", run.text());
        let by_hand = house.run(&[&args[..], &["--secret", secret]].concat());
        let signature = |text: &str| {
            text.split(" --header ").find(|header| header.to_lowercase().contains("hmac-sha256")).map(str::to_owned)
        };
        // Podium's holds the time of its making, so only Shopify's can be compared.
        assert_eq!(signature(run.text()), signature(by_hand.text()));
        assert_eq!(signature(run.text()).is_some(), provider == "shopify");
    }
    let chatwoot = ["sign", "--provider", "chatwoot", "--body", "events/chatwoot/message_created.incoming_text.json"];
    let run = house.run(&[&chatwoot[..], &["--from-installation"]].concat());
    assert_eq!((run.code, run.text()), (2, ""), "it was never filled in");
    assert!(run.stderr.contains("placeholder"), "{}", run.stderr);
    house.change(|cloud| cloud.refused.insert("GetSecretValue", "InternalFailure"));
    let run = house.run(&["sign", "--provider", "podium", "--body", "-", "--from-installation"]);
    assert_eq!((run.code, run.text()), (2, ""), "{}", run.stderr);
}
