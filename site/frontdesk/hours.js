// The opening hours, as the front desk tells them.

import { el } from "./dom.js";
import { words } from "./words.js";

/** One line that says whether somebody is there, and the whole week behind it; null when the shop tells none. */
export function hoursOf(hours) {
  if (!hours) return null;
  const { open, closed, all, zone } = words.hours;
  const badge = el("span", { class: hours.open_now ? "fd-badge fd-open" : "fd-badge" }, hours.open_now ? open : closed);
  const line = el("p", { class: "fd-hours-line" }, badge, " ", hours.text ?? "");
  if (!hours.week?.length) return el("div", { class: "fd-hours" }, line);
  const week = el("dl", { class: "fd-week" }, Object.entries(words.hours.days).map(([day, name]) => daily(hours, day, name)));
  const note = hours.time_zone ? el("p", { class: "fd-hint" }, zone(hours.time_zone)) : null;
  return el("div", { class: "fd-hours" }, line, el("details", {}, el("summary", {}, all), week, note));
}

/** A day may have several times, with a break between them. */
function daily(hours, day, name) {
  const times = hours.week.filter((each) => each.day === day).map(({ opens, closes }) => `${opens}–${closes}`);
  return [el("dt", {}, name), el("dd", {}, times.join(", ") || words.hours.closedThatDay)];
}
