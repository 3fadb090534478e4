/** The citizens' chat page: puts the field, the conversation, the outbox and the log together. */

import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Live } from "./live.js";
import { Log } from "./log.js";
import { renderMarkdown } from "./markdown.js";
import { Banner } from "./notices.js";
import { Outbox } from "./outbox.js";

const NEAR_END = 160; // pixels: further up, the citizen is reading and is not scrolled away
const QUICK = 300; // milliseconds: an answer that comes sooner is not announced as pending
const START_OVER = "Bắt đầu cuộc trò chuyện mới? Nội dung đang hiện ở đây sẽ không xem lại được.";

const find = (id) => document.getElementById(id);
const conversation = Conversation.restore();
const log = new Log(find("log"), (choice) => say(choice.title, choice.payload));
const outbox = new Outbox(conversation, { shown: show, givenBack });
const live = new Live(conversation, { shown: show, typing: showTyping });
const composer = new Composer(find("composer"), find("announcer"), { written: say, drafted });
let pendingTimer;
let isTyping = false; // a person, to this citizen

function say(text, payload = null) {
  const message = conversation.say(text, payload);
  conversation.save();
  show();
  log.follow(message.key);
  outbox.wake();
  outbox.send();
}

function show() {
  const isAtEnd = document.documentElement.scrollHeight - window.scrollY - window.innerHeight < NEAR_END;
  const fresh = log.show(conversation.entries);
  showPending();
  if (isAtEnd && fresh.length) log.follow(fresh[0].key);
  live.update();
}

function showPending() {
  const isPending = outbox.isSending && !conversation.nextWaiting()?.trouble;
  clearTimeout(pendingTimer);
  if (!isPending) find("pending").textContent = isTyping ? "Nhân viên đang gõ…" : "";
  else pendingTimer = setTimeout(() => (find("pending").textContent = "Đang trả lời…"), QUICK);
}

function showTyping(is) {
  if (is === isTyping) return;
  isTyping = is;
  showPending();
}

function givenBack({ text, payload }) {
  if (payload === null) composer.giveBack(text);
}

function drafted(text) {
  conversation.draft = text;
  if (text) live.sayTyping();
  conversation.save();
}

function startOver() {
  if (conversation.entries.length && !window.confirm(START_OVER)) return;
  outbox.reset();
  conversation.startOver();
  composer.clear();
  show();
  composer.field.focus();
  window.scrollTo(0, 0);
}

/** Tell the style sheet how much of the window the header and the field cover. */
function measureBars() {
  for (const id of ["header", "composer"])
    new ResizeObserver(() =>
      document.documentElement.style.setProperty(`--${id}-height`, `${find(id).offsetHeight}px`),
    ).observe(find(id));
}

function listen() {
  find("start-over").addEventListener("click", startOver);
  for (const example of find("examples").children)
    example.addEventListener("click", () => say(example.textContent));
  window.addEventListener("online", () => outbox.wake());
  document.addEventListener("visibilitychange", () => document.hidden || outbox.wake());
}

function start() {
  for (const id of ["start-over", "examples", "composer"]) find(id).hidden = false;
  listen();
  measureBars();
  history.scrollRestoration = "manual";
  find("log").setAttribute("aria-live", "off"); // what was said before the reload is not read out again
  show();
  log.follow(conversation.newest()?.key);
  requestAnimationFrame(() => find("log").setAttribute("aria-live", "polite"));
  composer.giveBack(conversation.draft);
  outbox.send();
  live.keepAsking();
  new Banner(find("notices"), { render: renderMarkdown }).keepShowing();
}

start();
