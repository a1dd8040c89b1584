// The control page: shows what the run says of itself, and asks it for what people choose.
import { Chart, STAGES } from "/chart.js";

const $ = (id) => document.getElementById(id);
const chart = new Chart($("chart"));
let socket = null;
let pause = 500;
let state = null;
let divider = 0.5;
let pair = null;

// --- the line to the run

function connect() {
  socket = new WebSocket(`ws://${location.host}/ws`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    pause = 500;
    $("offline").hidden = true;
    watch();
    loadEffects();
  };
  socket.onmessage = ({ data }) => (typeof data === "string" ? hear(JSON.parse(data)) : see(data));
  socket.onclose = () => {
    $("offline").hidden = false;
    badge("not connected", "");
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, 5000);
  };
}

function ask(command) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command));
}

function watch() {
  ask({ watch: !document.hidden });
}
document.addEventListener("visibilitychange", watch);

function hear(message) {
  if (message.type === "error") complain(message.error);
  else show((state = message));
}

let complaint = 0;
function complain(text) {
  $("error").textContent = text;
  $("error").hidden = false;
  clearTimeout(complaint);
  complaint = setTimeout(() => ($("error").hidden = true), 6000);
}

// --- the preview

async function see(data) {
  const first = new DataView(data).getUint32(0);
  const parts = [data.slice(4, 4 + first), data.slice(4 + first)];
  try {
    pair = await Promise.all(parts.map((part) => createImageBitmap(new Blob([part], { type: "image/jpeg" }))));
  } catch {
    return;
  }
  $("nothing").hidden = true;
  draw();
}

function draw() {
  if (pair) {
    const canvas = $("preview");
    const [before, after] = pair;
    if (canvas.width !== after.width || canvas.height !== after.height) {
      canvas.width = after.width;
      canvas.height = after.height;
    }
    const context = canvas.getContext("2d");
    context.drawImage(after, 0, 0);
    const cut = Math.round(divider * before.width);
    if (cut > 0) context.drawImage(before, 0, 0, cut, before.height, 0, 0, cut, before.height);
  }
  $("divider").style.left = `${divider * 100}%`;
  $("divider").setAttribute("aria-valuenow", Math.round(divider * 100));
  document.querySelector(".tag.before").hidden = divider < 0.15;
  document.querySelector(".tag.after").hidden = divider > 0.85;
}

function move(to) {
  divider = Math.min(1, Math.max(0, to));
  draw();
}

const frame = $("frame");
const follow = (event) => {
  const box = frame.getBoundingClientRect();
  move((event.clientX - box.left) / box.width);
};
$("divider").addEventListener("pointerdown", (event) => {
  $("divider").setPointerCapture(event.pointerId);
  $("divider").addEventListener("pointermove", follow);
});
$("divider").addEventListener("pointerup", () => $("divider").removeEventListener("pointermove", follow));
$("divider").addEventListener("dblclick", () => move(0.5));
$("divider").addEventListener("keydown", (event) => {
  const steps = { ArrowLeft: -0.05, ArrowDown: -0.05, ArrowRight: 0.05, ArrowUp: 0.05, Home: -1, End: 1 };
  if (event.key in steps) {
    event.preventDefault();
    move(divider + steps[event.key]);
  }
});

// --- what people choose

async function loadEffects() {
  const answer = await fetch("/api/effects");
  if (!answer.ok) return;
  const { effects } = await answer.json();
  $("effects").replaceChildren(
    ...effects.filter((effect) => !effect.error).map((effect) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "effect";
      button.dataset.name = effect.name;
      button.title = effect.description;
      const picture = document.createElement(effect.preview ? "img" : "div");
      if (effect.preview) {
        picture.src = effect.preview;
        picture.alt = "";
      } else picture.className = "blank";
      const title = document.createElement("span");
      title.textContent = effect.title;
      button.append(picture, title);
      button.onclick = () => ask({ do: "effect", name: effect.name });
      return button;
    }),
  );
  if (state) show(state);
}

let dragging = false;
let sending = 0;
$("strength").addEventListener("input", () => {
  dragging = true;
  $("strength-value").textContent = percent($("strength").value);
  cancelAnimationFrame(sending);
  sending = requestAnimationFrame(() => ask({ do: "strength", value: Number($("strength").value) }));
});
$("strength").addEventListener("change", () => (dragging = false));
$("faces").onchange = () => ask({ do: "faces", choice: $("faces").value });
$("mirror").onclick = () => ask({ do: "mirror", on: !state?.mirror });
$("label").onclick = () => ask({ do: "label", on: !state?.label });
$("panic").onclick = panic;
$("panic-mode").onchange = () => state?.panic && ask({ do: "panic", mode: $("panic-mode").value });

function panic() {
  ask({ do: "panic", mode: state?.panic ? null : $("panic-mode").value });
}

function nudge(by) {
  if (state) ask({ do: "strength", value: Math.min(1, Math.max(0, Math.round((state.strength + by) * 100) / 100)) });
}

const KEYS = {
  " ": panic,
  n: () => ask({ do: "step", by: 1 }),
  p: () => ask({ do: "step", by: -1 }),
  "+": () => nudge(0.1),
  "=": () => nudge(0.1),
  "-": () => nudge(-0.1),
  m: () => ask({ do: "mirror", on: !state?.mirror }),
  "?": () => $("help").showModal(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("select, input") || $("help").open) return;
  const preset = state?.presets.find(({ key }) => key === event.key);
  const act = preset ? () => ask({ do: "preset", name: preset.name }) : KEYS[event.key];
  if (!act) return;
  // The panic key is the panic key, whatever button has the focus; Enter presses that.
  event.preventDefault();
  act();
});
document.addEventListener("keyup", (event) => {
  if (event.key === " " && !event.target.matches("select, input")) event.preventDefault();
});

// --- what the run says

const percent = (share) => `${Math.round(share * 100)} %`;

function badge(text, kind) {
  $("showing").textContent = text;
  $("showing").className = `badge ${kind}`;
}

const SHOWING = {
  live: ["LIVE", "live"], hold: ["HELD", "hidden"], blur: ["BLURRED", "hidden"], placeholder: ["CARD", "hidden"],
  panic: ["PANIC", "panic"], paused: ["RESTING", ""], "no camera": ["NO CAMERA", "hidden"],
};

function show(status) {
  badge(...(SHOWING[status.showing] ?? [status.showing, ""]));
  $("fps").textContent = status.fps.toFixed(1);
  $("delay").textContent = status.delay_ms === null ? "–" : `${Math.round(status.delay_ms)} ms`;
  $("cpu").textContent = `${status.cpu_cores.toFixed(1)} cores`;
  $("memory").textContent = `${Math.round(status.memory_mb)} MB`;
  if (!dragging) {
    $("strength").value = status.strength;
    $("strength-value").textContent = percent(status.strength);
  }
  if (document.activeElement !== $("faces")) $("faces").value = status.faces;
  if (status.panic) $("panic-mode").value = status.panic;
  $("mirror").setAttribute("aria-checked", status.mirror);
  $("label").setAttribute("aria-checked", status.label);
  $("panic").setAttribute("aria-pressed", status.panic !== null);
  $("panic").querySelector("strong").textContent = status.panic === null ? "PANIC" : "GO LIVE AGAIN";
  for (const button of document.querySelectorAll(".effect")) {
    button.setAttribute("aria-pressed", button.dataset.name === status.effect.name);
    button.classList.toggle("loading", button.dataset.name === status.loading);
  }
  showPresets(status.presets);
  showStages(status.stages_ms);
  showHealth(status);
  fill($("news"), status.news.slice(-5).reverse(), (line) => element("li", line));
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

// Only what changed is made anew: a screen reader would read it all again.
function fill(list, items, make) {
  const key = JSON.stringify(items);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...items.map(make));
}

function showPresets(presets) {
  $("presets").hidden = presets.length === 0;
  fill($("presets"), presets, (preset) => {
    const button = element("button", `${preset.name} `);
    button.type = "button";
    if (preset.key) button.append(element("kbd", preset.key));
    button.onclick = () => ask({ do: "preset", name: preset.name });
    return button;
  });
}

function showStages(stages) {
  chart.add(stages);
  const rows = [...STAGES, ["chain", null]].map(([name, colour]) => ({ name, colour, ...stages[name] }));
  fill($("stages").tBodies[0], rows, ({ name, colour, p50, p95, p99 }) => {
    const row = document.createElement("tr");
    if (!colour) row.className = "chain";
    row.append(element("td", name), ...[p50, p95, p99].map((ms) => element("td", ms.toFixed(1))));
    if (colour) {
      const dot = document.createElement("i");
      dot.style.background = colour;
      row.firstChild.prepend(dot);
    }
    return row;
  });
}

function showHealth(status) {
  const { camera, accelerator, outputs } = status;
  const items = [
    {
      name: `Camera: ${camera.name}`,
      kind: camera.status === "running" ? "good" : "warn",
      word: camera.status === "running" ? `${camera.width}×${camera.height}, ${camera.fps} fps` : camera.status,
      more: camera.status === "running" ? "" : camera.message,
    },
    {
      name: `Accelerator: ${accelerator.name}`,
      kind: accelerator.failure ? "bad" : "good",
      word: accelerator.failure ? "fails" : "works",
      more: accelerator.failure,
    },
    ...outputs.map((output) => ({
      name: output.name[0].toUpperCase() + output.name.slice(1),
      kind: { open: "good", lost: "warn", failed: "bad" }[output.status],
      word: output.status === "open" ? "takes pictures" : output.status,
      more: output.message,
    })),
  ];
  if (status.obs) items.push({ name: "OBS sync", kind: status.obs === "connected" ? "good" : "warn", word: status.obs, more: "" });
  fill($("health"), items, ({ name, kind, word, more }) => {
    const item = document.createElement("li");
    item.className = kind;
    item.append(document.createElement("i"), element("b", name), element("em", word));
    if (more) item.append(element("small", more));
    return item;
  });
}

draw();
connect();
