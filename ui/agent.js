// The commands and events of the program around this page: all that the page can do. No answer contains a token.

/** @import { About, AccountForm, Arguments, FieldTroubles, History, HistorySpan, Place } from "./types" */
/** @import { Recognised, SettingsForm, SettingsTroubles, SignInMethod, Start, Step, ThemeChoice, View, Waiting } from "./types" */

const { Channel, invoke } = window.__TAURI__.core;
const { listen } = window.__TAURI__.event;

/** @returns {Promise<Start>} */
export const start = () => invoke("start");

/** What a pasted text is. @param {string} credential @returns {Promise<Recognised>} */
export const recognised = (credential) => invoke("recognised", { credential });

/** What is wrong with what was typed. @param {string} account @param {Place} place @returns {Promise<FieldTroubles>} */
export const check = (account, place) => invoke("check", { account, place });

/**
 * @param {string} account
 * @param {string} credential
 * @param {Place | null} place null: the account refreshes as before
 * @param {string | null} endpoint the one that the account was shown with; null: a new account
 * @returns {Promise<void>}
 */
export const logIn = (account, credential, place, endpoint) => invoke("log_in", { account, credential, place, endpoint });

/**
 * Signs in at the account's server, and shows what a person has to do meanwhile.
 * @param {string} account
 * @param {SignInMethod} way
 * @param {Place | null} place null: the account refreshes as before
 * @param {string | null} endpoint the one that the account was shown with; null: a new account
 * @param {(waiting: Waiting) => void} show
 * @returns {Promise<boolean>} false: it was given up
 */
export function signIn(account, way, place, endpoint, show) {
  const page = new Channel();
  page.onmessage = show;
  return invoke("sign_in", { account, way, place, endpoint, page });
}

/** Gives up the sign-in under way, if there is one. @returns {Promise<void>} */
export const endSignIn = () => invoke("end_sign_in");

/** @param {string} account @param {string} url where a browser on another machine ended @returns {Promise<void>} */
export const bringCallback = (account, url) => invoke("bring_callback", { account, url });

/** Lets the login of another user that waits take the account's place. @param {string} account @param {string} login @returns {Promise<void>} */
export const replaceUser = (account, login) => invoke("replace_user", { account, login });

/** @param {string} account @returns {Promise<void>} */
export const trySandbox = (account) => invoke("try_sandbox", { account });

/** What is said after a log-in. @param {string} account @param {boolean} isNew @returns {Promise<string>} */
export const loggedIn = (account, isNew) => invoke("logged_in", { account, isNew });

/** @param {string} account @returns {Promise<string>} */
export const copy = (account) => invoke("copy", { account });

/** @param {string} account @returns {Promise<string>} */
export const refresh = (account) => invoke("refresh", { account });

/** @param {string} account @returns {Promise<void>} */
export const logOut = (account) => invoke("log_out", { account });

/** @param {string} account @returns {Promise<void>} */
export const remove = (account) => invoke("remove", { account });

/** @param {string} account @param {HistorySpan | null} span null: what fits @returns {Promise<History>} */
export const history = (account, span) => invoke("history", { account, span });

/** @param {string} account @returns {Promise<AccountForm>} */
export const account = (account) => invoke("account", { account });

/** @param {string} account @param {AccountForm} form @returns {Promise<void>} */
export const changeAccount = (account, form) => invoke("change_account", { account, form });

/** Moves an account by one place. @param {string} account @param {Step} step @returns {Promise<string>} */
export const moveAccount = (account, step) => invoke("move_account", { account, step });

/** What runs here, and a text for those who help. @returns {Promise<About>} */
export const about = () => invoke("about");

/** @returns {Promise<SettingsForm>} */
export const settings = () => invoke("settings");

/** What is wrong with what was typed. @param {SettingsForm} form @returns {Promise<SettingsTroubles>} */
export const checkSettings = (form) => invoke("check_settings", { form });

/** Saves what differs from what the dialog was opened with. @param {SettingsForm} form @param {SettingsForm} opened @returns {Promise<void>} */
export const changeSettings = (form, opened) => invoke("change_settings", { form, opened });

/** Shows the window so until it is told otherwise. @param {ThemeChoice} theme @returns {Promise<void>} */
export const showTheme = (theme) => invoke("show_theme", { theme });

/** @param {string | null} account @returns {Promise<void>} */
export const rememberOpen = (account) => invoke("remember_open", { account });

/** @returns {Promise<void>} */
export const startAgent = () => invoke("start_agent");

/** @param {(view: View) => void} show */
export const onView = (show) => listen("view", (event) => show(event.payload));

/** @param {(wanted: Arguments) => void} open */
export const onOpen = (open) => listen("open", (event) => open(event.payload));
