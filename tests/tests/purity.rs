//! What must not get into the code: I/O into the core, a feature into the phone library, scans, and whoever built it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a panic is a failed test"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

// ---- Dependencies

/// A package of a lock file.
#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    dependencies: Vec<String>,
}

fn packages(lock: &str) -> Vec<Package> {
    lock.split("[[package]]")
        .skip(1)
        .map(|block| {
            let field = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")))?;
                Some(line.trim_matches('"').to_owned())
            };
            let list = block.split_once("dependencies = [").map_or("", |(_, rest)| rest.split(']').next().unwrap());
            let dependencies = list.split(',').map(|d| d.trim().trim_matches('"').to_owned()).filter(|d| !d.is_empty());
            Package {
                name: field("name").unwrap(),
                version: field("version").unwrap(),
                source: field("source"),
                dependencies: dependencies.collect(),
            }
        })
        .collect()
}

/// The names under `[dependencies]` of a manifest.
fn direct(manifest: &str) -> Vec<String> {
    let after = manifest.split_once("\n[dependencies]\n").unwrap().1;
    let lines = after.lines().take_while(|line| !line.starts_with('['));
    let names = lines
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'));
    names.map(str::to_owned).collect()
}

/// Everything that these packages bring along, each with the one that brings it.
fn tree(packages: &[Package], roots: Vec<String>) -> BTreeMap<String, String> {
    let mut brought: BTreeMap<String, String> = BTreeMap::new();
    let mut open: Vec<(String, String)> = roots.into_iter().map(|name| (name, "the manifest".into())).collect();
    while let Some((wanted, by)) = open.pop() {
        let (name, version) = wanted.split_once(' ').map_or((wanted.as_str(), None), |(n, v)| (n, Some(v)));
        let package = packages.iter().find(|p| p.name == name && version.is_none_or(|v| p.version == v));
        let package = package.unwrap_or_else(|| panic!("{wanted} is not in the lock file"));
        if brought.insert(format!("{} {}", package.name, package.version), by).is_none() {
            open.extend(package.dependencies.iter().map(|dependency| (dependency.clone(), package.name.clone())));
        }
    }
    brought
}

/// The core decides; it neither speaks to anybody nor waits for anything.
#[test]
fn the_core_brings_no_cloud_no_runtime_and_no_http() {
    let forbidden =
        ["aws-", "tokio", "hyper", "reqwest", "lambda_", "rustls", "mio", "async-std", "smol", "ureq", "isahc", "curl"];
    let packages = packages(&read("Cargo.lock"));
    for (crate_, at_least) in [("shared/core", 10), ("shared/testkit", 10)] {
        let brought = tree(&packages, direct(&read(&format!("{crate_}/Cargo.toml"))));
        assert!(brought.len() > at_least, "{crate_}: {brought:?}");
        for (package, by) in &brought {
            let fine = forbidden.iter().all(|f| !package.starts_with(f));
            assert!(fine, "{crate_} depends on {package}, brought by {by}");
        }
    }
    // The search finds what is there: the adapters do depend on all of it.
    let adapters = tree(&packages, direct(&read("shared/aws/Cargo.toml")));
    assert!(["aws-sdk-dynamodb ", "tokio ", "hyper "].iter().all(|f| adapters.keys().any(|p| p.starts_with(f))));
}

/// What the core is made of besides itself, and why. One more is a decision, and is made here.
const MADE_OF: [(&str, &str); 17] = [
    ("base64", "signatures"),
    ("flate2", "large bodies"),
    ("futures-util", "the events of a batch are stored some at a time; it brings no runtime"),
    ("hmac", "signatures"),
    ("httpdate", "Retry-After as a date"),
    ("icu_normalizer", "STOP in any writing: compatibility forms and accents"),
    ("icu_properties", "STOP in any writing: what is a mark, a letter, an emoji"),
    ("jiff", "time zones"),
    ("log", "silences the phone library in release builds"),
    ("rlibphonenumber", "phone numbers"),
    ("serde", "JSON"),
    ("serde_json", "JSON"),
    ("sha2", "signatures and evidence"),
    ("subtle", "comparison in constant time"),
    ("thiserror", "error types"),
    ("unicode-segmentation", "characters as people count them"),
    ("zeroize", "secrets are wiped"),
];

#[test]
fn the_core_is_made_of_what_is_listed() {
    let listed: BTreeSet<&str> = MADE_OF.iter().map(|(name, _)| *name).collect();
    let manifest = direct(&read("shared/core/Cargo.toml"));
    let used: BTreeSet<&str> = manifest.iter().map(String::as_str).collect();
    assert_eq!(used, listed);
}

/// Cargo unifies features: one package that asks for `regex` would give it to every binary, and cost 110 MB of memory.
#[test]
fn the_phone_library_uses_its_small_engine_everywhere() {
    for lock in ["Cargo.lock", "tests/fuzz/Cargo.lock"] {
        let packages = packages(&read(lock));
        let library = packages.iter().find(|p| p.name == "rlibphonenumber").unwrap();
        let engines: Vec<&String> = library.dependencies.iter().filter(|d| d.starts_with("regex")).collect();
        assert_eq!(engines, ["regex-lite"], "{lock}");
    }
    for manifest in tracked().iter().filter(|path| path.ends_with("Cargo.toml")) {
        for line in read(manifest).lines().filter(|line| line.trim_start().starts_with("rlibphonenumber")) {
            assert!(
                !line.contains("\"regex\"")
                    && (line.contains("workspace") || line.contains("default-features = false")),
                "{manifest}: {line}"
            );
        }
    }
}

/// It traces the numbers that it reads; release builds must not contain those lines.
#[test]
fn the_phone_library_cannot_log_a_number_in_release() {
    let manifest = read("Cargo.toml");
    let log = manifest.lines().find(|line| line.starts_with("log = ")).unwrap();
    assert!(log.contains("release_max_level_info"), "{log}");
    assert!(direct(&read("shared/core/Cargo.toml")).contains(&"log".to_owned()));
}

/// The fuzzers have a lock file of their own; what they try has to be what is shipped.
#[test]
fn the_fuzzers_run_what_is_shipped() {
    let shipped = packages(&read("Cargo.lock"));
    let fuzzed = packages(&read("tests/fuzz/Cargo.lock"));
    let shared: BTreeSet<&str> = shipped.iter().map(|p| p.name.as_str()).collect();
    for package in fuzzed.iter().filter(|p| shared.contains(p.name.as_str())) {
        let same = shipped.iter().any(|p| p.name == package.name && p.version == package.version);
        assert!(
            same,
            "tests/fuzz/Cargo.lock has another {} than Cargo.lock; renew it: cp Cargo.lock tests/fuzz/ && cargo metadata --manifest-path tests/fuzz/Cargo.toml >/dev/null",
            package.name
        );
    }
}

// ---- Code

fn sources(directories: &[&str]) -> Vec<String> {
    let all = tracked();
    let own = |path: &&String| {
        path.ends_with(".rs") && directories.iter().any(|d| path.starts_with(d)) && !path.contains("/tests/")
    };
    all.iter().filter(own).cloned().collect()
}

/// A scan reads, and bills, the whole table; what is due or waits stands in an index. An erasure is the one exception
/// (ADR 0008), made by one function that does nothing else; and what an operator asks by hand, which no function can.
#[test]
fn nothing_scans_a_table_but_an_erasure() {
    const ERASURE: &str = "shared/aws/src/dynamo/erase.rs";
    const RECORDS: &str = "shared/aws/src/dynamo/records.rs";
    let sources = sources(&["functions/", "shared/", "cli/src/"]);
    assert!(sources.len() > 40, "{}", sources.len());
    for path in sources.into_iter().filter(|path| path != ERASURE && path != RECORDS) {
        let text = read(&path);
        for (number, line) in text.lines().enumerate() {
            let scans = line.contains(".scan()") || line.contains("operation::scan");
            assert!(!scans, "{path}:{}: {}", number + 1, line.trim());
        }
    }
    for path in [ERASURE, RECORDS] {
        assert_eq!(read(path).matches(".scan()").count(), 1, "{path}");
    }
    for path in self::sources(&["functions/", "shared/core/src/flow/", "shared/wiring/", "shared/assistant/"]) {
        let by_hand = path.contains("/flow/operate");
        assert!(by_hand || !read(&path).contains("record::Records"), "{path} reads as an operator does");
    }
    let template = read("template.yaml");
    let role = template.split("\n  PrivacyWorkerRole:").nth(1).and_then(|rest| rest.split("\n\n").next());
    let theirs = role.map_or(0, |role| role.matches("dynamodb:Scan").count());
    assert_eq!((theirs, template.matches("dynamodb:Scan").count()), (1, 1), "a function may scan");
}

/// The clippy configuration says so too, but an `expect` can silence it: here are the few places that may.
#[test]
fn only_the_adapters_know_the_time_and_the_environment() {
    for path in sources(&["functions/", "shared/core/", "shared/providers/", "shared/testkit/"]) {
        let text = read(&path);
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for word in ["SystemTime::now", "Instant::now", "env::var(", "env::vars(", "rand::", "thread::sleep"] {
            assert!(!code.clone().any(|line| line.contains(word)), "{path} uses {word}");
        }
    }
}

// ---- Where it was built

/// The files that are committed, as paths from the root.
fn tracked() -> Vec<String> {
    let listed =
        Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().expect("git lists the files");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).unwrap();
    let names: Vec<String> =
        names.split_terminator('\0').map(str::to_owned).filter(|path| root().join(path).is_file()).collect();
    assert!(names.len() > 100, "{}", names.len());
    names
}

/// Samples and corpora hold other people's words, of whatever form.
fn is_data(path: &str) -> bool {
    ["events/", "tests/data/", "shared/core/data/", "shared/aws/data/"]
        .iter()
        .any(|directory| path.starts_with(directory))
}

fn texts() -> Vec<(String, String)> {
    tracked()
        .into_iter()
        .filter(|path| !is_data(path))
        .filter_map(|path| Some((path.clone(), fs::read_to_string(root().join(&path)).ok()?)))
        .collect()
}

/// The homes of people, on any system. In two parts, so that this file does not hold what it looks for.
fn homes() -> Vec<String> {
    [("/ho", "me/"), ("/Us", "ers/"), ("/ro", "ot/"), ("C:\\Us", "ers"), ("/var/fol", "ders/")]
        .map(|(a, b)| format!("{a}{b}"))
        .into()
}

#[test]
fn no_path_of_a_machine_is_committed() {
    let here = root().display().to_string();
    let mut forbidden = homes();
    forbidden.push(here.clone());
    for (path, text) in texts() {
        for (number, line) in text.lines().enumerate() {
            let found =
                forbidden.iter().find(|f| line.match_indices(f.as_str()).any(|(at, _)| begins_a_path(&line[..at])));
            assert!(found.is_none(), "{path}:{}: {}", number + 1, line.trim());
        }
    }
    assert!(
        here.len() > 5
            && begins_a_path("see ")
            && begins_a_path("path = \"")
            && !begins_a_path("crates/")
            && !begins_a_path("https://x.example")
    );
}

/// Whether what follows is the beginning of a path and not the middle of one, or of an address.
fn begins_a_path(before: &str) -> bool {
    !before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || "/._-~}".contains(c))
}

/// The hosts of a text's addresses.
fn hosts(text: &str) -> impl Iterator<Item = &str> {
    let address = |rest: &'_ str| {
        rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c)).len()
    };
    text.match_indices("://").map(move |(at, _)| {
        let rest = &text[at + 3..];
        let host = &rest[..address(rest)];
        host.split(':').next().unwrap_or(host)
    })
}

/// Where locked packages come from: the public index and nowhere else.
#[test]
fn packages_come_from_the_public_registries() {
    for lock in ["Cargo.lock", "tests/fuzz/Cargo.lock"] {
        for package in packages(&read(lock)) {
            let public =
                package.source.as_deref().is_none_or(|s| s == "registry+https://github.com/rust-lang/crates.io-index");
            assert!(public, "{lock}: {} comes from {:?}", package.name, package.source);
        }
    }
    for (path, text) in texts() {
        let name = path.rsplit('/').next().unwrap();
        let says_where = name == "config.toml"
            || name == "pip.conf"
            || name == ".npmrc"
            || name.starts_with("requirements")
            || name.ends_with("Cargo.toml");
        if says_where {
            for word in [
                "index-url",
                "extra-index",
                "find-links",
                "trusted-host",
                "[source",
                "[registries",
                "replace-with",
                "registry =",
            ] {
                assert!(!text.contains(word), "{path} says {word}");
            }
        }
    }
}

/// An example, and the address at which clouds tell credentials: tests show that nobody can make us ask there.
const KNOWN_TO_ALL: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(169, 254, 169, 254)];

/// A host that only one network knows: a mirror, a proxy, a colleague's machine. Also in two parts.
#[test]
fn no_host_of_a_private_network_is_committed() {
    let words = [
        ("arti", "factory"),
        ("jf", "rog"),
        ("nexus", "-repo"),
        ("dev", "pi."),
        ("verda", "ccio"),
        (".cor", "p."),
        (".int", "ernal"),
        (".intra", "net"),
    ];
    for (path, text) in texts() {
        for (number, line) in text.lines().enumerate() {
            for host in hosts(line).map(str::to_lowercase) {
                let private = host
                    .parse::<Ipv4Addr>()
                    .is_ok_and(|ip| (ip.is_private() || ip.is_link_local()) && !KNOWN_TO_ALL.contains(&ip));
                let named = words.iter().any(|(a, b)| host.contains(&format!("{a}{b}")))
                    || host.ends_with(".local")
                    || host.ends_with(".lan");
                assert!(!private && !named, "{path}:{}: {host}", number + 1);
            }
        }
    }
}

#[test]
fn the_search_for_hosts_finds_them() {
    let line = "see https://a.example/x, http://127.0.0.1:8080/y and registry+https://mirror.example:443/index";
    assert_eq!(hosts(line).collect::<Vec<_>>(), ["a.example", "127.0.0.1", "mirror.example"]);
}
