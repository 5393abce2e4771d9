//! The person's browser: what `xdg-open` was given, and requests as a browser sends them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use reqwest::header::{HeaderMap, LOCATION};

use super::Desktop;
use super::deadline::{PATIENCE, eventually};

/// A browser that follows nothing by itself.
pub(crate) struct Browser {
    http: reqwest::Client,
}

/// A page as it came.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Page {
    /// Where the browser is sent.
    #[track_caller]
    pub(crate) fn location(&self) -> &str {
        let location =
            self.headers.get(LOCATION).unwrap_or_else(|| panic!("no redirect: {} {}", self.status, self.html));
        location.to_str().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Desktop {
    /// Puts an `xdg-open` on the PATH that writes down what it is given, for every program started from now on.
    pub(crate) fn install_browser(&mut self) {
        let folder = self.environment.path("bin");
        fs::create_dir_all(&folder).unwrap();
        let opened = self.environment.path("opened");
        let script = folder.join("xdg-open");
        fs::write(&script, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >> '{}'\n", opened.display())).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", folder.display(), self.environment.get("PATH").unwrap_or_default());
        self.environment.set("PATH", &path);
        // Where no browser can be shown, none is opened.
        if self.environment.get("DISPLAY").is_none() {
            self.environment.set("WAYLAND_DISPLAY", "evertoken-test-none");
        }
    }

    /// What was opened last, once there is something.
    pub(crate) async fn opened(&self) -> String {
        let path = self.environment.path("opened");
        eventually("a browser is opened", async || {
            let text = fs::read_to_string(&path).ok()?;
            let last = text.strip_suffix('\n')?.lines().last().map(str::to_owned);
            let _ = fs::remove_file(&path);
            last
        })
        .await
    }
}

impl Browser {
    pub(crate) fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { http: http.timeout(PATIENCE).build().unwrap() }
    }

    pub(crate) async fn get(&self, url: &str) -> Page {
        self.get_with(url, &[]).await.unwrap()
    }

    /// With these headers; `None`: nobody listens.
    pub(crate) async fn get_with(&self, url: &str, headers: &[(&str, &str)]) -> Option<Page> {
        let request = headers.iter().fold(self.http.get(url), |request, (name, value)| request.header(*name, *value));
        Some(page(request.send().await.ok()?).await)
    }

    /// Presses a button.
    pub(crate) async fn post(&self, url: &str, form: &str) -> Page {
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded");
        page(request.body(form.to_owned()).send().await.unwrap()).await
    }
}

async fn page(response: reqwest::Response) -> Page {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Page { status, headers, html: response.text().await.unwrap() }
}
