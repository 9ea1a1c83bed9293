// The report as one HTML page that needs nothing else: no script, no font, no network.

import { escapeHtml } from './escape-html.ts';
import { formatCount } from './format-count.ts';
import { memoryMap } from './memory-map.ts';
import type { Report, ReportPort } from './report.ts';

const style = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 0.5rem 0 1.5rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.15rem 0.9rem 0.15rem 0; border-bottom: 1px solid #eee; }
th.n, td.n { text-align: right; }
svg { width: 100%; font: 11px system-ui, sans-serif; }
h2 { margin-top: 2rem; }
`;

export function reportPage(report: Report): string {
  const { model, target, math, arena, totals } = report;
  const title = `${escapeHtml(model)} for ${escapeHtml(target)}`;
  const summary = table(
    ['', ''],
    [
      ['arena', bytes(arena.bytes)],
      ['arena, lower bound', bytes(arena.lowerBoundBytes)],
      ['weights', bytes(report.weightsBytes)],
      ['local arrays', bytes(report.stackBytes)],
      ['multiply-adds', formatCount(totals.multiplyAdds)],
      ['other float operations', formatCount(totals.floatOperations)],
      ['bytes loaded', bytes(totals.bytesLoaded)],
      ['bytes stored', bytes(totals.bytesStored)],
    ],
  );
  const assumed = report.dims.map(({ name, assumed: size }) => `${escapeHtml(name)} = ${size}`).join(', ');
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title><style>${style}</style></head>
<body>
<h1>${title}</h1>
<p>Math: ${math}.${assumed ? ` Numbers that depend on open sizes assume ${assumed}.` : ''}</p>
${summary}
<h2>Memory over time</h2>
${memoryMap(report)}
<h2>Inputs and outputs</h2>
${table(['', 'name', 'type'], [...report.inputs.map(portRow('input')), ...report.outputs.map(portRow('output'))])}
<h2>Kernels</h2>
${kernelTable(report)}
<h2>Files</h2>
${table(
  ['file', 'bytes'],
  report.files.map((file) => [escapeHtml(file.path), formatCount(file.bytes)]),
)}
</body>
</html>
`;
}

const portRow =
  (role: string) =>
  ({ name, dtype, shape }: ReportPort): readonly string[] => [
    role,
    escapeHtml(name),
    `${dtype}[${escapeHtml(shape.join(', '))}]`,
  ];

const kernelTable = ({ kernels }: Report): string =>
  table(
    ['kernel', 'calls', 'multiply-adds', 'other float operations', 'bytes loaded', 'bytes stored', 'local arrays'],
    kernels.map((kernel) => [
      escapeHtml(kernel.name),
      formatCount(kernel.calls),
      formatCount(kernel.multiplyAdds),
      formatCount(kernel.floatOperations),
      formatCount(kernel.bytesLoaded),
      formatCount(kernel.bytesStored),
      formatCount(kernel.stackBytes),
    ]),
  );

/** Cells are HTML. What looks like a number stands to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const isNumber = (column: number): boolean => rows.every((row) => /^[\d,]+$/.test(row[column] ?? ''));
  const mark = (column: number): string => (isNumber(column) ? ' class="n"' : '');
  const heads = head.map((text, column) => `<th${mark(column)}>${text}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((text, column) => `<td${mark(column)}>${text}</td>`).join('')}</tr>`);
  return `<table><tr>${heads}</tr>\n${body.join('\n')}\n</table>`;
}

const bytes = (value: number): string => `${formatCount(value)} bytes`;
