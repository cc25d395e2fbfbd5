// Pointing and selecting: by mouse, by touch and by keyboard; the same in all figures of a study.

const NEAR = 14; // pixels
const MOST_ROWS = 25;

/** What is selected and pointed at in a study, and who must draw when that changes. */
class Selection {
  constructor(trials) {
    this.trials = trials;
    this.at = new Map(Array.from(trials.numbers, (number, at) => [number, at]));
    this.views = [];
    this.chosen = null;
    this.focus = null;
    this.listeners = [];
  }

  choose(numbers) {
    this.chosen = numbers === null ? null : new Set(numbers);
    if (numbers === null) for (const view of this.views) view.ranges.clear();
    this.changed();
  }

  point(number) {
    if (number === this.focus) return;
    this.focus = number;
    this.changed();
  }

  changed() {
    for (const view of this.views) {
      view.chosen = this.chosen;
      view.focus = this.focus;
      view.redraw();
    }
    for (const listener of this.listeners) listener();
  }

  /** One line about a trial. */
  told(number) {
    const at = this.at.get(number);
    if (at === undefined) return `trial ${number}`;
    const state = this.trials.state_names[this.trials.states[at]];
    const parts = this.trials.columns
      .filter((column) => !Number.isNaN(column.numbers[at]))
      .map((column) => `${column.name} ${worded(column.numbers[at], column.names)}`);
    return `trial ${number}, ${state}: ${parts.join(", ")}`;
  }
}

/** The trial that is drawn nearest to a place, if one is near. */
function nearest(view, x, y, reach = NEAR) {
  let best = null, least = reach * reach;
  for (const [a, b, trial] of view.spots) {
    const far = (a - x) ** 2 + (b - y) ** 2;
    if (far < least) [best, least] = [trial, far];
  }
  return best;
}

const within = (n, a, b) => n >= Math.min(a, b) && n <= Math.max(a, b);

/** Choose the trials of all ranges that are marked on the axes of parallel coordinates. */
function chooseByRanges(view, selection) {
  const { panel } = view;
  if (!view.ranges.size) return selection.choose(null);
  const inside = (at) =>
    [...view.ranges].every(([i, [a, b]]) => {
      const number = panel.rows[i][at];
      const y = Number.isNaN(number) ? view.frame.bottom + BELOW : view.scales[i](number);
      return within(y, a, b);
    });
  return selection.choose([...panel.trials].filter((_, at) => inside(at)));
}

/** Let people point at a panel, drag on it, and use its keys. */
function listen(view, selection, tip) {
  const { canvas } = view;
  let start = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    start = { from: place(event), angles: [...view.angles], axis: axisAt(view, place(event)) };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (start) return drag(view, selection, start, at);
    selection.point(nearest(view, ...at));
    tip.show(selection.focus === null ? "" : selection.told(selection.focus), event);
    return undefined;
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!start) return;
    const begun = start;
    start = null;
    view.dragged = null;
    drop(view, selection, begun, place(event));
  });
  canvas.addEventListener("pointercancel", () => {
    start = null;
    view.dragged = null;
  });
  canvas.addEventListener("pointerleave", () => {
    selection.point(null);
    tip.show("");
  });
  canvas.addEventListener("keydown", (event) => key(view, selection, tip, event));
}

function axisAt(view, [x]) {
  if (view.panel.kind !== "Parallel") return -1;
  return view.places.findIndex((each) => Math.abs(each - x) < 18);
}

function drag(view, selection, start, at) {
  if (view.panel.z) {
    view.angles = [
      start.angles[0] - (at[0] - start.from[0]) * 0.01,
      Math.min(1.5, Math.max(-1.5, start.angles[1] + (at[1] - start.from[1]) * 0.01)),
    ];
    view.redraw();
  } else if (start.axis >= 0) {
    view.ranges.set(start.axis, [start.from[1], at[1]]);
    view.redraw();
  } else if (view.panel.kind !== "Parallel") {
    view.dragged = [start.from, at];
    view.redraw();
  }
}

function drop(view, selection, start, at) {
  const [[x0, y0], [x1, y1]] = [start.from, at];
  const moved = Math.hypot(x1 - x0, y1 - y0) > 4;
  if (start.axis >= 0) {
    if (!moved) view.ranges.delete(start.axis);
    chooseByRanges(view, selection);
  } else if (!moved) {
    const trial = nearest(view, x1, y1);
    selection.choose(trial === null ? null : [trial]);
  } else if (!view.panel.z && view.panel.kind !== "Parallel") {
    const found = view.spots.filter(([x, y]) => within(x, x0, x1) && within(y, y0, y1));
    selection.choose(found.length ? found.map((spot) => spot[2]) : null);
  }
}

/** Arrows go from trial to trial, Enter selects, Escape ends all of it; in cubes, arrows turn. */
function key(view, selection, tip, event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step && view.panel.z && event.shiftKey) {
    view.angles[event.key.endsWith("t") ? 0 : 1] += 0.1 * step;
    view.redraw();
  } else if (step) {
    const order = [...new Set([...view.spots].sort((a, b) => a[0] - b[0]).map((spot) => spot[2]))];
    if (!order.length) return;
    const now = order.indexOf(selection.focus);
    selection.point(order[(now + step + order.length) % order.length]);
    tip.say(selection.told(selection.focus));
  } else if (event.key === "Enter" && selection.focus !== null) {
    selection.choose([selection.focus]);
  } else if (event.key === "Escape") {
    selection.point(null);
    selection.choose(null);
  } else return;
  event.preventDefault();
}

/** A form that selects by numbers, and the table of what is selected. */
function selectionPanel(host, selection) {
  const { trials } = selection;
  const column = element("select", { id: `column-${host.dataset.group}` });
  trials.columns.forEach((each, at) => column.append(element("option", { value: at }, each.name)));
  const from = element("input", { type: "number", step: "any", "aria-label": "from", placeholder: "from" });
  const to = element("input", { type: "number", step: "any", "aria-label": "to", placeholder: "to" });
  const value = element("select", { "aria-label": "value" });
  const apply = element("button", { type: "button" }, "Select");
  const clear = element("button", { type: "button" }, "Select all");
  const count = element("output");
  const table = element("div", { class: "table" });
  const offered = () => {
    const { names } = trials.columns[column.value];
    from.hidden = to.hidden = names.length > 0;
    value.hidden = !names.length;
    value.replaceChildren(...names.map((name, at) => element("option", { value: at }, name)));
  };
  column.addEventListener("change", offered);
  apply.addEventListener("click", () => {
    const { numbers, names } = trials.columns[column.value];
    const low = names.length ? Number(value.value) : from.value === "" ? -Infinity : Number(from.value);
    const high = names.length ? low : to.value === "" ? Infinity : Number(to.value);
    selection.choose([...trials.numbers].filter((_, at) => numbers[at] >= low && numbers[at] <= high));
  });
  clear.addEventListener("click", () => selection.choose(null));
  const label = element("label", { for: column.id }, "Select trials by ");
  host.append(label, column, value, from, to, apply, clear, count, table);
  offered();
  let before;
  const listener = () => {
    if (selection.chosen === before) return;
    before = selection.chosen;
    const total = trials.numbers.length;
    count.textContent = before ? `${before.size} of ${total} trials selected` : `${total} trials`;
    table.replaceChildren(...(before?.size ? [selectedTable(selection)] : []));
  };
  selection.listeners.push(listener);
  before = undefined;
  listener();
}

function selectedTable(selection) {
  const { trials, chosen, at } = selection;
  const numbers = [...chosen].filter((n) => at.has(n)).sort((a, b) => a - b);
  const table = element("table");
  const caption = numbers.length > MOST_ROWS ? `The first ${MOST_ROWS} of the selected trials` : "Selected trials";
  table.append(element("caption", {}, caption));
  const head = element("tr");
  for (const name of ["trial", "state", ...trials.columns.map((column) => column.name)]) {
    head.append(element("th", { scope: "col" }, name));
  }
  table.append(head);
  for (const number of numbers.slice(0, MOST_ROWS)) {
    const index = at.get(number), row = element("tr");
    row.append(element("th", { scope: "row" }, number));
    row.append(element("td", {}, trials.state_names[trials.states[index]]));
    for (const { numbers: cells, names } of trials.columns) {
      const cell = cells[index];
      row.append(element("td", {}, Number.isNaN(cell) ? "" : worded(cell, names)));
    }
    table.append(row);
  }
  return table;
}

/** An element with attributes and a text; never markup. */
function element(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key_, value] of Object.entries(attributes)) made.setAttribute(key_, value);
  if (text !== "") made.textContent = text;
  return made;
}
