/** Show the official texts an answer rests on, folded under it. */

import { make, renderLink } from "./markdown.js";

/** Give a `<details>` with number, title, dates and link of each source. */
export function renderSources(sources) {
  const details = make("details", make("summary", `Nguồn (${sources.length})`), make("ol", ...sources.map(drawSource)));
  details.className = "sources";
  return details;
}

/** Say when a text was issued and from when to when it is in force, as far as that is stated. */
export function describeDates({ issued_on: issued, in_force_from: from, in_force_to: to }) {
  const force = [from && `từ ${writeDate(from)}`, to && `đến ${writeDate(to)}`].filter(Boolean).join(" ");
  const parts = [issued && `ban hành ${writeDate(issued)}`, force && `hiệu lực ${force}`].filter(Boolean).join(" · ");
  return parts && parts[0].toUpperCase() + parts.slice(1);
}

function drawSource(source) {
  const item = make("li");
  if (source.number) item.append(make("strong", source.number), make("br"));
  item.append((source.url && renderLink(source.url, source.title)) || source.title);
  const dates = describeDates(source);
  if (dates) item.append(Object.assign(make("p", dates), { className: "dates" }));
  return item;
}

/** Turn 2020-03-27 into 27/3/2020, without a time zone in between. */
function writeDate(iso) {
  const [year, month, day] = iso.split("-").map(Number);
  return `${day}/${month}/${year}`;
}
