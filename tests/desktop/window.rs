//! The window, driven through WebKitWebDriver. It is the window that the product itself opened: a debug window of a
//! desktop made here listens for a driver, and the driver comes to it.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;
use tokio::net::TcpStream;

use super::Desktop;
use super::artefact;
use super::axe;
use super::deadline::{PATIENCE, eventually, succeeds_within};
use super::environment::Environment;
use super::process::{Outcome, Process};

/// The title of the product's window begins with this.
const TITLE: &str = "^Evertoken";

/// A port that nobody listens on, and that nobody is given before it is used: it lies below the range from which the system
/// gives them, and in a range that this process keeps from the other tests by holding the UDP port where it begins.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const RANGES: u16 = 240;
    /// More than a test needs.
    const IN_A_RANGE: u16 = 50;
    static RANGE: LazyLock<UdpSocket> = LazyLock::new(|| {
        let begins = (0..RANGES).map(|range| FIRST + range * IN_A_RANGE);
        begins.flat_map(|begin| UdpSocket::bind((Ipv4Addr::LOCALHOST, begin))).next().expect("a range of ports is free")
    });
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = RANGE.local_addr().unwrap().port();
    let mut ports = (0..IN_A_RANGE).map(|_| begin + NEXT.fetch_add(1, Ordering::Relaxed) % IN_A_RANGE);
    ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).expect("a port is free")
}

/// What makes a Tauri window accept a driver, and WebKit listen for one.
pub(crate) fn let_be_driven(environment: &mut Environment, port: u16) {
    environment.set("TAURI_AUTOMATION", "true");
    environment.set("TAURI_WEBVIEW_AUTOMATION", "true");
    environment.set("WEBKIT_INSPECTOR_SERVER", &format!("127.0.0.1:{port}"));
}

/// The open window of a desktop.
pub(crate) struct Window {
    client: Client,
    _driver: Process,
}

impl Window {
    /// Waits for a window on the screen and takes hold of it.
    pub(crate) async fn appears(desktop: &Desktop) -> Self {
        desktop.window_is_open().await;
        succeeds_within(PATIENCE, "the window takes a driver", async || Self::driven(desktop).await).await
    }

    /// A driver that was refused, or waits for too long, may hold the only session that there can be: the next try brings
    /// a driver of its own.
    async fn driven(desktop: &Desktop) -> Result<Self, String> {
        const A_TRY: Duration = Duration::from_secs(10);
        let port = free_port();
        let driver = Process::spawn(desktop.environment.command("WebKitWebDriver").args([
            format!("--port={port}"),
            "--host=127.0.0.1".to_owned(),
            format!("--target=127.0.0.1:{}", desktop.inspector),
        ]));
        eventually("the driver listens", async || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()).await;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(Capabilities::new());
        let address = format!("http://127.0.0.1:{port}");
        let session = tokio::time::timeout(A_TRY, builder.connect(&address)).await;
        let client = session.map_err(|elapsed| elapsed.to_string())?.map_err(|error| error.to_string())?;
        Ok(Self { client, _driver: driver })
    }

    /// Waits for an element of the page.
    pub(crate) async fn find(&self, selector: &str) -> Element {
        let wait = self.client.wait().at_most(PATIENCE).every(Duration::from_millis(20));
        match wait.for_element(Locator::Css(selector)).await {
            Ok(element) => element,
            Err(error) => panic!("{selector}: {error}; the page is: {}", self.page().await),
        }
    }

    /// Whether the page has such an element now.
    pub(crate) async fn has(&self, selector: &str) -> bool {
        let found = self.client.find_all(Locator::Css(selector)).await.unwrap();
        !found.is_empty()
    }

    /// Clicks an element once it is there. What lies behind "⋯", or in a part that opens, is opened first, as a person does.
    pub(crate) async fn click(&self, selector: &str) {
        self.reveal(selector).await;
        // What stands above it may still grow or go.
        let clicked = async || self.find(selector).await.click().await.ok();
        eventually(&format!("{selector} can be clicked"), clicked).await;
    }

    /// Opens what hides an element, and waits until it stays in its place: a caret that moved scrolls the page at its next
    /// frame only.
    async fn reveal(&self, selector: &str) {
        self.find(selector).await;
        let opener = format!(
            "(async () => {{ const found = document.querySelector({selector:?}); \
             found?.closest('[role=menu][hidden]')?.previousElementSibling.click(); \
             const part = found?.closest('details:not([open])'); if (part && !found.closest('summary')) part.open = true; \
             const place = () => JSON.stringify(found?.getBoundingClientRect()); \
             const frame = () => new Promise((done) => {{ requestAnimationFrame(done); setTimeout(done, 1000); }}); \
             for (let seen, tries = 0; seen !== place() && tries < 20; tries++) {{ \
             found?.scrollIntoView({{ block: 'center' }}); seen = place(); await frame(); await frame(); }} }})()"
        );
        self.run(&opener).await;
    }

    /// Types into an element once it is there.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        self.reveal(selector).await;
        self.find(selector).await.send_keys(text).await.unwrap();
    }

    /// The text of an element once it is there.
    pub(crate) async fn text(&self, selector: &str) -> String {
        self.find(selector).await.text().await.unwrap()
    }

    /// Waits until the text of an element fits.
    pub(crate) async fn text_until(&self, selector: &str, fits: impl Fn(&str) -> bool) -> String {
        eventually(&format!("{selector} shows what it should"), async || {
            // The page may draw itself anew between finding and reading.
            let element = self.client.find(Locator::Css(selector)).await.ok()?;
            let text = element.text().await.ok()?;
            fits(&text).then_some(text)
        })
        .await
    }

    /// Pastes a credential into the log-in that is open and sends it.
    pub(crate) async fn log_in(&self, credential: &str) {
        self.find(r#"textarea[name="credential"]"#).await;
        let text = Value::from(credential);
        let paste = format!(
            "(() => {{ const field = document.querySelector('textarea[name=\"credential\"]'); field.value = {text}; \
             return field.dispatchEvent(new InputEvent('input', {{ bubbles: true, inputType: 'insertFromPaste' }})); }})()"
        );
        assert_eq!(self.run(&paste).await, Value::Bool(true), "the field takes a credential");
        self.click(r#"[data-action="login"]"#).await;
    }

    /// Says in the log-in that is open that the token belongs to this endpoint.
    pub(crate) async fn choose_endpoint(&self, endpoint: &str) {
        self.click(r#"input[name="preset"][value="custom"]"#).await;
        self.type_into(r#"input[name="endpoint"]"#, endpoint).await;
    }

    /// Says yes to the question that the page asks.
    pub(crate) async fn confirm(&self) {
        self.click(r#"[data-view="question"] [data-action="confirm"]"#).await;
    }

    /// Everything the page holds: its markup, what was typed, and what it stored.
    pub(crate) async fn page(&self) -> String {
        let source = self.client.source().await.unwrap();
        let script = "return JSON.stringify([\
            [...document.querySelectorAll('input, textarea')].map(field => field.value), \
            {...localStorage}, {...sessionStorage}, document.cookie, location.href])";
        let rest = self.client.execute(script, Vec::new()).await.unwrap();
        format!("{source}\n{rest}")
    }

    /// Runs a script in the page and waits for what its promise, if it is one, comes to. The driver brings the script:
    /// the page's own content security policy lets no other in.
    pub(crate) async fn run(&self, expression: &str) -> Value {
        // The driver stumbles over `undefined`.
        let script = format!(
            "const done = arguments[arguments.length - 1]; \
             Promise.resolve().then(() => {expression}).then((value) => done(value ?? null), (error) => done(`failed: ${{error}}`));"
        );
        self.client.execute_async(&script, Vec::new()).await.unwrap()
    }

    /// Waits until an expression is true in the page.
    pub(crate) async fn until(&self, expression: &str) {
        eventually(expression, async || (self.run(expression).await == Value::Bool(true)).then_some(())).await;
    }

    /// Presses keys as a person does, wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|value| [KeyAction::Down { value }, KeyAction::Up { value }]);
        let typed = strokes.fold(KeyActions::new("keyboard".to_owned()), InputSource::then);
        self.client.perform_actions(typed).await.unwrap();
    }

    /// Makes the page's part of the window this large, in CSS pixels.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        self.client.set_window_size(width, height).await.unwrap();
        self.until(&format!("Math.abs(innerWidth - {width}) <= 2")).await;
    }

    /// Shows the window light or dark, as the settings do.
    pub(crate) async fn show_theme(&self, theme: &str) {
        self.run(&format!("window.__TAURI__.core.invoke('show_theme', {{ theme: '{theme}' }})")).await;
        self.until(&format!("matchMedia('(prefers-color-scheme: {theme})').matches")).await;
    }

    /// Panics with what axe-core finds that keeps people out.
    pub(crate) async fn is_accessible(&self, state: &str) {
        self.holds_before_axe(state, "{ resultTypes: ['violations'] }").await;
    }

    /// Panics with contrasts that are too low: what else axe-core looks at is the same in every theme.
    pub(crate) async fn has_contrast(&self, state: &str) {
        self.holds_before_axe(state, "{ resultTypes: ['violations'], runOnly: ['color-contrast'] }").await;
    }

    /// The same with the contrast of 7 to 1 that people get who ask for more (WCAG 2.2, 1.4.6).
    pub(crate) async fn has_high_contrast(&self, state: &str) {
        let enhanced = "{ resultTypes: ['violations'], runOnly: ['color-contrast', 'color-contrast-enhanced'], \
                        rules: { 'color-contrast-enhanced': { enabled: true } } }";
        self.holds_before_axe(state, enhanced).await;
    }

    async fn holds_before_axe(&self, state: &str, options: &str) {
        let Some(axe) = axe::source() else { return };
        if self.run("Boolean(window.axe)").await == Value::Bool(false) {
            self.client.execute(axe, Vec::new()).await.unwrap();
        }
        let violations = self
            .run(&format!(
                "window.axe.run(document, {options}).then((result) => result.violations.map( \
                 (one) => `${{one.id}}: ${{one.help}}; ` + one.nodes.map( \
                 (node) => `${{node.html}} (${{node.failureSummary}})`).join('; ')))"
            ))
            .await;
        assert_eq!(violations, Value::Array(Vec::new()), "{state}: {violations:#}");
    }

    /// Keeps a picture of the page once its images are there and nothing fades in or out any more.
    pub(crate) async fn picture(&self, name: &str) {
        let script = "return [...document.images].filter(image => !image.complete).length \
            + document.getAnimations().filter(one => one.playState === 'running' \
            && one.effect.getComputedTiming().iterations !== Infinity).length";
        eventually("the page comes to rest", async || {
            let moving = self.client.execute(script, Vec::new()).await.unwrap();
            (moving == 0).then_some(())
        })
        .await;
        // What was changed last is on the screen after the next frame.
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))").await;
        artefact::keep(name, &self.client.screenshot().await.unwrap());
    }
}

impl Desktop {
    /// The X windows of the product that a person sees now.
    pub(crate) async fn windows(&self) -> Vec<String> {
        if self.is_sway() {
            return self.windows_of_sway().await;
        }
        eventually("xdotool looks at the windows", async || {
            let mut command = self.environment.command("xdotool");
            command.args(["search", "--onlyvisible", "--name", TITLE]);
            let found = Outcome::of(command, b"").await;
            // It stumbles over any window, of any program, that goes while it looks.
            found.stderr.is_empty().then(|| found.stdout.lines().map(str::to_owned).collect())
        })
        .await
    }

    /// Waits until a window is on the screen.
    pub(crate) async fn window_is_open(&self) {
        eventually("a window is on the screen", async || (!self.windows().await.is_empty()).then_some(())).await;
    }

    /// A person closes every window, as the window manager does it.
    pub(crate) async fn close_windows(&self) {
        if self.is_sway() {
            self.close_windows_of_sway().await;
        } else {
            self.close_windows_of_x11().await;
        }
        eventually("no window is on the screen", async || self.windows().await.is_empty().then_some(())).await;
    }

    async fn close_windows_of_x11(&self) {
        for id in self.windows().await {
            for arguments in [["windowactivate", "--sync", &id].as_slice(), &["key", "alt+F4"]] {
                let mut command = self.environment.command("xdotool");
                command.args(arguments);
                Outcome::of(command, b"").await.succeeded();
            }
        }
    }
}
