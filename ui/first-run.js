// The page before there is an account.

import { trySandbox } from "./agent.js";
import { loginForm } from "./login-form.js";
import { button, field, fromTemplate, input, part } from "./page.js";
import { attempt } from "./trouble.js";

/** @param {string | null} suggestion a name for the account */
export function firstRun(suggestion) {
  const page = fromTemplate("first-run");
  const form = loginForm({ account: null, suggestion: suggestion ?? undefined, isFirst: true });
  part(page, '[data-place="form"]').append(form);
  const sandbox = button(page, "try-sandbox");
  sandbox.addEventListener("click", () => {
    void attempt(sandbox, field(page, "sandbox-trouble"), () => trySandbox(input(form, "account").value));
  });
  return page;
}
