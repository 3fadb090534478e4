/** Post one message to the assistant and say in one of three ways how that went. */

const ADDRESS = new URL("api/v1/messages", import.meta.url); // other sites' pages use this module, too
const PATIENCE = 30_000; // milliseconds until an answer is given up and asked for again
const LONGEST_WAIT = 600; // seconds; a longer Retry-After is taken for a mistake

/**
 * Give `{kind: "answered", body}`, `{kind: "refused", field, detail}`
 * or `{kind: "later", seconds, isFault}`: to be sent again, after so many seconds where the server says so.
 */
export async function post(message, conversationId, signal) {
  const patience = new AbortController();
  const giveUp = () => patience.abort();
  const timer = setTimeout(giveUp, PATIENCE);
  signal.addEventListener("abort", giveUp);
  try {
    return await readResponse(await fetch(ADDRESS, buildRequest(message, conversationId, patience.signal)));
  } catch {
    return { kind: "later" }; // no network, an answer cut off, or not JSON at all (a hotspot's sign-in page)
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

function buildRequest({ key, text, payload }, conversationId, signal) {
  const content = payload === null ? { text } : { payload };
  return {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify({ conversation_id: conversationId, ...content }),
    signal,
  };
}

async function readResponse(response) {
  const { status } = response;
  if (status === 429 || status === 503) return { kind: "later", seconds: readWait(response) };
  if (status >= 500 || status === 408) return { kind: "later", isFault: true };
  if (!response.ok) return { kind: "refused", ...(await readProblem(response)) };
  const body = await response.json();
  if (!Array.isArray(body.messages)) return { kind: "later" };
  return { kind: "answered", body };
}

/** Read the problem's field and detail; a proxy in between may have written something else. */
async function readProblem(response) {
  const { field, detail } = await response.json().catch(() => ({}));
  return { field, detail };
}

function readWait(response) {
  const header = response.headers.get("Retry-After");
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return seconds > 0 ? Math.min(Math.ceil(seconds), LONGEST_WAIT) : undefined;
}
