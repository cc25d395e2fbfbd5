// Numbers: columns from text, scales, ticks, colours.

const VIRIDIS = [
  [68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142],
  [31, 158, 137], [53, 183, 121], [110, 206, 88], [181, 222, 43], [253, 231, 37],
];
const BLUE_RED = [[5, 48, 97], [67, 147, 195], [247, 247, 247], [214, 96, 77], [103, 0, 31]];

const KINDS = { f: Float32Array, d: Float64Array, i: Int32Array };

/** A typed array from a letter for its type and its bytes in base 64. */
function decoded(text) {
  const bytes = Uint8Array.from(atob(text.slice(1)), (c) => c.charCodeAt(0));
  return new KINDS[text[0]](bytes.buffer);
}

/** Replace references to columns by the columns, everywhere below a value. */
function resolved(value, columns) {
  if (Array.isArray(value)) return value.map((each) => resolved(each, columns));
  if (value === null || typeof value !== "object") return value;
  if ("column" in value) return columns[value.column];
  for (const key of Object.keys(value)) value[key] = resolved(value[key], columns);
  return value;
}

const darkness = matchMedia("(prefers-color-scheme: dark)");

/** The colour of a number, which stands out from the background where a shade says so. */
function shaded(shade, number) {
  const log = shade.scale === "log";
  const [low, high, at] = [shade.low, shade.high, number].map((n) => (log ? Math.log(n) : n));
  let place = Math.min(1, Math.max(0, (at - low) / (high - low || 1)));
  if (!shade.diverging && shade.reverse !== darkness.matches) place = 1 - place;
  const stops = shade.diverging ? BLUE_RED : VIRIDIS;
  const along = place * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(along));
  const part = along - index;
  const mixed = stops[index].map((c, i) => Math.round(c + part * (stops[index + 1][i] - c)));
  return `rgb(${mixed.join(",")})`;
}

/** A number as people read it. */
function shown(number) {
  if (Number.isNaN(number)) return "–";
  if (Number.isInteger(number) && Math.abs(number) < 1e6) return String(number);
  const told = Number(number.toPrecision(5));
  return Math.abs(told) < 1e-3 || Math.abs(told) >= 1e6 ? told.toExponential() : String(told);
}

/** What stands for a number on an axis or in a table: a name, or the number. */
function worded(number, names) {
  if (Number.isNaN(number)) return "inactive";
  return names.length ? names[Math.round(number)] ?? "" : shown(number);
}

/** The least and the greatest number of arrays, ignoring what is not finite or can't be shown. */
function extent(arrays, log) {
  let low = Infinity, high = -Infinity;
  for (const array of arrays) {
    for (const number of array) {
      if (!Number.isFinite(number) || (log && number <= 0)) continue;
      if (number < low) low = number;
      if (number > high) high = number;
    }
  }
  if (low > high) return log ? [0.1, 1] : [0, 1];
  if (log) return low < high ? [low, high] : [low / 2, high * 2];
  const room = (high - low) * 0.04 || Math.abs(high) * 0.05 || 0.5;
  return [low - room, high + room];
}

/** A map from numbers on an axis to pixels, with its inverse and its ticks. */
function scaleOf(axis, arrays, from, to) {
  const log = axis.scale === "log";
  const told = axis.low === null || axis.high === null ? extent(arrays, log) : [];
  const low = axis.low ?? told[0], high = axis.high ?? told[1];
  const [begin, end] = axis.descending ? [to, from] : [from, to];
  const [a, b] = log ? [Math.log(low), Math.log(high)] : [low, high];
  const scale = (number) =>
    begin + (((log ? Math.log(number) : number) - a) / (b - a || 1)) * (end - begin);
  scale.invert = (pixel) => {
    const number = a + ((pixel - begin) / (end - begin)) * (b - a);
    return log ? Math.exp(number) : number;
  };
  scale.ticks = (count) => ticksOf(axis, low, high, count);
  return scale;
}

/** Positions and texts of ticks. */
function ticksOf(axis, low, high, count) {
  if (axis.names.length) {
    const step = Math.max(1, Math.ceil(axis.names.length / (count * 6)));
    return axis.names
      .map((name, at) => [at, name])
      .filter(([at, name]) => name !== "" && at % step === 0);
  }
  if (axis.scale === "log") {
    const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
    if (last - first >= 1) {
      const step = Math.ceil((last - first + 1) / (count + 1));
      const powers = [];
      for (let power = first; power <= last; power += step) powers.push(power);
      return powers.map((p) => [10 ** p, Math.abs(p) < 4 ? shown(10 ** p) : `1e${p}`]);
    }
  }
  const wide = (high - low) / Math.max(1, count);
  const magnitude = 10 ** Math.floor(Math.log10(wide));
  let step = [1, 2, 5, 10].map((f) => f * magnitude).find((s) => s >= wide * 0.8);
  if (axis.whole) step = Math.max(1, Math.round(step));
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at++) {
    found.push([at * step, shown(Number((at * step).toPrecision(12)))]);
  }
  return found;
}
