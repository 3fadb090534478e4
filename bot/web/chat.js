/** The citizens' chat page: puts the conversation between its header and the window's end. */

import { Conversation } from "./conversation.js";
import { renderMarkdown } from "./markdown.js";
import { Banner } from "./notices.js";
import { drawTalk, Talk } from "./talk.js";

const find = (id) => document.getElementById(id);

/** Tell the style sheet how much of the window the header and the field cover. */
function measureBars() {
  for (const id of ["header", "composer"])
    new ResizeObserver(() =>
      document.documentElement.style.setProperty(`--${id}-height`, `${find(id).offsetHeight}px`),
    ).observe(find(id));
}

function start() {
  const parts = drawTalk();
  find("conversation").append(parts.log, parts.pending);
  find("conversation").after(parts.composer, parts.announcer);
  find("start-over").hidden = false;
  measureBars();
  history.scrollRestoration = "manual";
  const conversation = Conversation.restore(() => sessionStorage);
  const isSeen = () => !document.hidden;
  new Talk(conversation, parts, {
    startOver: find("start-over"),
    scroller: document.scrollingElement,
    isSeen,
  }).start();
  new Banner(find("notices"), { render: renderMarkdown }).keepShowing();
}

start();
