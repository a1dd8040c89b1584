// How the page speaks to its run: with the token from the address that it was opened with.

const KEPT = "effectcam-token";
const token = own();

// Browsers part what they keep by ports too, unlike cookies, so servers on other ports do not get it.
function own() {
  const given = new URLSearchParams(location.search).get("token");
  try {
    if (given) localStorage.setItem(KEPT, given);
    return given ?? localStorage.getItem(KEPT) ?? "";
  } catch {
    // One that keeps nothing has the token until the page is loaded again.
    return given ?? "";
  }
}

// What the browser keeps of the address must not open the panel.
if (location.search) history.replaceState(null, "", "/");

function address(path) {
  return `${path}?token=${encodeURIComponent(token)}`;
}

// Fails, with the reason, where there is no run that knows the token: whatever holds the port after a run is
// not told it.
async function greet() {
  const options = { signal: AbortSignal.timeout(3000) };
  const nonce = hex(crypto.getRandomValues(new Uint8Array(16)));
  const answer = await fetch(`/hello?nonce=${nonce}`, options);
  if (!token || answer.status === 401) {
    const why = token ? "Another run has taken this place." : "This browser does not know the token.";
    throw new Refusal(401, `${why} Open the address that the run shows in its terminal.`);
  }
  if (!answer.ok) throw new Refusal(answer.status, (await answer.json()).error);
  const letters = new TextEncoder();
  const kind = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", letters.encode(token), kind, false, ["sign"]);
  const words = letters.encode(`panel hello ${location.port} ${nonce}`);
  const proof = hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, words)));
  if ((await answer.json()).proof !== proof) {
    throw new Refusal(401, "Another program has taken this place. Start the run again on another port.");
  }
}

class Refusal extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function ask(path, options = {}) {
  await greet();
  return fetch(address(path), options);
}

export async function openSocket(path) {
  await greet();
  return new WebSocket(`ws://${location.host}${address(path)}`);
}

// A WebSocket that is refused does not tell why; the same path, asked for as a file, does: the answer's
// status, 0 for none, and what to tell people.
export async function whyRefused(path) {
  try {
    const answer = await ask(path, { signal: AbortSignal.timeout(3000) });
    // There is a place for a socket, only this was none.
    if (answer.status === 400) return [400, "The connection was lost. Trying again …"];
    return [answer.status, (await answer.json()).error];
  } catch (error) {
    if (error instanceof Refusal) return [error.status, error.message];
    if (error.name === "TimeoutError") return [0, "The run does not answer. Trying again …"];
    return [0, "The run has ended, or the connection is lost. Trying again …"];
  }
}
