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
    if (reply.ok && purpose === "setup") showNext(fields.email);
  } catch {
    said.textContent = "The gateway cannot be reached. Try again in a moment.";
  }
  button.disabled = false;
}

// Commands that run as they are: quotes and the like in an address are for the shell.
function showNext(email) {
  const quoted = `'${email.replaceAll("'", "'\\''")}'`;
  const json = `-H 'Content-Type: application/json'`;
  // A paste ends here: what came behind would be read as the password.
  document.getElementById("who").textContent = [
    `CHATKEEP=${location.origin}`,
    `EMAIL=${quoted}`,
    `field() { sed -n "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/p"; }`,
    `printf 'Password: '; read -rs PASSWORD`,
  ].join("\n");
  document.getElementById("sign-in").textContent = [
    `TOKEN=$(curl -s "$CHATKEEP/api/admin/auth/token" ${json} \\`,
    `  -d '{"email": "'"$EMAIL"'", "password": "'"$PASSWORD"'"}' | field access_token)`,
    `curl "$CHATKEEP/api/admin/auth/me" -H "Authorization: Bearer $TOKEN"`,
  ].join("\n");
  document.getElementById("make-widget").textContent = [
    `WIDGET_ID=$(curl -s "$CHATKEEP/api/admin/widgets" -H "Authorization: Bearer $TOKEN" ${json} \\`,
    `  -d '{"widget_name": "Help", "allowed_domains": ["shop.example"]}' | field widget_id)`,
    `curl "$CHATKEEP/api/admin/widgets/$WIDGET_ID/embed" -H "Authorization: Bearer $TOKEN"`,
  ].join("\n");
  document.getElementById("next").hidden = false;
}
