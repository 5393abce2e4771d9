// The commands and events of the program around this page: all that the page can do. No answer contains a token.

/** @import { Place, SettingsForm, Start, View } from "./types" */

const { invoke } = window.__TAURI__.core;
const { listen } = window.__TAURI__.event;

/** @returns {Promise<Start>} */
export const start = () => invoke("start");

/**
 * @param {string} account
 * @param {string} credential
 * @param {Place | null} place null: the account refreshes as before
 * @returns {Promise<void>}
 */
export const logIn = (account, credential, place) => invoke("log_in", { account, credential, place });

/** @param {string} account @returns {Promise<void>} */
export const trySandbox = (account) => invoke("try_sandbox", { account });

/** @param {string} account @returns {Promise<string>} */
export const copy = (account) => invoke("copy", { account });

/** @param {string} account @returns {Promise<string>} */
export const refresh = (account) => invoke("refresh", { account });

/** @param {string} account @returns {Promise<void>} */
export const logOut = (account) => invoke("log_out", { account });

/** @param {string} account @returns {Promise<void>} */
export const remove = (account) => invoke("remove", { account });

/** @returns {Promise<SettingsForm>} */
export const settings = () => invoke("settings");

/** @param {SettingsForm} form @returns {Promise<void>} */
export const changeSettings = (form) => invoke("change_settings", { form });

/** @param {string[]} accounts @returns {Promise<void>} */
export const rememberDetails = (accounts) => invoke("remember_details", { accounts });

/** @returns {Promise<void>} */
export const startAgent = () => invoke("start_agent");

/** @param {(view: View) => void} show */
export const onView = (show) => listen("view", (event) => show(event.payload));

/** @param {(account: string | null) => void} open */
export const onLogin = (open) => listen("login", (event) => open(event.payload));
