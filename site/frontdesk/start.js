// Puts the form and the chat into a page; embed.js calls it with the script's data attributes.

import { Api } from "./api.js";
import { mountChat } from "./chat.js";
import { mountForm } from "./webchat.js";

/**
 * `api`: the front desk's address. `form`: a selector of where the form goes; without it there is none. `chat`: "on" for the
 * chat. `store`: the location whose page this is; `?store=` in the page's address goes before it. `shop`, `greeting`,
 * `starters` (separated by "|"): how the chat begins.
 *
 * Tells the page by the event `frontdesk:config` what the front desk said, and opens the chat on `frontdesk:ask`.
 */
export async function start({ api, form, chat, store, shop = "the shop", greeting, starters = "" }) {
  const frontDesk = new Api(api);
  if (chat === "on") {
    const questions = starters.split("|").map((each) => each.trim()).filter(Boolean);
    const mounted = mountChat({ api: frontDesk, shop, greeting, starters: questions });
    document.addEventListener("frontdesk:ask", ({ detail }) => mounted.ask(String(detail)));
  }
  const asked = new URLSearchParams(location.search).get("store");
  const place = form && document.querySelector(form);
  const mounting = place && mountForm(place, { api: frontDesk, store: asked ?? store ?? null });
  const config = await frontDesk.config();
  if (config.ok) document.dispatchEvent(new CustomEvent("frontdesk:config", { detail: config.body }));
  await mounting;
}
