//! The Unix socket, where nothing has to be shown.

use std::os::unix::fs::FileTypeExt;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::desktop::{Outcome, Process, Scene, Upstream};

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_of_this_user_needs_no_token() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let upstream = Upstream::start().await;
    let path = scene.desktop.environment.path("run/made/vault.sock");
    let mut command =
        scene.desktop.command(&format!("proxy --json --allow {} --listen unix:{}", upstream.origin(), path.display()));
    let (mut process, said) = Process::spawn_until_line(&mut command, |line| serde_json::from_str::<Value>(line).ok());
    assert_eq!(said, json!({ "socket": path }));
    assert_eq!(
        (scene.desktop.environment.mode("run/made"), scene.desktop.environment.mode("run/made/vault.sock")),
        (0o700, 0o600)
    );

    let ask = async |host: &str| {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        let request = format!("GET /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(ask("localhost").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(upstream.take_one().token(), scene.desktop.token().await);
    assert!(ask("evil.example").await.starts_with("HTTP/1.1 403 "));

    for folder in ["", "run", "run/made", "run/made/vault.sock"] {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(scene.desktop.environment.path(folder), open).unwrap();
    }
    let mut nobody = scene.desktop.environment.command("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups", "curl", "--silent", "--unix-socket"]);
    let refused = Outcome::of(
        {
            nobody.arg(&path).arg("http://localhost/x").current_dir("/");
            nobody
        },
        b"",
    )
    .await;
    // Where this process may not become another user, `setpriv` says so.
    assert!(refused.code != 0 && refused.stdout.is_empty(), "another user behind an open door: {refused:?}");
    assert!(upstream.received().is_empty());

    let second = format!("proxy --allow {} --listen unix:{}", upstream.origin(), path.display());
    assert!(scene.desktop.evertoken(&second).await.failed(1).contains("another program listens there"));
    assert!(std::fs::metadata(&path).unwrap().file_type().is_socket());
    assert_eq!(process.terminate().await.code(), Some(0));
    assert!(!path.exists());
}
