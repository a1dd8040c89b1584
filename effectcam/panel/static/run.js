// How the page speaks to its run: with the token from the address that it was opened with.

const KEPT = "effectcam-token";
const token = own();

// Browsers part what they keep by ports too, unlike cookies, so no other server of this machine gets it.
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

export function ask(path, options = {}) {
  return fetch(address(path), options);
}

export function openSocket(path) {
  return new WebSocket(`ws://${location.host}${address(path)}`);
}

// A WebSocket that is refused does not tell why; the same path, asked for as a file, does: the answer's
// status, 0 for none, and what to tell people.
export async function whyRefused(path) {
  try {
    const answer = await ask(path, { signal: AbortSignal.timeout(3000) });
    if (answer.status === 401) {
      const why = token ? "Another run has taken this place." : "This browser does not know the token.";
      return [401, `${why} Open the address that the run shows in its terminal.`];
    }
    // There is a place for a socket, only this was none.
    if (answer.status === 400) return [400, "The connection was lost. Trying again …"];
    return [answer.status, (await answer.json()).error];
  } catch (error) {
    if (error.name === "TimeoutError") return [0, "The run does not answer. Trying again …"];
    return [0, "The run has ended, or the connection is lost. Trying again …"];
  }
}
