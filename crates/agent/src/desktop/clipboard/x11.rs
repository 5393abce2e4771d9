//! The clipboard of an X server, owned by us: clipboard histories that keep everything get nothing.
//!
//! They ask for each new content, as a program does into which somebody pastes. So the process behind the window that
//! asks is looked at (X-Resource extension 1.2). A history is told that there is no text, and not that there is nothing:
//! some would bring back what was there before (Inter-Client Communication Conventions Manual 2.0, section 2).

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evertoken_core::account::approval::Program;
use evertoken_core::oauth::token::AccessToken;
use evertoken_core::present::clipboard_histories::history;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::res::{ClientIdMask, ClientIdSpec, ConnectionExt as _};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, PropMode,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Timestamp, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::system::peer;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

x11rb::atom_manager! {
    Atoms: AtomsCookie {
        CLIPBOARD,
        TARGETS,
        TIMESTAMP,
        UTF8_STRING,
        TEXT,
        PLAIN: b"text/plain",
        PLAIN_UTF8: b"text/plain;charset=utf-8",
        HINT: b"x-kde-passwordManagerHint",
        EVERTOKEN_TIME,
    }
}

/// The token on the clipboard, until somebody else takes it or this goes.
pub(super) struct Selection(Arc<Owner>);

struct Owner {
    connection: RustConnection,
    window: Window,
    atoms: Atoms,
    /// When it was taken, by the server's clock.
    since: Timestamp,
    held: Mutex<Option<AccessToken>>,
    /// Is it given up after it was pasted?
    once: bool,
}

/// Does the thread that answers go on?
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

impl Selection {
    /// Takes the clipboard.
    pub(super) fn take(token: AccessToken, once: bool) -> Outcome<Self> {
        let (connection, screen) = x11rb::connect(None)?;
        let root = connection.setup().roots.get(screen).ok_or("there is no screen")?.root;
        let window = connection.generate_id()?;
        let listening = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        connection.create_window(0, window, root, 0, 0, 1, 1, 0, WindowClass::INPUT_OUTPUT, 0, &listening)?;
        let atoms = Atoms::new(&connection)?.reply()?;
        // Without this the server does not tell processes.
        connection.res_query_version(1, 2)?.reply()?;
        // The server's time is learnt from a change of ours.
        connection.change_property8(PropMode::APPEND, window, atoms.EVERTOKEN_TIME, AtomEnum::STRING, &[])?;
        connection.flush()?;
        let since = loop {
            if let Event::PropertyNotify(event) = connection.wait_for_event()? {
                break event.time;
            }
        };
        connection.set_selection_owner(window, atoms.CLIPBOARD, since)?;
        if connection.get_selection_owner(atoms.CLIPBOARD)?.reply()?.owner != window {
            return Err("another program took the clipboard".into());
        }
        let owner = Arc::new(Owner { connection, window, atoms, since, held: Mutex::new(Some(token)), once });
        let answering = Arc::clone(&owner);
        std::thread::Builder::new().name("clipboard-x11".to_owned()).spawn(move || {
            while answering.answer_next().unwrap_or(Next::End) == Next::GoOn {}
            // Nobody waits for an answer that does not come. What another program took since is not touched.
            drop(answering.give_up());
        })?;
        Ok(Self(owner))
    }
}

impl Selection {
    /// Lets go of what a later copy has taken over.
    pub(super) fn taken_over(&self) {
        self.0.held().take();
    }
}

impl Drop for Selection {
    fn drop(&mut self) {
        if let Err(error) = self.0.give_up().and_then(|()| self.0.wake()) {
            tracing::debug!(%error, "the clipboard's own words");
        }
    }
}

impl Owner {
    fn held(&self) -> MutexGuard<'_, Option<AccessToken>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves the clipboard empty if it is still ours.
    fn give_up(&self) -> Outcome<()> {
        if self.held().take().is_some() {
            self.connection.set_selection_owner(x11rb::NONE, self.atoms.CLIPBOARD, self.since)?;
            self.connection.flush()?;
        }
        Ok(())
    }

    /// Ends the thread that answers, which waits for an event.
    fn wake(&self) -> Outcome<()> {
        let end = ClientMessageEvent::new(8, self.window, self.atoms.EVERTOKEN_TIME, [0; 20]);
        self.connection.send_event(false, self.window, EventMask::NO_EVENT, end)?;
        Ok(self.connection.flush()?)
    }

    fn answer_next(&self) -> Outcome<Next> {
        let event = self.connection.wait_for_event()?;
        if let Event::SelectionRequest(request) = &event {
            return self.answer(request);
        }
        if let Event::SelectionClear(_) = event {
            // Another's now, who may have taken it in the same millisecond: giving it up would take it away from them.
            self.held().take();
            return Ok(Next::End);
        }
        Ok(if matches!(event, Event::ClientMessage(_)) { Next::End } else { Next::GoOn })
    }

    fn answer(&self, request: &SelectionRequestEvent) -> Outcome<Next> {
        // The window may be gone by now.
        let property = self.write(request).unwrap_or(None);
        let event = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: property.unwrap_or(x11rb::NONE),
        };
        self.connection.send_event(false, request.requestor, EventMask::NO_EVENT, event)?;
        self.connection.flush()?;
        if self.once && property.is_some() && self.is_text(request.target) {
            self.give_up()?;
            return Ok(Next::End);
        }
        Ok(Next::GoOn)
    }

    /// Writes what is asked for to where it is asked for; `None`: nothing.
    fn write(&self, request: &SelectionRequestEvent) -> Outcome<Option<Atom>> {
        let Some(token) = self.held().clone() else { return Ok(None) };
        let Atoms { TARGETS, TIMESTAMP, UTF8_STRING, TEXT, PLAIN, PLAIN_UTF8, HINT, .. } = self.atoms;
        let program = self.program(request.requestor);
        let is_history = program.is_some_and(|program| history(program.as_str()).is_some());
        let place = if request.property == x11rb::NONE { request.target } else { request.property };
        let (connection, window) = (&self.connection, request.requestor);
        let bytes =
            |kind: Atom, bytes: &[u8]| connection.change_property8(PropMode::REPLACE, window, place, kind, bytes);
        match request.target {
            target if target == TARGETS => {
                let text = [UTF8_STRING, TEXT, AtomEnum::STRING.into(), PLAIN, PLAIN_UTF8];
                let text = if is_history { &[][..] } else { &text };
                let targets = [&[TARGETS, TIMESTAMP, HINT], text].concat();
                connection.change_property32(PropMode::REPLACE, window, place, AtomEnum::ATOM, &targets)?.check()?;
            }
            target if target == TIMESTAMP => {
                let since = [self.since];
                connection.change_property32(PropMode::REPLACE, window, place, AtomEnum::INTEGER, &since)?.check()?;
            }
            target if target == HINT => bytes(HINT, b"secret")?.check()?,
            target if self.is_text(target) && !is_history => {
                bytes(if target == TEXT { UTF8_STRING } else { target }, token.expose().as_bytes())?.check()?;
            }
            _ => return Ok(None),
        }
        Ok(Some(place))
    }

    fn is_text(&self, target: Atom) -> bool {
        let Atoms { UTF8_STRING, TEXT, PLAIN, PLAIN_UTF8, .. } = self.atoms;
        [UTF8_STRING, TEXT, PLAIN, PLAIN_UTF8, AtomEnum::STRING.into()].contains(&target)
    }

    /// The program behind a window; `None` when the server does not tell, or it runs on another machine.
    fn program(&self, window: Window) -> Option<Program> {
        let wanted = [ClientIdSpec { client: window, mask: ClientIdMask::LOCAL_CLIENT_PID }];
        let ids = self.connection.res_query_client_ids(&wanted).ok()?.reply().ok()?.ids;
        let told = ids.iter().find(|id| id.spec.mask == ClientIdMask::LOCAL_CLIENT_PID)?;
        peer::program(*told.value.first()?)
    }
}
