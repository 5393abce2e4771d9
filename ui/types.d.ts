// Written by the tests of evertoken-desktop from the types in Rust. Do not edit.

export type State = "valid" | "refreshing" | "retrying" | "expired" | "login-soon" | "login-required" | "keychain-unavailable" | "signed-out" | "server-changed";

export type View = { "kind": "connecting" } | { "kind": "agent-unavailable" } & Trouble | { "kind": "first-run" } | { "kind": "accounts", 
/**
 * The cards, in the person's order.
 */
cards: Array<Card>, };

export type Trouble = { 
/**
 * What happened and what it means for the login.
 */
detail: string, 
/**
 * What to do.
 */
advice: string, 
/**
 * The login of another user that may take the account's place, if a person says so.
 */
waiting_login: string | null, };

export type Card = { 
/**
 * The account's name.
 */
name: string, 
/**
 * Is it the one that is meant when no account is named?
 */
default: boolean, 
/**
 * The state's stable name.
 */
state: State, 
/**
 * The name of the state's picture.
 */
picture: string, 
/**
 * The state in two or three words.
 */
state_words: string, 
/**
 * The whole card in a line: "valid, 23 h 12 min left".
 */
line: string, 
/**
 * What the state means for the person, in a sentence.
 */
headline: string, 
/**
 * How long the access token still lasts: "23 h 12 min", or one word when there is none.
 */
expires_in: string, 
/**
 * When it ends: "left, until 14:32".
 */
end: string, 
/**
 * When it is refreshed: "next refresh 02:00".
 */
next_refresh: string, 
/**
 * Why it does not go well; empty while it does.
 */
message: string, 
/**
 * What the access token may do: "17 scopes".
 */
scope_count: string, 
/**
 * What the access token may do, one entry a scope.
 */
scope: Array<string>, 
/**
 * The user that the endpoint says the login belongs to; empty when it did not say.
 */
user_id: string, 
/**
 * The server where its tokens are refreshed.
 */
host: string, 
/**
 * The whole address there.
 */
endpoint: string, 
/**
 * The part of the access token's life that is left, 0 to 1.
 */
life_left: number, 
/**
 * The part that will be left at the next refresh, 0 to 1; `None` when none is planned before the end.
 */
life_left_at_refresh: number | null, 
/**
 * What can be done, in the order of the page.
 */
buttons: Array<Button>, 
/**
 * The log-in's heading.
 */
login_title: string, 
/**
 * How a person can log in, other than with a refresh token.
 */
sign_in: Array<SignInMethod>, 
/**
 * What is asked before the tokens are forgotten, or the account is.
 */
farewell: string, 
/**
 * What a screen reader says when the state has changed.
 */
announcement: string, };

export type Button = { 
/**
 * What it does.
 */
action: ButtonAction, 
/**
 * Its text.
 */
label: string, 
/**
 * Can it be pressed now?
 */
enabled: boolean, 
/**
 * Is it the one that helps most?
 */
primary: boolean, };

export type ButtonAction = "copy" | "refresh" | "login-again" | "logout" | "remove";

export type SignInMethod = "browser" | "device" | "command";

export type Waiting = { 
/**
 * What to do, in a sentence.
 */
words: string, 
/**
 * The code to enter; empty where there is none.
 */
code: string, 
/**
 * What the address is for, in a sentence; empty where there is none.
 */
address_words: string, 
/**
 * The address to open; empty where there is none.
 */
address: string, 
/**
 * The server's address for a browser on another machine; empty where there is none.
 */
elsewhere: string, 
/**
 * Until when: "Waiting until 14:32."
 */
until: string, };

export type Start = { view: View, 
/**
 * What the window was opened for.
 */
wanted: Arguments, 
/**
 * The account that was open in the list.
 */
open: string | null, };

export type Arguments = { 
/**
 * The account that is meant; none: the default one.
 */
account: string | null, opens: Opens, };

export type Opens = "card" | "login" | "history";

export type About = { version: string, agent: string, diagnostics: string, };

export type History = { 
/**
 * The heading.
 */
title: string, 
/**
 * How far back it goes.
 */
span: HistorySpan, 
/**
 * What happened, in a sentence.
 */
summary: string, 
/**
 * The lines of the picture's clock, from left to right.
 */
ticks: Array<Tick>, 
/**
 * What happened, oldest first.
 */
items: Array<Item>, };

export type HistorySpan = "hour" | "day" | "week";

export type Tick = { 
/**
 * "Mon", or "14:00".
 */
label: string, 
/**
 * Its place, in percent of the picture's width.
 */
left: number, };

export type Item = { 
/**
 * What kind of thing.
 */
kind: ItemKind, 
/**
 * Where it begins, in percent of the picture's width.
 */
left: number, 
/**
 * How long it lasts, in percent; 0 for a moment.
 */
width: number, 
/**
 * When: "21 Nov, 02:00", or "02:00 to 02:40".
 */
time: string, 
/**
 * The heading that it stands below in the table: "Today", "Sunday, 22 November".
 */
day: string, 
/**
 * When, below that heading: "02:00 to 02:40".
 */
clock: string, 
/**
 * What, in two or three words.
 */
what: string, 
/**
 * Why, or what came of it, in a sentence; may be empty.
 */
why: string, 
/**
 * The endpoint's own ids of its answers, for its support.
 */
trace_ids: Array<string>, };

export type ItemKind = "refreshed" | "logged-in" | "offline" | "failing" | "refused" | "keychain" | "logged-out" | "asleep";

export type Recognised = { 
/**
 * Can a log-in be tried with it?
 */
usable: boolean, 
/**
 * What it is, in a sentence; empty for nothing.
 */
words: string, };

export type Step = "up" | "down";

export type AccountForm = { 
/**
 * Its name.
 */
name: string, 
/**
 * Is it the one that is meant when none is named? Cannot be unset, only given to another.
 */
default: boolean, 
/**
 * Where its tokens come from.
 */
place: Place, };

export type FieldTroubles = { account: string, issuer: string, parameters: string, endpoint: string, headers: string, };

export type Place = { preset: PresetChoice, 
/**
 * For a custom endpoint.
 */
endpoint: string, 
/**
 * For a custom endpoint.
 */
encoding: EncodingChoice, 
/**
 * For a custom endpoint and for an issuer; may be empty.
 */
client_id: string, 
/**
 * For a custom endpoint: `Name: value`, one a line.
 */
headers: string, 
/**
 * For a server that is known by its issuer.
 */
issuer: string, 
/**
 * For a server that is known by its issuer: `name=value`, one a line.
 */
parameters: string, };

export type PresetChoice = "production" | "sandbox" | "issuer" | "custom";

export type EncodingChoice = "json" | "form";

export type SettingsForm = { 
/**
 * Light or dark.
 */
theme: ThemeChoice, 
/**
 * As people type it: `45s`.
 */
clear_clipboard_after: string, notify_login: boolean, notify_not_renewed: boolean, notify_keychain: boolean, notify_approval: boolean, notify_copied: boolean, paste_once: boolean, symbolic_tray_icon: boolean, refresh: RefreshChoice, start_at_login: boolean, };

export type SettingsTroubles = { "clear-clipboard-after": string, };

export type RefreshChoice = "early" | "usual" | "late";

export type ThemeChoice = "system" | "light" | "dark";
