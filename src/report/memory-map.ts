// The arena over time as an SVG picture: calls from left to right, bytes from bottom to top, one box a buffer.

import { escapeHtml } from './escape-html.ts';
import { formatCount } from './format-count.ts';
import type { Report, ReportBuffer } from './report.ts';

const width = 1000;
const height = 360;
const left = 80;
const bottom = 30;
const top = 10;

export function memoryMap({ arena, calls }: Report): string {
  const across = (call: number): number => round(left + (call / Math.max(calls.length, 1)) * (width - left));
  const up = (bytes: number): number =>
    round(height - bottom - (bytes / Math.max(arena.bytes, 1)) * (height - bottom - top));
  const boxes = arena.buffers.map((buffer, position) => box(buffer, position, across, up));
  const parts = [
    ...ticks(arena.bytes, up),
    ...boxes,
    line(arena.lowerBoundBytes, 'lower bound', up),
    axis(calls.length),
  ];
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Arena over time">${parts.join('')}</svg>`;
}

const round = (value: number): number => Math.round(value * 100) / 100;

function box(
  { name, offset, bytes, firstCall, lastCall }: ReportBuffer,
  position: number,
  across: (call: number) => number,
  up: (bytes: number) => number,
): string {
  const x = across(firstCall);
  const y = up(offset + bytes);
  const size = `width="${round(across(lastCall + 1) - x)}" height="${round(up(offset) - y)}"`;
  // Neighbours in the list differ in colour: steps of the golden angle.
  const hue = Math.round((position * 137.5) % 360);
  const title = `${name}: ${formatCount(bytes)} bytes at ${formatCount(offset)}, calls ${firstCall} to ${lastCall}`;
  return `<rect x="${x}" y="${y}" ${size} fill="hsl(${hue} 60% 65%)" stroke="#fff" stroke-width="0.5"><title>${escapeHtml(title)}</title></rect>`;
}

function line(bytes: number, label: string, up: (bytes: number) => number): string {
  const y = up(bytes);
  return (
    `<line x1="${left}" x2="${width}" y1="${y}" y2="${y}" stroke="#c00" stroke-dasharray="6 4"/>` +
    `<text x="${width - 4}" y="${round(y + 12)}" text-anchor="end" fill="#c00">${label}</text>`
  );
}

function ticks(bytes: number, up: (bytes: number) => number): readonly string[] {
  return [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = up(bytes * share);
    return (
      `<line x1="${left}" x2="${width}" y1="${y}" y2="${y}" stroke="#ddd"/>` +
      `<text x="${left - 6}" y="${round(y + 4)}" text-anchor="end">${formatCount(Math.round(bytes * share))}</text>`
    );
  });
}

const axis = (calls: number): string =>
  `<text x="${left}" y="${height - 8}">call 0</text>` +
  `<text x="${width}" y="${height - 8}" text-anchor="end">${Math.max(calls - 1, 0)}</text>` +
  `<text x="4" y="${height - 8}">bytes</text>`;
