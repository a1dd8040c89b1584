// The control page: shows the run's status as it comes, sends what people do.

import { Chart } from "/chart.js";
import { LivePicture } from "/preview.js";
import { ask, openSocket, whyRefused } from "/run.js";

const AGAIN = 1000;
const SILENCE = 3000; // milliseconds; four times a second the run tells how it is
const NEWS = 8;
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
let told = []; // the news as they were the last time
let helpByMouse = false;

// ---- talking with the run

async function connect() {
  try {
    socket = await openSocket("/ws");
  } catch {
    ended(0);
    return;
  }
  expect();
  socket.onopen = () => {
    // After a break it is perhaps another run.
    forget();
    fillGallery();
    away("");
  };
  socket.onmessage = ({ data }) => {
    if (expect.missed) away("");
    expect();
    const message = JSON.parse(data);
    if (message.status) show(message.status);
    if (message.error) away(message.error, 4000);
  };
  socket.onclose = ({ code }) => ended(code);
}

async function ended(code) {
  socket = null;
  clearTimeout(expect.timer);
  away(code === 1001 ? "The run has ended. Waiting for the next one …" : (await whyRefused("/ws"))[1]);
  setTimeout(connect, AGAIN);
}

// The system keeps the connections of a process that stands still.
function expect() {
  expect.missed = false;
  clearTimeout(expect.timer);
  expect.timer = setTimeout(() => {
    expect.missed = true;
    away("The run does not answer. Waiting for it …");
  }, SILENCE);
}

function forget() {
  status = null;
  panicMode = null;
  strengthHeld = 0;
  told = [];
  $("news").replaceChildren();
  chart.forget();
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
  // While nothing is drawn the figures are old.
  const drawn = !WHY_BLANK[now.showing];
  put($("fps"), drawn ? now.fps.toFixed(0) : "–");
  put($("delay"), drawn && now.delay_ms !== null ? now.delay_ms.toFixed(0) : "–");
  put($("cpu"), now.cpu_cores.toFixed(1));
  put($("memory"), now.memory_mb ? now.memory_mb.toFixed(0) : "–");

  document.body.classList.toggle("panicking", Boolean(now.panic));
  picture.cover(Boolean(now.panic));
  if (!drawn) picture.blank(WHY_BLANK[now.showing]);
  showPanic(now);
  showEffects(now);
  if (performance.now() > strengthHeld) showStrength(Math.round(now.strength * 100));
  $("mirror").setAttribute("aria-checked", now.mirror);
  $("label").setAttribute("aria-checked", now.label);
  choose($("faces"), "who", now.faces);
  $("presets-card").hidden = !now.presets.length;
  once($("presets"), now.presets, (presets) => presets.map(presetButton));
  once($("health"), health(now), (rows) => rows.map(healthRow));
  showNews(now.news);
  if (!before || now.frames !== before.frames) chart.add(now.stages_ms);
  showStages(drawn ? now.stages_ms : null);
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
    put(cells[1], stages ? stages[name].p50.toFixed(1) : "–");
    put(cells[2], stages ? stages[name].p95.toFixed(1) : "–");
  });
}

// Of a log people have read to them what is put into it, so only new lines are: as many as make the rest of
// the news, whose oldest lines are dropped, the end of those before.
function showNews(news) {
  const known = (added) => news.slice(0, news.length - added);
  let added = 0;
  while (known(added).some((line, i, { length }) => line !== told[told.length - length + i])) added++;
  told = news;
  const list = $("news");
  if (added) list.prepend(...news.slice(-added).reverse().map((line) => element("li", { textContent: line })));
  while (list.children.length > NEWS) list.lastElementChild.remove();
  list.classList.toggle("empty", !news.length);
}

// [kind, name, words, more] for each part that can fail.
function health(now) {
  const { camera, accelerator, governor, outputs, obs } = now;
  const cameraKind = { running: "ok", waiting: "warn", stalled: "warn", lost: "bad" }[camera.status] ?? "";
  const size = `${camera.width} × ${camera.height}, ${camera.fps} fps`;
  const again = camera.reopened ? `, reopened ${camera.reopened} ×` : "";
  const rows = [[cameraKind, camera.name, camera.status, cameraKind === "ok" ? size + again : camera.message]];
  rows.push([accelerator.failure ? "bad" : "ok", `effect, on ${accelerator.name}`, accelerator.failure ? "failing" : "working", accelerator.failure]);
  if (governor.on) {
    const { rung, start, rungs, load_ms: load, budget_ms: budget } = governor;
    // A run may begin below the best rung, and rise from there.
    const words = rung > start ? "reduced" : !rung ? "full" : rung < start ? "raised" : "as begun";
    rows.push([rung > start ? "warn" : "ok", `quality: ${rungs[rung]}`, words, rung > start ? `${load.toFixed(0)} of ${budget.toFixed(0)} ms a frame` : ""]);
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
  clearTimeout(fillGallery.timer);
  try {
    const answer = await ask("/api/effects");
    if (!answer.ok) throw new Error(answer.statusText);
    const { effects } = await answer.json();
    once($("effects"), effects, () => effects.map(effectTile));
    if (status) showEffects(status);
  } catch {
    // Without a connection the next one does so.
    if (socket) fillGallery.timer = setTimeout(fillGallery, AGAIN);
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

function openHelp(byMouse) {
  helpByMouse = byMouse;
  $("help").showModal();
}
$("help-open").onclick = ({ detail }) => openHelp(detail > 0);
// The browser gives the focus back to the button, which takes the space bar from PANIC.
$("help").onclose = () => helpByMouse && $("help-open").blur();

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || $("help").open) return;
  const { key, target } = event;
  if (key === " ") {
    // A button with the keyboard's focus keeps its space bar.
    if (target.closest("button")) return;
    event.preventDefault();
    if (!event.repeat) togglePanic();
  } else if (isStep(key) || "nNpPmM".includes(key) || status?.presets.some((preset) => preset.key === key)) {
    // Firefox searches the page at some of them.
    event.preventDefault();
    if (event.repeat && !isStep(key)) return;
    strengthHeld = 0;
    send({ do: "press", key });
  } else if (key === "?") {
    openHelp(false);
  }
});

function isStep(key) {
  return "+=-_".includes(key);
}

// After a click the space bar is the panic key again, and not that button's. Sliders keep their arrows.
document.addEventListener("click", (event) => {
  if (event.detail) document.activeElement?.closest("button")?.blur();
});

connect();
