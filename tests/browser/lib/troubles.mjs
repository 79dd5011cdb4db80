// All that goes wrong in a browser while a test looks elsewhere: errors in the console and in scripts,
// requests that fail or are refused, breaches of the content security policy, dialogs that nobody
// asked for (which is how injected markup shows), requests to other hosts.

/** A request that the page itself gave up, such as a stream when it is left. */
const GIVEN_UP = "net::ERR_ABORTED";

export class Troubles {
  #found = [];

  constructor(context, origin) {
    const note = (kind, text) => this.#found.push(`${kind}: ${text}`);
    context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    context.on("console", (message) => {
      if (message.type() !== "error") return;
      note("console", `${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => note("script", error.error().stack ?? error.error().message));
    context.on("dialog", async (dialog) => {
      note("dialog", `${dialog.type()} ${dialog.message()}`);
      await dialog.dismiss().catch(() => {}); // The page may be gone.
    });
    context.on("request", (request) => {
      const { protocol, origin: asked } = new URL(request.url());
      if (protocol.startsWith("http") && asked !== origin) note("foreign", request.url());
    });
    context.on("requestfailed", (request) => {
      const why = request.failure()?.errorText;
      if (why !== GIVEN_UP) note("request", `${why} ${request.method()} ${request.url()}`);
    });
    context.on("response", (response) => {
      if (response.status() >= 400)
        note("status", `${response.status()} ${response.request().method()} ${response.url()}`);
    });
    context.on("page", (page) => page.on("crash", () => note("crash", page.url())));
  }

  /** What was found, but for what matches one of `except`. */
  list({ except = [] } = {}) {
    return this.#found.filter((text) => !except.some((pattern) => pattern.test(text)));
  }

  /** Throws when something was found. `except` are patterns of what a test provokes. */
  assertNone(options) {
    const found = this.list(options);
    if (found.length > 0) throw new Error(`${found.length} troubles in the browser:\n${found.join("\n")}`);
  }

  /** Forgets what was found so far. */
  forget() {
    this.#found.length = 0;
  }
}
