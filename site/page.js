// The page's own: its stores, the questions beside the products, and the snippets that can be copied.

const api = window.FRONTDESK?.api ?? "https://frontdesk.example";

for (const place of document.querySelectorAll("[data-api-here]")) {
  place.textContent = place.textContent.replaceAll("https://frontdesk.example", api);
}

for (const button of document.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", () => {
    document.dispatchEvent(new CustomEvent("frontdesk:ask", { detail: button.dataset.ask }));
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const said = button.nextElementSibling;
  button.addEventListener("click", async () => {
    const snippet = document.querySelector(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(snippet.textContent);
      said.textContent = "Copied.";
    } catch {
      // Without the permission it is at least marked, for the keys.
      getSelection().selectAllChildren(snippet);
      said.textContent = "Marked: copy it with the keyboard.";
    }
  });
}

document.addEventListener("frontdesk:config", ({ detail }) => {
  const here = new URLSearchParams(location.search).get("store");
  const countries = new Intl.DisplayNames(["en"], { type: "region" });
  const cards = detail.locations.map(({ uid, name, country }) => {
    const card = document.createElement("li");
    const title = document.createElement("h3");
    title.textContent = name;
    const where = document.createElement("p");
    where.textContent = country ? countries.of(country) : "";
    const to = document.createElement("a");
    to.href = `?store=${encodeURIComponent(uid)}#contact`;
    to.textContent = `Write to ${name}`;
    if (uid === here) to.setAttribute("aria-current", "true");
    card.append(title, where, to);
    return card;
  });
  document.querySelector("#store-list").replaceChildren(...cards);
});
