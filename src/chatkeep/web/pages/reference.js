// The page is whole without this: it adds a button that copies to each block of code, and a field that finds operations.
for (const block of document.querySelectorAll("pre")) {
  const frame = document.createElement("div");
  frame.className = "code";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", () => void copy(block, button));
  block.replaceWith(frame);
  frame.append(button, block);
}

async function copy(block, button) {
  try {
    await navigator.clipboard.writeText(block.textContent);
    button.textContent = "Copied";
  } catch {
    // Without https there is no clipboard: what is selected can be copied by hand.
    getSelection().selectAllChildren(block);
    button.textContent = "Selected: copy it";
  }
}

const nav = document.querySelector("nav");
const find = document.createElement("div");
find.className = "find";
const label = document.createElement("label");
label.textContent = "Find an operation or a field";
const field = document.createElement("input");
field.type = "search";
label.append(field);
const found = document.createElement("div");
found.setAttribute("role", "status");
find.append(label, found);
nav.prepend(find);

const sections = [...document.querySelectorAll("main section")];
const texts = sections.map((section) => section.textContent.toLowerCase());
const links = new Map([...nav.querySelectorAll("a")].map((link) => [link.hash.slice(1), link.parentElement]));

field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  sections.forEach((section, number) => {
    const fits = words.every((word) => texts[number].includes(word));
    section.hidden = !fits;
    count += fits ? 1 : 0;
    const link = links.get(section.id);
    if (link) link.hidden = !fits;
  });
  found.textContent = words.length === 0 ? "" : count === 0 ? "Nothing: try another word" : `${count} found`;
});
// A link leads somewhere also while others are hidden.
addEventListener("hashchange", () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.hidden) {
    field.value = "";
    field.dispatchEvent(new Event("input"));
    target.scrollIntoView();
  }
});
