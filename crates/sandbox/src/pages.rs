//! The two pages that a person sees: plain, with two buttons.

/// Asks whether a client may sign in.
pub(crate) fn consent(client_id: &str, id: &str) -> String {
    let hidden = format!("<input type=\"hidden\" name=\"id\" value=\"{}\">", escaped(id));
    let text = format!("May {} sign in as you?", escaped(client_id));
    page(&text, &format!("<form method=\"post\" action=\"/oauth/authorize\">{hidden}{BUTTONS}</form>"))
}

/// Asks for a device's code.
pub(crate) fn device(user_code: &str) -> String {
    let code = escaped(user_code);
    let input = format!("<label>Code <input name=\"user_code\" value=\"{code}\" required></label>");
    let form = format!("<form method=\"post\" action=\"/oauth/device\">{input}{BUTTONS}</form>");
    page("May the device that shows this code sign in as you?", &form)
}

/// Says something.
pub(crate) fn said(text: &str) -> String {
    page(&escaped(text), "")
}

const BUTTONS: &str = "<p><button name=\"answer\" value=\"approve\">Sign in</button> \
    <button name=\"answer\" value=\"deny\">Refuse</button></p>";

fn page(text: &str, form: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>Sandbox</title><h1>Sandbox</h1><p>{text}</p>{form}</html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
