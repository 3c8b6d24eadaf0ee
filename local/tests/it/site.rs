//! The shop's page: which files are served, with which headers, and which never are.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use frontdesk_local::{Site, SiteConfig};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::wire::{Reply, bytes, call, reply};

/// A folder of its own for a test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("site-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("root/frontdesk")).unwrap();
        let folder = Self(path);
        for (file, content) in [
            ("root/index.html", "<p>start</p>"),
            ("root/styles.css", "p{}"),
            ("root/frontdesk/api.js", "export {};"),
            ("root/frontdesk/notes.md", "not for everybody"),
            ("root/.hidden.js", "hidden"),
            ("root/noending", "x"),
            ("secret.js", "secret"),
        ] {
            std::fs::write(folder.0.join(file), content).unwrap();
        }
        std::os::unix::fs::symlink(folder.0.join("secret.js"), folder.0.join("root/link.js")).unwrap();
        folder
    }

    fn config(&self) -> SiteConfig {
        SiteConfig {
            root: self.0.join("root"),
            api: "http://127.0.0.1:8787/".to_owned(),
            upload_hosts: vec!["http://127.0.0.1:4566/bucket".to_owned()],
            image_hosts: vec!["http://127.0.0.1:8788".to_owned()],
        }
    }

    async fn serve(&self) -> Site {
        Site::start("127.0.0.1:0", self.config()).await.unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn get(addr: SocketAddr, path: &str) -> Reply {
    call(addr, "GET", path, &[], "").await
}

#[tokio::test]
async fn files_are_served_with_their_types_and_are_never_cached() {
    let folder = Folder::new("types");
    let site = folder.serve().await;
    for (path, content_type, content) in [
        ("/", "text/html; charset=utf-8", "<p>start</p>"),
        ("/?store=loc_sydney", "text/html; charset=utf-8", "<p>start</p>"),
        ("/index.html", "text/html; charset=utf-8", "<p>start</p>"),
        ("/styles.css", "text/css; charset=utf-8", "p{}"),
        ("/frontdesk/api.js", "text/javascript; charset=utf-8", "export {};"),
        ("/config.js", "text/javascript; charset=utf-8", "window.FRONTDESK={\"api\":\"http://127.0.0.1:8787\"};\n"),
    ] {
        let reply = get(site.addr(), path).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(content_type)), "{path}");
        assert_eq!(reply.body, content, "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
    }
    site.stop().await;
}

#[tokio::test]
async fn nothing_outside_hidden_or_of_another_type_is_served() {
    let folder = Folder::new("outside");
    let site = folder.serve().await;
    for path in [
        "/nothing.js",
        "/../secret.js",
        "/frontdesk/../../secret.js",
        "/%2e%2e/secret.js",
        "/..%2fsecret.js",
        "/frontdesk/..%5c..%5csecret.js",
        "//secret.js",
        "/./styles.css",
        "/link.js",
        "/.hidden.js",
        "/noending",
        "/frontdesk/notes.md",
        "/frontdesk",
        "/frontdesk/",
        "/styles.css/",
        "/frontdesk/api.js%00.css",
    ] {
        let reply = get(site.addr(), path).await;
        assert_eq!(reply.status, 404, "{path}: {}", reply.body);
        assert!(!reply.body.contains("secret") && !reply.body.contains("hidden"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
}

#[tokio::test]
async fn only_reading_is_possible() {
    let folder = Folder::new("reading");
    let site = folder.serve().await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let reply = call(site.addr(), method, "/", &[], "x").await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let head = String::from_utf8(bytes(site.addr(), "HEAD", "/", &[], b"").await).unwrap();
    let (head, body) = head.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-length: 12"), "{head}");
    assert_eq!(body, "");
}

#[tokio::test]
async fn the_page_may_talk_to_the_front_desk_and_to_its_uploads_and_to_nobody_else() {
    let folder = Folder::new("policy");
    let site = folder.serve().await;
    let page = get(site.addr(), "/").await;
    assert_eq!(
        page.header("content-security-policy"),
        Some(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: http://127.0.0.1:8788; \
             connect-src http://127.0.0.1:8787 http://127.0.0.1:4566; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        )
    );
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    assert_eq!(site.base_url(), format!("http://localhost:{}", site.addr().port()));
}

#[tokio::test]
async fn what_cannot_be_served_is_told_at_the_start() {
    let folder = Folder::new("start");
    let refused = async |change: fn(&mut SiteConfig)| {
        let mut config = folder.config();
        change(&mut config);
        Site::start("127.0.0.1:0", config).await.map(|_| ()).unwrap_err()
    };
    assert_eq!(refused(|config| config.root.push("frontdesk")).await.kind(), io::ErrorKind::NotFound);
    assert_eq!(refused(|config| config.root.push("nowhere")).await.kind(), io::ErrorKind::NotFound);
    for wrong in ["", "localhost:8787", "/api", "ftp://a.example", "http://a.example;script-src", "http://a@b.example"]
    {
        let mut config = folder.config();
        config.api = wrong.to_owned();
        let error = Site::start("127.0.0.1:0", config).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{wrong}");
    }
    let wrong_host = refused(|config| config.upload_hosts.push("http://*".to_owned())).await;
    assert_eq!(wrong_host.kind(), io::ErrorKind::InvalidInput);
}

/// What `make run` serves: the page names only files that are there, and nothing of somebody else's.
#[tokio::test]
async fn the_shops_page_has_all_that_it_asks_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../site");
    let config = SiteConfig { root, ..Folder::new("unused").config() };
    let site = Site::start("127.0.0.1:0", config).await.unwrap();
    let page = get(site.addr(), "/").await;
    assert_eq!(page.status, 200);
    let mut named = Vec::new();
    for start in ["src=\"", "href=\""] {
        named.extend(page.body.split(start).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
    named.retain(|name| !name.starts_with('#'));
    assert!(named.len() > 5, "{named:?}");
    let mut modules = vec!["/frontdesk/start.js".to_owned()];
    for path in named {
        assert!(path.starts_with('/'), "{path} is somebody else's");
        assert_eq!(get(site.addr(), &path).await.status, 200, "{path}");
    }
    let mut seen = Vec::new();
    while let Some(path) = modules.pop() {
        if seen.contains(&path) {
            continue;
        }
        let module = get(site.addr(), &path).await;
        assert_eq!(module.status, 200, "{path}");
        for name in module.body.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
            modules.push(format!("/frontdesk/{name}"));
        }
        // Whatever a server sends is shown as text.
        for never in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!module.body.contains(never), "{path} has {never}");
        }
        seen.push(path);
    }
    assert!(seen.len() > 8, "{seen:?}");
}

#[tokio::test]
async fn the_program_says_under_which_name_the_page_is_opened() {
    let folder = Folder::new("program");
    let root = folder.0.join("root");
    let mut child = Command::new(env!("CARGO_BIN_EXE_frontdesk-local"))
        .args(["serve", "--site", "127.0.0.1:0", "--api", "http://127.0.0.1:8787", "--site-root"])
        .arg(&root)
        .args(["--upload-host", "http://127.0.0.1:4566", "--upload-host", "https://uploads.example"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let port = line.strip_prefix("site        http://localhost:").and_then(|rest| rest.split(' ').next()).unwrap();
    let addr: SocketAddr = format!("127.0.0.1:{port}").parse().unwrap();
    let page = reply(&bytes(addr, "GET", "/", &[], b"").await);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("connect-src http://127.0.0.1:8787 http://127.0.0.1:4566 https://uploads.example;"));
}
