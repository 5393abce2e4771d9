// An account's name, whether it is the default, and where its tokens come from.

import { account as ask, changeAccount } from "./agent.js";
import { openWhenLoaded } from "./dialog.js";
import { button, field, fromTemplate, input, part, write } from "./page.js";
import { fillPlace, isRight, placeFields, readPlace } from "./place-fields.js";
import { attempt, showTrouble } from "./trouble.js";

/** @param {string} account */
export async function openAccount(account) {
  const dialog = /** @type {HTMLDialogElement} */ (fromTemplate("account-dialog"));
  const form = /** @type {HTMLFormElement} */ (part(dialog, "form"));
  const save = button(dialog, "save");
  const trouble = field(dialog, "trouble");
  write(field(dialog, "title"), `Account ${account}`);
  placeFields(form);
  button(dialog, "cancel").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(save, trouble, async () => {
      if (!(await isRight(form, true))) return;
      const [name, isDefault] = [input(form, "account").value.trim(), input(form, "default").checked];
      await changeAccount(account, { name, default: isDefault, place: readPlace(form) });
      dialog.close();
    });
  });
  const load = async () => {
    try {
      const now = await ask(account);
      input(form, "account").value = now.name;
      input(form, "default").checked = now.default;
      // A default is given to another account, not taken away.
      input(form, "default").disabled = now.default;
      fillPlace(form, now.place);
    } catch (error) {
      save.disabled = true;
      showTrouble(trouble, error);
    }
  };
  await openWhenLoaded(dialog, load());
}
