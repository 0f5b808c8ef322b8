// What a link from a mail leads to. The code is behind the "#", so that no server or log sees it,
// and is used only by a click: mail scanners follow links, and must not use it up.
const [[purpose, code] = []] = [...new URLSearchParams(location.hash.slice(1))];
const form = [...document.forms].find((one) => one.dataset.purpose === purpose && code);
const said = document.getElementById("said");

if (form) {
  // Out of the address bar and the history: somebody may look over a shoulder.
  history.replaceState(null, "", location.pathname);
  said.textContent = form.dataset.title;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send();
  });
}

async function send() {
  const fields = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const reply = await fetch(form.dataset.path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...fields, code }),
      credentials: "omit",
    });
    const told = await reply.json();
    const problems = (told.details ?? []).map((detail) => `${detail.field}: ${detail.problem}`);
    said.textContent = problems.length ? problems.join(". ") : told.message;
    form.hidden = reply.ok;
  } catch {
    said.textContent = "The gateway cannot be reached. Try again in a moment.";
  }
  button.disabled = false;
}
