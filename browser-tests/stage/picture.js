// Small pictures: a PNG of at most 256 colours, which a page hardly exceeds, is a third as large.
import zlib, { deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MOST_COLOURS = 256;

// Node's own is not there before version 20.
const TABLE = Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});
const crc32 = zlib.crc32 ?? ((bytes) => {
  let crc = -1;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
});

const chunk = (kind, body) => {
  const named = Buffer.concat([Buffer.from(kind, "latin1"), body]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  check.writeUInt32BE(crc32(named) >>> 0);
  return Buffer.concat([length, named, check]);
};

const chunks = (png) => {
  const found = { IDAT: [] };
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    const kind = png.toString("latin1", at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (kind === "IDAT") found.IDAT.push(body); else found[kind] = body;
    at += length + 12;
  }
  return found;
};

/** Undoes a row's filter (PNG specification, section 9). */
const unfilter = (kind, row, above, step) => {
  for (let at = 0; at < row.length; at += 1) {
    const [left, up, corner] = [row[at - step] ?? 0, above[at] ?? 0, above[at - step] ?? 0];
    const guess = left + up - corner;
    const [toLeft, toUp, toCorner] = [left, up, corner].map((one) => Math.abs(guess - one));
    const nearest = toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    row[at] = (row[at] + [0, left, up, (left + up) >> 1, nearest][kind]) & 255;
  }
};

/** Makes a PNG as the browser takes it (8 bits a channel, not interlaced) small. */
export const small = (png) => {
  const { IHDR, IDAT } = chunks(png);
  const [width, height] = [IHDR.readUInt32BE(0), IHDR.readUInt32BE(4)];
  const step = IHDR[9] === 6 ? 4 : 3;
  const raw = inflateSync(Buffer.concat(IDAT));
  const colours = new Uint32Array(width * height);
  const uses = new Map();
  let above = [];
  for (let y = 0; y < height; y += 1) {
    const start = y * (width * step + 1);
    const row = raw.subarray(start + 1, start + 1 + width * step);
    unfilter(raw[start], row, above, step);
    above = row;
    for (let x = 0; x < width; x += 1) {
      const colour = (row[x * step] << 16) | (row[x * step + 1] << 8) | row[x * step + 2];
      colours[y * width + x] = colour;
      uses.set(colour, (uses.get(colour) ?? 0) + 1);
    }
  }
  const palette = [...uses].sort((a, b) => b[1] - a[1]).slice(0, MOST_COLOURS).map(([colour]) => colour);
  const parts = (colour) => [colour >> 16, (colour >> 8) & 255, colour & 255];
  const distance = (a, b) => parts(a).reduce((sum, part, at) => sum + (part - parts(b)[at]) ** 2, 0);
  const places = new Map(palette.map((colour, place) => [colour, place]));
  for (const colour of uses.keys()) {
    if (places.has(colour)) continue;
    const nearest = palette.reduce((best, other) => (distance(colour, other) < distance(colour, best) ? other : best));
    places.set(colour, places.get(nearest));
  }
  const rows = Buffer.alloc(height * (width + 1));
  for (let at = 0; at < colours.length; at += 1) {
    rows[Math.floor(at / width) * (width + 1) + 1 + (at % width)] = places.get(colours[at]);
  }
  const header = Buffer.from(IHDR);
  header[8] = 8;
  header[9] = 3;
  const body = [
    chunk("IHDR", header), chunk("PLTE", Buffer.from(palette.flatMap(parts))),
    chunk("IDAT", deflateSync(rows, { level: 9, memLevel: 9 })), chunk("IEND", Buffer.alloc(0)),
  ];
  return Buffer.concat([SIGNATURE, ...body]);
};
