// The page: makes a canvas for each panel, and draws those that are seen.

const PIXELS = 88; // of an inch of a panel's height

const tip = {
  box: document.body.appendChild(element("div", { class: "tip", "aria-hidden": "true" })),
  live: document.body.appendChild(element("div", { class: "unseen", "aria-live": "polite" })),
  show(text, event) {
    this.box.textContent = text;
    this.box.hidden = text === "";
    if (!text) return;
    const { innerWidth, innerHeight } = window;
    this.box.style.left = `${Math.min(event.clientX + 14, innerWidth - 330)}px`;
    const above = event.clientY > innerHeight * 0.6;
    this.box.style.top = above ? "" : `${event.clientY + 14}px`;
    this.box.style.bottom = above ? `${innerHeight - event.clientY + 14}px` : "";
  },
  say(text) {
    this.live.textContent = text;
  },
};
tip.box.hidden = true;

const AXIS = 62; // pixels that an axis of parallel coordinates needs

const NONE = { numbers: [], states: [], state_names: [], columns: [] };

/** One panel on the page. */
function makeView(panel, chart, palette) {
  const canvas = element("canvas", {
    tabindex: "0",
    role: "img",
    "aria-label": `${chart.title}${panel.title ? `, ${panel.title}` : ""}. ${described(panel)} ` +
      "Arrow keys go from trial to trial, Enter selects one, Escape all.",
  });
  const view = {
    canvas, panel, palette,
    width: 0, height: Math.round(chart.height * PIXELS),
    spots: [], ranges: new Map(), angles: [0.6, 0.4],
    chosen: null, focus: null, dragged: null, isSeen: false, isStale: true,
  };
  let waits = false;
  view.redraw = () => {
    view.isStale = true;
    if (waits || !view.isSeen) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      view.isStale = false;
      drawView(view);
      if (view.dragged) drawDragged(view);
    });
  };
  return view;
}

function described(panel) {
  if (panel.kind === "Parallel") return `Axes: ${panel.axes.map((axis) => axis.label).join(", ")}.`;
  const axes = [panel.x, panel.y, panel.z].filter((axis) => axis?.label);
  return axes.length ? `Axes: ${axes.map((axis) => axis.label).join(", ")}.` : "";
}

function drawDragged({ canvas, dragged: [[x0, y0], [x1, y1]] }) {
  const pen = canvas.getContext("2d");
  pen.strokeStyle = ink().mark;
  pen.lineWidth = 1;
  pen.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
}

function legend(panel, palette) {
  const marks = (panel.marks ?? []).filter((mark) => mark.label);
  const list = element("ul", { class: "legend" });
  for (const mark of marks) {
    const item = element("li");
    const key = element("span", { class: `key ${mark.kind.toLowerCase()} ${mark.symbol ?? ""}` });
    if (mark.dashed) key.classList.add("dashed");
    key.style.color = painted(palette, typeof mark.color === "number" ? mark.color : 0);
    item.append(key, element("span", {}, mark.label));
    list.append(item);
  }
  return marks.length ? list : null;
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const view = entry.target.view;
    view.isSeen = entry.isIntersecting;
    if (view.isSeen && view.isStale) view.redraw();
  }
}, { rootMargin: "300px" });

const sized = new ResizeObserver((entries) => {
  for (const entry of entries) {
    const view = entry.target.view;
    const width = Math.round(entry.contentRect.width);
    if (width === view.width) continue;
    view.width = width;
    view.ranges.clear();
    view.redraw();
  }
});

function start() {
  const told = JSON.parse(document.getElementById("data").textContent);
  const columns = told.columns.map(decoded);
  const groups = told.groups.map((group) => resolved(group, columns));
  const selections = groups.map((group) => new Selection(group.trials ?? NONE));
  for (const host of document.querySelectorAll(".panels")) {
    const selection = selections[host.dataset.group];
    const chart = groups[host.dataset.group].charts[host.dataset.chart];
    host.classList.add(`columns-${chart.columns}`);
    for (const panel of chart.panels) {
      const view = makeView(panel, chart, told.palette);
      const cell = element("div", { class: "panel" });
      const hold = element("div", { class: "hold" });
      hold.style.height = `${view.height}px`;
      if (panel.kind === "Parallel") {
        hold.style.minWidth = `${panel.axes.length * AXIS + 130}px`;
        view.canvas.style.touchAction = "pan-x"; // up and down is brushing
      }
      hold.append(view.canvas);
      cell.append(hold);
      const keys = legend(panel, told.palette);
      if (keys) cell.append(keys);
      host.append(cell);
      selection.views.push(view);
      hold.view = view;
      listen(view, selection, tip);
      sized.observe(hold);
      seen.observe(hold);
    }
  }
  for (const host of document.querySelectorAll(".selection")) {
    selectionPanel(host, selections[host.dataset.group]);
  }
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.addEventListener("click", () => copy(button));
  }
  darkness.addEventListener("change", () => selections.forEach((each) => each.changed()));
  document.body.dataset.ready = "yes";
}

/** Put the text of an element on the clipboard; where a browser forbids that, select it. */
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = "Selected; press Ctrl+C";
  }
}

start();
