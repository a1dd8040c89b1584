// The control page: shows the run's status as it comes, sends what people do.

import { Chart } from "/chart.js";
import { LivePicture } from "/preview.js";

const AGAIN = 1000;
const STAGES = ["mesh", "crop", "student", "composite", "chain"];
const SHOWING = {
  live: ["ok", "Live"],
  hold: ["ok", "Live, holding"],
  blur: ["warn", "Hidden: blur"],
  placeholder: ["warn", "Hidden: card"],
  panic: ["bad", "PANIC"],
  paused: ["", "Resting"],
  "no camera": ["warn", "No camera"],
};
const WHY_BLANK = {
  "no camera": "waiting for the camera",
  paused: "resting: nobody watches the virtual camera",
};

const $ = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Status comes four times a second; a page that is rewritten for nothing loses focus and scroll.
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function once(node, value, build) {
  const key = JSON.stringify(value);
  if (node.dataset.shown === key) return;
  node.dataset.shown = key;
  node.replaceChildren(...build(value));
}

const chart = new Chart($("chart"));
const picture = new LivePicture($("stage"));
let socket = null;
let status = null;
let panicMode = null; // until one is chosen, what the run was started with
let strengthHeld = 0;

// ---- talking with the run

function connect() {
  socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onopen = () => away("");
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.status) show(message.status);
    if (message.error) away(message.error, 4000);
  };
  socket.onclose = async ({ code }) => {
    socket = null;
    away(code === 1001 ? "The run has ended. Waiting for the next one …" : await whatIsWrong());
    setTimeout(connect, AGAIN);
  };
}

// A WebSocket that is refused does not tell why.
async function whatIsWrong() {
  try {
    const answer = await fetch("/api/status");
    if (answer.status === 401) return "Another run has taken this place. Open the address that it shows in its terminal.";
    if (!answer.ok) return (await answer.json()).error;
    return "The connection was lost. Trying again …";
  } catch {
    return "The run has ended, or the connection is lost. Trying again …";
  }
}

function away(words, milliseconds = 0) {
  put($("banner"), words);
  $("banner").hidden = !words;
  const gone = Boolean(words) && !milliseconds;
  $("main").classList.toggle("away", gone);
  $("main").inert = gone;
  if (gone) {
    picture.blank("no connection");
    $("showing").className = "pill warn";
    put($("showing"), "Not connected");
  }
  clearTimeout(away.timer);
  if (milliseconds) away.timer = setTimeout(() => away(""), milliseconds);
}

function send(command) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command));
}

// ---- showing the status

function show(now) {
  const before = status;
  status = now;
  put($("effect-now"), now.effect.title + (now.loading && now.loading !== now.effect.name ? ` → ${now.loading} …` : ""));
  const [kind, words] = SHOWING[now.showing] ?? ["", now.showing];
  $("showing").className = `pill ${now.panic ? "bad" : kind}`;
  put($("showing"), now.panic ? "PANIC" : words);
  put($("fps"), now.fps.toFixed(0));
  put($("delay"), now.delay_ms === null ? "–" : now.delay_ms.toFixed(0));
  put($("cpu"), now.cpu_cores.toFixed(1));
  put($("memory"), now.memory_mb.toFixed(0));

  document.body.classList.toggle("panicking", Boolean(now.panic));
  picture.cover(Boolean(now.panic));
  if (WHY_BLANK[now.showing]) picture.blank(WHY_BLANK[now.showing]);
  showPanic(now);
  showEffects(now);
  if (performance.now() > strengthHeld) showStrength(Math.round(now.strength * 100));
  $("mirror").setAttribute("aria-checked", now.mirror);
  $("label").setAttribute("aria-checked", now.label);
  choose($("faces"), "who", now.faces);
  $("presets-card").hidden = !now.presets.length;
  once($("presets"), now.presets, (presets) => presets.map(presetButton));
  once($("health"), health(now), (rows) => rows.map(healthRow));
  once($("news"), now.news.slice(-8).reverse(), (lines) => lines.map((line) => element("li", { textContent: line })));
  $("news").classList.toggle("empty", !now.news.length);
  // While nothing is drawn the figures are old.
  if (!before || now.frames !== before.frames) chart.add(now.stages_ms);
  showStages(now.stages_ms);
}

function choose(group, key, value) {
  for (const button of group.querySelectorAll("button")) button.setAttribute("aria-pressed", button.dataset[key] === value);
}

function showPanic(now) {
  panicMode = now.panic ?? panicMode ?? now.panic_mode;
  $("panic").setAttribute("aria-pressed", Boolean(now.panic));
  put($("panic").firstElementChild, now.panic ? "GO LIVE AGAIN" : "PANIC");
  const shown = { freeze: "the picture is frozen", placeholder: "a card is shown", blur: "the picture is blurred" };
  put($("panic-note"), now.panic ? `${shown[now.panic]}; nobody sees you` : "hide me now");
  choose($("panic-modes"), "mode", panicMode);
}

function showEffects(now) {
  for (const tile of $("effects").children) {
    const { name } = tile.dataset;
    tile.setAttribute("aria-pressed", name === now.effect.name);
    put(tile.querySelector("em"), name === now.loading ? "loading …" : name === now.effect.name ? "in use" : "");
  }
}

function showStrength(percent) {
  const slider = $("strength");
  slider.value = percent;
  slider.style.setProperty("--at", `${percent}%`);
  slider.setAttribute("aria-valuetext", `${percent} %`);
  put($("strength-shown"), `${percent} %`);
}

function showStages(stages) {
  const rows = $("stages").tBodies[0];
  if (!rows.children.length) {
    for (const name of STAGES) {
      const row = element("tr", { className: name }, element("th", { scope: "row", textContent: name }), element("td"), element("td"));
      rows.append(row);
    }
  }
  STAGES.forEach((name, i) => {
    const cells = rows.children[i].children;
    put(cells[1], stages[name].p50.toFixed(1));
    put(cells[2], stages[name].p95.toFixed(1));
  });
}

// [kind, name, words, more] for each part that can fail.
function health(now) {
  const { camera, accelerator, governor, outputs, obs } = now;
  const cameraKind = { running: "ok", waiting: "warn", stalled: "warn", lost: "bad" }[camera.status] ?? "";
  const size = `${camera.width} × ${camera.height}, ${camera.fps} fps`;
  const again = camera.reopened ? `, reopened ${camera.reopened} ×` : "";
  const rows = [[cameraKind, camera.name, camera.status, cameraKind === "ok" ? size + again : camera.message]];
  rows.push([accelerator.failure ? "bad" : "ok", `accelerator: ${accelerator.name}`, accelerator.failure ? "failing" : "working", accelerator.failure]);
  if (governor.on) {
    const { rung, start, rungs, load_ms: load, budget_ms: budget } = governor;
    rows.push([rung > start ? "warn" : "ok", `quality: ${rungs[rung]}`, rung > start ? "reduced" : "full", rung > start ? `${load.toFixed(0)} of ${budget.toFixed(0)} ms a frame` : ""]);
  }
  for (const { name, status: state, message } of outputs) {
    rows.push([state === "open" ? "ok" : state === "failed" ? "bad" : "warn", `to ${name}`, state, message]);
  }
  if (obs) rows.push([obs === "connected" || obs === "left alone" ? "ok" : "warn", "OBS sound", obs, ""]);
  return rows;
}

function healthRow([kind, name, words, more]) {
  const row = element("li", { className: kind }, element("i"), element("span", { textContent: name, title: name }), element("b", { textContent: words }));
  if (more) row.append(element("small", { textContent: more }));
  return row;
}

function presetButton({ name, key }) {
  const button = element("button", { textContent: name, onclick: () => send({ do: "preset", name }) });
  if (key) button.append(element("kbd", { textContent: key }));
  return button;
}

async function fillGallery() {
  try {
    const answer = await fetch("/api/effects");
    if (!answer.ok) throw new Error(answer.statusText);
    const { effects } = await answer.json();
    once($("effects"), effects, () => effects.map(effectTile));
    if (status) showEffects(status);
  } catch {
    setTimeout(fillGallery, AGAIN);
  }
}

function effectTile({ name, title, description, preview, damaged }) {
  const image = preview
    ? element("img", { src: preview, alt: "", loading: "lazy" })
    : element("div", { className: "blank-picture" });
  const words = damaged ?? description;
  const tile = element(
    "button",
    { className: "effect", title: words, disabled: Boolean(damaged), onclick: () => send({ do: "effect", name }) },
    image, element("em"), element("span", { textContent: title }), element("small", { textContent: words }),
  );
  tile.dataset.name = name;
  return tile;
}

// ---- what people do

function togglePanic() {
  send({ do: "panic", mode: status?.panic ? null : panicMode ?? "freeze" });
}

$("panic").onclick = togglePanic;
$("panic-modes").onclick = ({ target }) => {
  if (!target.dataset.mode) return;
  panicMode = target.dataset.mode;
  choose($("panic-modes"), "mode", panicMode);
  if (status?.panic) send({ do: "panic", mode: panicMode });
};
$("faces").onclick = ({ target }) => target.dataset.who && send({ do: "faces", who: target.dataset.who });
$("mirror").onclick = () => status && send({ do: "mirror", on: !status.mirror });
$("label").onclick = () => status && send({ do: "label", on: !status.label });
$("strength").oninput = ({ target }) => {
  // The status on its way still has the value before.
  strengthHeld = performance.now() + 600;
  showStrength(Number(target.value));
  send({ do: "strength", value: Number(target.value) / 100 });
};

function openHelp() {
  $("help").showModal();
}
$("help-open").onclick = openHelp;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || $("help").open) return;
  const { key, target } = event;
  if (key === " ") {
    // A button with the keyboard's focus keeps its space bar.
    if (target.closest("button")) return;
    event.preventDefault();
    if (!event.repeat) togglePanic();
  } else if (key === "?") {
    openHelp();
  } else if (["+", "=", "-", "_"].includes(key) || (!event.repeat && isOurs(key))) {
    strengthHeld = 0;
    send({ do: "press", key });
  }
});

function isOurs(key) {
  return "nNpPmM".includes(key) || status?.presets.some((preset) => preset.key === key);
}

// After a click the space bar is the panic key again, and not that button's.
document.addEventListener("click", (event) => {
  if (event.detail) document.activeElement?.blur();
});

// What the browser keeps of the address must not open the panel.
if (location.search) history.replaceState(null, "", "/");

connect();
fillGallery();
