// The field for a refresh token: pasted, dropped, or from a file; recognised by the program, and never shown.

import { recognised } from "./agent.js";
import { field, input, write } from "./page.js";

/** In bytes. Nothing that is longer can be a credential. */
const LONGEST_FILE = 64 * 1024;

/** Says what was pasted, and takes a file that is chosen or dropped on the form for what is in it. @param {HTMLFormElement} form */
export function takeCredentials(form) {
  const credential = input(form, "credential");
  const said = field(form, "recognised");
  const file = input(form, "file");
  const recognise = async () => {
    const { usable, words } = await recognised(credential.value);
    write(said, words);
    said.classList.toggle("unusable", !usable);
  };
  /** @param {DataTransfer | HTMLInputElement | null} source */
  const take = async (source) => {
    const given = source?.files?.[0];
    if (given === undefined) return;
    // One letter more than can be used is enough to be told so.
    credential.value = (await given.slice(0, LONGEST_FILE + 1).text()).trim();
    await recognise();
    credential.focus();
  };
  credential.addEventListener("input", () => void recognise());
  file.addEventListener("change", () => void take(file).then(() => (file.value = "")));
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("takes");
  });
  form.addEventListener("dragleave", () => form.classList.remove("takes"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("takes");
    const text = event.dataTransfer?.files.length ? "" : (event.dataTransfer?.getData("text/plain") ?? "");
    if (text === "") return void take(event.dataTransfer);
    credential.value = text;
    void recognise();
  });
}

/** From here on the page does not hold the credential any more. @param {HTMLFormElement} form @returns {string} what it was */
export function forgetCredential(form) {
  const credential = input(form, "credential");
  const given = credential.value;
  credential.value = "";
  write(field(form, "recognised"), "");
  credential.focus();
  return given;
}
