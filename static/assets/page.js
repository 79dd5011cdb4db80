// The page of a daemon that has no dashboard yet: how it is, and whether the visitor is logged in.

const show = (id, text, mood = "") => {
  const place = document.getElementById(id);
  place.textContent = text;
  place.className = mood;
};

// A ticket is good for one login: out of the address bar before anything else.
const redeem = async () => {
  const ticket = new URLSearchParams(location.search).get("ticket");
  if (ticket === null) return;
  history.replaceState(null, "", location.pathname);
  await fetch(`/api/auth/launch?ticket=${encodeURIComponent(ticket)}`, { redirect: "manual" });
};

const health = async () => {
  const answer = await fetch("/health", { cache: "no-store" });
  show("health", answer.ok ? "healthy" : await answer.text(), answer.ok ? "good" : "bad");
};

const session = async () => {
  await redeem();
  const answer = await fetch("/api/auth/status");
  const { authenticated } = await answer.json();
  show("session", authenticated ? "logged in" : "not logged in");
};

health().catch(() => show("health", "does not answer", "bad"));
session().catch(() => show("session", "unknown"));
