// Pictures: one canvas for each panel.

const INK = { text: "#1c1c1c", faint: "#5a5a5a", grid: "#e3e3e3", back: "#ffffff", mark: "#000000" };
const DARK = { text: "#e8e8e8", faint: "#ababab", grid: "#3a3f46", back: "#1a1d21", mark: "#ffffff" };
const FAINT = 0.08; // the opacity of what is not selected
const MANY = 3000; // points beyond which they are drawn as squares, which is faster
const FONT = "12px system-ui, sans-serif";

const ink = () => (darkness.matches ? DARK : INK);

/** A panel's canvas, made ready to be drawn on in CSS pixels. */
function prepared(view) {
  const ratio = window.devicePixelRatio || 1;
  const { canvas, width, height } = view;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = ink().back;
  pen.fillRect(0, 0, width, height);
  pen.font = FONT;
  return pen;
}

/** Text that is cut off where there is no room. */
function fitted(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  let kept = text;
  while (kept.length > 1 && pen.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1);
  return `${kept}…`;
}

function drawView(view) {
  if (view.width < 40) return;
  view.spots = [];
  const pen = prepared(view);
  if (view.panel.kind === "Parallel") drawParallel(view, pen);
  else if (view.panel.z) drawCube(view, pen);
  else drawPlane(view, pen);
}

// ---- planes

function drawPlane(view, pen) {
  const { panel, width, height } = view;
  const longest = Math.max(0, ...panel.y.names.map((name) => pen.measureText(name).width));
  const left = panel.y.names.length ? Math.min(longest + 14, width * 0.48) : 62;
  const right = panel.shade ? 78 : 14;
  const names = panel.x.names.map((name) => pen.measureText(name).width);
  const room = (width - left - right) / Math.max(1, names.length);
  view.turned = names.some((each) => each > room - 6);
  const bottom = (panel.x.label ? 40 : 22) + (view.turned ? 42 : 0);
  const frame = { left, right: width - right, top: panel.title ? 26 : 10, bottom: height - bottom };
  view.frame = frame;
  const parts = (key, ...others) =>
    panel.marks.flatMap((mark) => [key, ...others].map((k) => mark[k]).filter((a) => a?.length));
  view.sx = scaleOf(panel.x, parts("x", "left", "right"), frame.left, frame.right);
  view.sy = scaleOf(panel.y, parts("y", "low", "high", "bottom", "top"), frame.bottom, frame.top);
  drawGrid(view, pen);
  pen.save();
  pen.beginPath();
  pen.rect(frame.left, frame.top - 4, frame.right - frame.left, frame.bottom - frame.top + 8);
  pen.clip();
  for (const mark of panel.marks) DRAWERS[mark.kind](view, pen, mark);
  drawFocus(view, pen);
  pen.restore();
  if (panel.shade) drawShade(view, pen, panel.shade);
}

function drawGrid(view, pen) {
  const { panel, frame, sx, sy, width } = view;
  const { text, faint, grid } = ink();
  pen.lineWidth = 1;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  for (const [at, name] of sy.ticks(Math.max(2, Math.round((frame.bottom - frame.top) / 34)))) {
    const y = sy(at);
    if (y < frame.top - 1 || y > frame.bottom + 1) continue;
    if (!panel.y.names.length) line(pen, grid, frame.left, y, frame.right, y);
    pen.fillStyle = text;
    pen.fillText(fitted(pen, name, frame.left - 8), frame.left - 6, y);
  }
  pen.textBaseline = "top";
  pen.textAlign = "center";
  for (const [at, name] of sx.ticks(Math.max(2, Math.round((frame.right - frame.left) / 62)))) {
    const x = sx(at);
    if (x < frame.left - 1 || x > frame.right + 1) continue;
    if (!panel.x.names.length) line(pen, grid, x, frame.top, x, frame.bottom);
    pen.fillStyle = text;
    if (view.turned) turned(pen, fitted(pen, name, 66), x, frame.bottom + 6);
    else pen.fillText(name, x, frame.bottom + 6);
  }
  line(pen, faint, frame.left, frame.bottom, frame.right, frame.bottom);
  line(pen, faint, frame.left, frame.top, frame.left, frame.bottom);
  pen.fillStyle = text;
  pen.textBaseline = "bottom";
  const middle = (frame.left + frame.right) / 2;
  pen.fillText(fitted(pen, panel.x.label, width - 8), middle, view.height - 3);
  if (panel.title) {
    pen.textBaseline = "top";
    pen.font = `600 ${FONT}`;
    pen.fillText(fitted(pen, panel.title, width - 8), Math.max(middle, width / 2), 4);
    pen.font = FONT;
  }
  if (panel.y.label) {
    pen.save();
    pen.translate(10, (frame.top + frame.bottom) / 2);
    pen.rotate(-Math.PI / 2);
    pen.textBaseline = "middle";
    pen.fillText(fitted(pen, panel.y.label, frame.bottom - frame.top), 0, 0);
    pen.restore();
  }
}

function turned(pen, text, x, y) {
  pen.save();
  pen.translate(x, y);
  pen.rotate(-0.6);
  pen.textAlign = "right";
  pen.fillText(text, 2, 0);
  pen.restore();
}

function line(pen, color, x0, y0, x1, y1) {
  pen.strokeStyle = color;
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

/** A colour of the palette; lighter on a dark background. */
function painted(palette, index) {
  return darkness.matches ? `color-mix(in srgb, ${palette[index]} 70%, white)` : palette[index];
}

const colorOf = (view, mark, at) =>
  typeof mark.color === "number"
    ? painted(view.palette, mark.color)
    : shaded(view.panel.shade, mark.color[at]);

const opacityOf = (view, mark, at, usual) =>
  mark.trials && view.chosen && !view.chosen.has(mark.trials[at]) ? FAINT : usual;

const DRAWERS = {
  Points(view, pen, mark) {
    for (let at = 0; at < mark.x.length; at++) {
      drawPoint(view, pen, mark, at, view.sx(mark.x[at]), view.sy(mark.y[at]));
    }
    pen.globalAlpha = 1;
  },
  Line(view, pen, mark) {
    pen.strokeStyle = painted(view.palette, mark.color);
    pen.setLineDash(mark.dashed ? [6, 4] : []);
    pen.lineWidth = mark.width;
    for (const [first, last] of runsOf(mark)) {
      const usual = mark.trials ? 0.5 : 1;
      pen.globalAlpha = opacityOf(view, mark, first, usual);
      pen.beginPath();
      for (let at = first; at < last; at++) {
        const x = view.sx(mark.x[at]), y = view.sy(mark.y[at]);
        if (at === first) pen.moveTo(x, y);
        else {
          if (mark.step) pen.lineTo(x, view.sy(mark.y[at - 1]));
          pen.lineTo(x, y);
        }
        if (mark.trials) view.spots.push([x, y, mark.trials[at]]);
      }
      pen.stroke();
    }
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  },
  Band(view, pen, mark) {
    pen.fillStyle = painted(view.palette, mark.color);
    pen.globalAlpha = 0.2;
    pen.beginPath();
    for (let at = 0; at < mark.x.length; at++) pen.lineTo(view.sx(mark.x[at]), view.sy(mark.low[at]));
    for (let at = mark.x.length - 1; at >= 0; at--) {
      pen.lineTo(view.sx(mark.x[at]), view.sy(mark.high[at]));
    }
    pen.fill();
    pen.globalAlpha = 1;
  },
  Boxes(view, pen, mark) {
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (let at = 0; at < mark.left.length; at++) {
      const x0 = view.sx(mark.left[at]), x1 = view.sx(mark.right[at]);
      const y0 = view.sy(mark.top[at]), y1 = view.sy(mark.bottom[at]);
      pen.globalAlpha = opacityOf(view, mark, at, 1);
      if (typeof mark.color !== "number" && Number.isNaN(mark.color[at])) continue;
      pen.fillStyle = colorOf(view, mark, at);
      const overlap = typeof mark.color === "number" ? 0 : 0.6; // no seams between cells
      pen.fillRect(x0, y0, Math.max(0.6, x1 - x0 + overlap), y1 - y0 + overlap);
      const middle = [(x0 + x1) / 2, (y0 + y1) / 2];
      if (mark.trials) view.spots.push([...middle, mark.trials[at]]);
      if (mark.texts[at] && x1 - x0 > 26) {
        pen.fillStyle = Math.abs(mark.color[at]) > 0.6 ? "#fff" : "#000";
        pen.fillText(mark.texts[at], ...middle);
      }
    }
    pen.globalAlpha = 1;
  },
};

/** The parts of a line between gaps, each of one trial where it has trials. */
function* runsOf(mark) {
  let first = 0;
  for (let at = 0; at <= mark.x.length; at++) {
    const ends = at === mark.x.length || Number.isNaN(mark.y[at]) || Number.isNaN(mark.x[at]);
    if (ends) {
      if (at > first) yield [first, at];
      first = at + 1;
    }
  }
}

function drawPoint(view, pen, mark, at, x, y) {
  pen.globalAlpha = opacityOf(view, mark, at, 0.85);
  if (mark.trials) view.spots.push([x, y, mark.trials[at]]);
  const half = mark.size * 0.66;
  const color = colorOf(view, mark, at);
  pen.fillStyle = pen.strokeStyle = color;
  if (mark.symbol === "cross") {
    pen.lineWidth = 1.6;
    line(pen, color, x - half, y - half, x + half, y + half);
    line(pen, color, x - half, y + half, x + half, y - half);
  } else if (mark.x.length > MANY) {
    pen.fillRect(x - half, y - half, 2 * half, 2 * half);
  } else if (mark.symbol === "diamond") {
    pen.beginPath();
    for (const [dx, dy] of [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]]) {
      pen.lineTo(x + dx * half, y + dy * half);
    }
    pen.fill();
  } else {
    pen.beginPath();
    pen.arc(x, y, half, 0, 7);
    pen.fill();
  }
}

/** A ring around the trial that is pointed at. */
function drawFocus(view, pen) {
  if (view.focus === null) return;
  pen.lineWidth = 2;
  pen.strokeStyle = ink().mark;
  let drawn = 0;
  for (const [x, y, trial] of view.spots) {
    if (trial !== view.focus || drawn++ > 60) continue;
    pen.beginPath();
    pen.arc(x, y, 7, 0, 7);
    pen.stroke();
  }
}

function drawShade(view, pen, shade) {
  const { frame } = view;
  const x = view.width - 66, size = frame.bottom - frame.top;
  const axis = { scale: shade.scale, low: shade.low, high: shade.high, names: [], whole: false };
  const scale = scaleOf(axis, [], frame.bottom, frame.top);
  for (let y = 0; y < size; y++) {
    pen.fillStyle = shaded(shade, scale.invert(frame.top + y + 0.5));
    pen.fillRect(x, frame.top + y, 10, 1.5);
  }
  pen.fillStyle = ink().text;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  for (const [at, text] of scale.ticks(Math.max(2, Math.round(size / 50)))) {
    pen.fillText(fitted(pen, text, 38), x + 13, scale(at));
  }
  pen.save();
  pen.translate(view.width - 7, (frame.top + frame.bottom) / 2);
  pen.rotate(-Math.PI / 2);
  pen.textAlign = "center";
  pen.fillText(fitted(pen, shade.label, size), 0, 0);
  pen.restore();
}

// ---- cubes

const CORNERS = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => [i & 1, (i >> 1) & 1, (i >> 2) & 1]);
const EDGES = CORNERS.flatMap((a, i) =>
  CORNERS.map((b, j) => [i, j]).filter(
    ([, j]) => j > i && CORNERS[j].reduce((n, c, k) => n + Math.abs(c - a[k]), 0) === 1,
  ),
);

function drawCube(view, pen) {
  const { panel, width, height } = view;
  view.frame = { left: 10, right: width - 80, top: 12, bottom: height - 16 };
  const size = Math.min(width - 170, height) * 0.58;
  const centre = [(width - 80) / 2, height / 2];
  const [turn, tilt] = view.angles;
  const project = (point) => {
    const [x, y, z] = point.map((c) => c - 0.5);
    const u = x * Math.cos(turn) - y * Math.sin(turn), v = x * Math.sin(turn) + y * Math.cos(turn);
    const across = centre[0] + u * size;
    const down = centre[1] - (z * Math.cos(tilt) - v * Math.sin(tilt)) * size;
    return [across, down, v * Math.cos(tilt) + z * Math.sin(tilt)];
  };
  const corners = CORNERS.map(project);
  const nearest = corners.reduce((best, corner, i) => (corner[2] > corners[best][2] ? i : best), 0);
  pen.lineWidth = 1;
  for (const [i, j] of EDGES) {
    if (i !== nearest && j !== nearest) line(pen, ink().grid, ...corners[i].slice(0, 2), ...corners[j].slice(0, 2));
  }
  const axes = [panel.x, panel.y, panel.z];
  const scales = axes.map((axis) => scaleOf(axis, [], 0, 1));
  axes.forEach((axis, k) => drawCubeAxis(pen, axis, scales[k], k, project, centre));
  for (const mark of panel.marks) {
    const numbers = [mark.x, mark.y, mark.z];
    const points = Array.from(mark.x, (_, at) => project(scales.map((s, k) => s(numbers[k][at]))));
    const order = points.map((_, at) => at).sort((a, b) => points[a][2] - points[b][2]);
    for (const at of order) drawPoint(view, pen, mark, at, points[at][0], points[at][1]);
    pen.globalAlpha = 1;
  }
  drawFocus(view, pen);
  drawShade(view, pen, panel.shade);
}

function drawCubeAxis(pen, axis, scale, k, project, centre) {
  // the edge furthest from the middle of the picture, so that its texts are outside
  const ends = CORNERS.filter((corner) => corner[k] === 0).map((corner) => {
    const other = corner.map((c, i) => (i === k ? 1 : c));
    const [a, b] = [project(corner), project(other)];
    const away = k === 2 ? Math.abs((a[0] + b[0]) / 2 - centre[0]) : (a[1] + b[1]) / 2;
    return { corner, away: away - (k === 2 && a[0] > centre[0] ? 1 : 0) };
  });
  const { corner } = ends.reduce((best, each) => (each.away > best.away ? each : best));
  const at = (place) => project(corner.map((c, i) => (i === k ? place : c)));
  const outward = (point, by) => {
    const [dx, dy] = [point[0] - centre[0], point[1] - centre[1]];
    const long = Math.hypot(dx, dy) || 1;
    return [point[0] + (dx / long) * by, point[1] + (dy / long) * by];
  };
  const { text, faint } = ink();
  line(pen, faint, ...at(0).slice(0, 2), ...at(1).slice(0, 2));
  pen.fillStyle = text;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  for (const [number, name] of scale.ticks(4)) {
    const place = scale(number);
    if (place >= -0.001 && place <= 1.001) pen.fillText(name, ...outward(at(place), 14));
  }
  pen.font = `600 ${FONT}`;
  pen.fillText(axis.label, ...outward(at(0.5), 40 + (k === 2 ? pen.measureText(axis.label).width / 2 : 0)));
  pen.font = FONT;
}

// ---- parallel coordinates

const BELOW = 26; // pixels below an axis, for inactive parameters

function drawParallel(view, pen) {
  const { panel, width, height } = view;
  const top = 44, bottom = height - BELOW - 16;
  view.frame = { left: 40, right: width - 130, top, bottom };
  const step = (view.frame.right - view.frame.left) / Math.max(1, panel.axes.length - 1);
  view.places = panel.axes.map((_, i) => view.frame.left + i * step);
  view.scales = panel.axes.map((axis, i) => scaleOf(axis, [panel.rows[i]], bottom, top));
  const heights = (at) =>
    panel.axes.map((_, i) => {
      const number = panel.rows[i][at];
      return Number.isNaN(number) ? bottom + BELOW : view.scales[i](number);
    });
  pen.lineWidth = panel.trials.length > MANY ? 0.6 : 1;
  const faintFirst = [...panel.trials.keys()];
  if (view.chosen) {
    faintFirst.sort((a, b) => view.chosen.has(panel.trials[a]) - view.chosen.has(panel.trials[b]));
  }
  for (const at of faintFirst) {
    pen.globalAlpha = opacityOf(view, panel, at, 0.55);
    drawRow(view, pen, heights(at), shaded(panel.shade, panel.color[at]));
    const y = heights(at);
    view.places.forEach((x, i) => view.spots.push([x, y[i], panel.trials[at]]));
  }
  pen.globalAlpha = 1;
  const focused = panel.trials.indexOf(view.focus);
  if (view.focus !== null && focused >= 0) {
    pen.lineWidth = 3;
    drawRow(view, pen, heights(focused), ink().mark);
  }
  panel.axes.forEach((axis, i) => drawParallelAxis(view, pen, axis, i, step));
  drawShade(view, pen, panel.shade);
}

function drawRow(view, pen, heights, color) {
  pen.strokeStyle = color;
  pen.beginPath();
  heights.forEach((y, i) => pen.lineTo(view.places[i], y));
  pen.stroke();
}

function drawParallelAxis(view, pen, axis, i, step) {
  const { text, faint, back, mark } = ink();
  const { top, bottom } = view.frame;
  const x = view.places[i];
  pen.lineWidth = 1.2;
  line(pen, faint, x, top, x, bottom);
  const range = view.ranges.get(i);
  if (range) {
    pen.fillStyle = mark;
    pen.globalAlpha = 0.25;
    pen.fillRect(x - 8, Math.min(...range), 16, Math.abs(range[1] - range[0]));
    pen.globalAlpha = 1;
  }
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  for (const [at, name] of view.scales[i].ticks(5)) {
    const label = fitted(pen, name, Math.max(24, step - 12)), y = view.scales[i](at);
    pen.globalAlpha = 0.75;
    pen.fillStyle = back;
    pen.fillRect(x + 3, y - 7, pen.measureText(label).width + 2, 14);
    pen.globalAlpha = 1;
    pen.fillStyle = text;
    pen.fillText(label, x + 4, y);
  }
  pen.font = `600 ${FONT}`;
  const label = fitted(pen, axis.label, Math.max(60, step * 2 - 12));
  pen.textAlign = "center";
  const half = pen.measureText(label).width / 2;
  pen.fillText(label, Math.max(half + 2, x), i % 2 ? 28 : 12);
  pen.font = FONT;
  pen.textAlign = "center";
  pen.fillStyle = faint;
  if (view.panel.rows[i].some(Number.isNaN)) pen.fillText("inactive", x, bottom + BELOW + 10);
}
