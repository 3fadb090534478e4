/** Show the conversation's entries as bubbles in the live region, each drawn once and then kept up to date. */

import { make, makeWith, renderMarkdown } from "./markdown.js";
import { renderSources } from "./sources.js";

const WAITS = "Đang chờ gửi…";

export class Log {
  /** `pressed` gets a choice that the citizen pressed. */
  constructor(region, pressed) {
    Object.assign(this, { region, pressed });
    this.drawn = new Map(); // entry → element
  }

  /** Bring the page in step with the entries; give those that were not shown before. */
  show(entries) {
    const fresh = entries.filter((entry) => !this.drawn.has(entry));
    for (const [entry, element] of this.drawn) if (!entries.includes(entry)) this.remove(entry, element);
    let before = this.region.firstElementChild; // the welcome
    for (const entry of entries) {
      if (!this.drawn.has(entry)) before.after(this.draw(entry));
      before = this.drawn.get(entry);
    }
    this.markStates(entries);
    this.markChoices(entries);
    return fresh;
  }

  /** Scroll to the citizen's message with this key, so that its answer is read from the beginning. */
  follow(key) {
    for (const [entry, element] of this.drawn)
      if (entry.kind !== "note" && entry.key === key) return element.scrollIntoView({ block: "start" });
  }

  remove(entry, element) {
    element.remove();
    this.drawn.delete(entry);
  }

  draw(entry) {
    const element = { message: drawMessage, answer: drawAnswer, note: drawNote }[entry.kind](entry, this.pressed);
    this.drawn.set(entry, element);
    return element;
  }

  markStates(entries) {
    const first = entries.find((entry) => entry.state === "waiting");
    for (const entry of entries) {
      if (entry.kind !== "message") continue;
      const behind = entry.state === "waiting" && entry !== first && first.trouble ? WAITS : "";
      const state = this.drawn.get(entry).querySelector(".state");
      const words = entry.trouble || behind;
      if (state.textContent !== words) state.textContent = words; // unchanged words are not read out again
      state.classList.toggle("refused", entry.state === "refused");
    }
  }

  markChoices(entries) {
    const open = keyOfOpenChoices(entries);
    for (const [entry, element] of this.drawn) {
      if (entry.kind !== "answer") continue;
      for (const button of element.querySelectorAll(".choices button")) setOpen(button, entry.key === open);
    }
  }
}

/** Choices are open under the newest answer until one of them is pressed. */
function keyOfOpenChoices(entries) {
  const answers = entries.filter((entry) => entry.kind === "answer");
  const newest = answers[answers.length - 1];
  const later = entries.slice(entries.indexOf(newest) + 1);
  const isPressed = later.some((entry) => entry.payload && entry.state !== "refused");
  return isPressed ? null : newest?.key;
}

/** Not `disabled`: a pressed button keeps the keyboard's place, and the next Tab reaches the new answer. */
function setOpen(button, isOpen) {
  button.setAttribute("aria-disabled", String(!isOpen));
  button.tabIndex = isOpen ? 0 : -1;
}

function drawMessage({ text }) {
  const bubble = makeWith("div", { class: "bubble" }, makeWith("p", { class: "words" }, text));
  return drawEntry("message", "Anh/chị", bubble, makeWith("p", { class: "state" }));
}

function drawAnswer({ text, choices, sources, by }, pressed) {
  const bubble = makeWith("div", { class: "bubble" }, renderMarkdown(text));
  if (sources?.length) bubble.append(renderSources(sources));
  const entry = drawEntry("answer", by === "person" ? "Nhân viên" : "Hỏi Một Cửa", bubble);
  if (choices?.length) entry.append(drawChoices(choices, pressed));
  return entry;
}

/** Draw what one of the two said, under their name. */
export function drawEntry(kind, speaker, ...content) {
  return makeWith("article", { class: `entry ${kind}` }, makeWith("h2", { class: "speaker" }, speaker), ...content);
}

function drawChoices(choices, pressed) {
  const group = { class: "choices", role: "group", "aria-label": "Lựa chọn" };
  return makeWith("div", group, ...choices.map((choice) => drawChoice(choice, pressed)));
}

function drawChoice(choice, pressed) {
  const button = make("button", choice.title);
  button.type = "button";
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") !== "true") pressed(choice);
  });
  return button;
}

function drawNote({ text }) {
  return makeWith("p", { class: "entry note" }, text);
}
