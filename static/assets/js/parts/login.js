// The login: one field over everything. It shows nothing of the daemon but the address that the
// browser knows anyway.

import { el, fill, set, svg } from "../dom.js";
import { icon } from "../marks.js";
import { logIn, onLoginNeeded } from "../session.js";

const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

/** `behind` becomes inert and cannot be read while somebody has to log in. */
export const login = (behind) => {
  let form = null;
  onLoginNeeded((isNeeded) => {
    if (isNeeded && !form) {
      const before = document.activeElement;
      form = screen();
      form.before = before;
      behind.inert = true;
      document.body.append(form.element);
      document.documentElement.dataset.login = "true";
      form.focus();
    } else if (!isNeeded && form) {
      form.end();
      form.element.remove();
      behind.inert = false;
      delete document.documentElement.dataset.login;
      form.before?.focus?.();
      form = null;
    }
  });
};

const screen = () => {
  let locked;
  const password = el("input", {
    id: "password", type: "password", name: "password", autocomplete: "current-password", required: true,
    "aria-describedby": "login-says login-help", spellcheck: "false", autocapitalize: "off",
  });
  const reveal = el("button", {
    type: "button", class: "button button-bare button-icon", "aria-label": "Show password", "aria-pressed": "false",
    onclick: () => {
      const isShown = password.type === "text";
      password.type = isShown ? "password" : "text";
      set(reveal, "aria-pressed", String(!isShown));
      password.focus();
    },
  }, icon("eye"));
  const submit = el("button.button.button-main", "Log in");
  const says = el("p.login-says", { id: "login-says", role: "alert" });
  const field = el("span.field", password, reveal);

  const complain = (text) => {
    fill(says, text);
    field.classList.toggle("field-wrong", Boolean(text));
    set(password, "aria-invalid", text ? "true" : null);
  };

  const lock = (seconds) => {
    clearInterval(locked);
    const end = Date.now() + seconds * 1000;
    const tick = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      submit.disabled = left > 0;
      if (left > 0) return complain(`Too many attempts, try again in ${minutes(left)}`);
      clearInterval(locked);
      complain("");
    };
    locked = setInterval(tick, 1000);
    tick();
  };

  const send = async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    submit.disabled = true;
    complain("");
    try {
      await logIn(password.value);
    } catch (error) {
      submit.disabled = false;
      if (error.status === 429) lock(error.retryAfter ?? 60);
      else if (error.status === 401) {
        complain("Wrong password");
        password.select();
      } else complain(error.status ? error.message : "Cannot reach the daemon");
    }
  };

  const element = el("main.login", { role: "dialog", "aria-modal": "true", "aria-labelledby": "login-title" },
    el("form.login-box", { onsubmit: send },
      el("h1.login-brand", { id: "login-title" }, icon("wisp", "icon brand-mark"), "runwisp", el("span.count", location.host)),
      // Password managers want a name to keep the password under.
      el("input.visually-hidden", { type: "text", name: "username", value: "operator", autocomplete: "username", tabindex: "-1", "aria-hidden": "true", readonly: true }),
      el("label.login-label", { for: "password" }, "Password"),
      el("div.login-row", field, submit),
      says,
      el("p.login-help", { id: "login-help" }, "It is in ", el("code", "<data>/password"), " on the host, unless ", el("code", "RUNWISP_PASSWORD"), " is set.")),
    el("div.login-day", ruler()));
  return { element, focus: () => password.focus(), end: () => clearInterval(locked) };
};

// A day as a ruler, with the wisp where it is now.
const ruler = () => {
  const date = new Date();
  const at = date.getHours() * 60 + date.getMinutes();
  let ticks = "";
  for (let minute = 0; minute <= 1440; minute += 15) ticks += `M${minute + 0.5} ${minute % 60 ? 34 : 26}V40`;
  return svg("svg.chart", { viewBox: "0 0 1440 40", height: 40, preserveAspectRatio: "xMinYMax slice", "aria-hidden": "true" },
    svg("path.g-axis", { d: ticks }),
    Array.from({ length: 24 }, (_, hour) => svg("text", { x: hour * 60 + 5, y: 35 }, String(hour).padStart(2, "0"))),
    svg("path.g-now", { d: `M${at} 8V40` }),
    svg("circle.f-now", { cx: at, cy: 6, r: 4 }));
};
