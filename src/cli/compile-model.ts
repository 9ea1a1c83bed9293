// Compiles a model and writes what was asked for, all of it or nothing.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { constantOf } from '../../ir/expr-make.ts';
import type { Program } from '../../ir/program.ts';
import type { GenerateOptions, OutputFile, Target } from '../../ir/target.ts';
import { type CompileOptions, importBytes, toProgram } from '../compile.ts';
import type { ModelSource } from '../execute/executable.ts';
import { makeReport } from '../report/make-report.ts';
import { reportPage } from '../report/report-page.ts';
import type { EmitKind } from './compile.ts';
import { writeFolder } from './write-folder.ts';

export interface CompileRequest {
  readonly model: ModelSource;
  readonly target: Target;
  readonly kinds: readonly EmitKind[];
  readonly report: boolean;
  readonly generate: GenerateOptions;
  readonly compile: CompileOptions;
  /** Called when the passes are done and nothing is written yet. */
  readonly afterPasses?: () => void;
}

export interface WrittenFile {
  /** Relative to the output folder. */
  readonly path: string;
  readonly bytes: number;
}

export interface CompiledModel {
  readonly files: readonly WrittenFile[];
  /** null where it depends on sizes that only a run knows. */
  readonly arenaBytes: number | null;
  readonly arenaLowerBoundBytes: number | null;
  readonly weightsBytes: number;
}

export async function compileTo(folder: string, request: CompileRequest): Promise<CompiledModel> {
  const { model, target, generate } = request;
  const graph = importBytes(model.bytes, { ...request.compile, modelFile: model.file });
  const program = toProgram(graph, target, {
    ...request.compile,
    math: generate.math,
    threads: generate.threads ? 2 : 1,
  });
  request.afterPasses?.();
  const generated = await target.generate(program, generate);
  const written = await writeFolder(folder, async (stage) => {
    for (const kind of request.kinds) await emit(kind, stage, generated, request);
    if (request.report) writeReport(stage, program, generated, request);
  });
  const files = written.map((file) => ({ path: file, bytes: fs.statSync(path.join(folder, file)).size }));
  return {
    files,
    arenaBytes: constantOf(program.arenaBytes) ?? null,
    arenaLowerBoundBytes: constantOf(program.arenaLowerBound) ?? null,
    weightsBytes: program.weights.length,
  };
}

async function emit(
  kind: EmitKind,
  stage: string,
  generated: readonly OutputFile[],
  request: CompileRequest,
): Promise<void> {
  switch (kind) {
    case 'c':
    case 'wasm':
    case 'cuda':
      writeFiles(stage, generated);
      break;
    case 'exe':
      await build('executable', request.generate.name, stage, generated, request);
      break;
    case 'lib': {
      const ending = process.platform === 'darwin' ? 'dylib' : 'so';
      await build('shared', `lib${request.generate.name}.${ending}`, stage, generated, request);
      writeFiles(
        stage,
        generated.filter(({ path: file }) => file.endsWith('.h')),
      );
      break;
    }
  }
}

/** Sources go to a folder of their own: only `c` asks for them. */
async function build(
  form: 'executable' | 'shared',
  file: string,
  stage: string,
  files: readonly OutputFile[],
  { target, generate }: CompileRequest,
): Promise<void> {
  const { name, math, threads } = generate;
  const folder = path.join(stage, '.source');
  // Loaded only here: what starts compilers takes longer to load than a small model to compile.
  const { buildC } = await import('../toolchain/build-c.ts');
  try {
    await buildC({ files, folder, name, target, math, threads, emit: form, output: path.join(stage, file) });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  // A program finds external weights beside itself.
  if (generate.weights === 'external') {
    writeFiles(
      stage,
      files.filter(({ path: place }) => place.endsWith('.bin')),
    );
  }
}

function writeFiles(folder: string, files: readonly OutputFile[]): void {
  for (const { path: file, bytes } of files) {
    const place = path.join(folder, file);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.writeFileSync(place, bytes);
  }
}

function writeReport(
  stage: string,
  program: Program,
  generated: readonly OutputFile[],
  { target, generate }: CompileRequest,
): void {
  const report = makeReport(program, { target: target.name, math: generate.math, files: generated });
  fs.writeFileSync(path.join(stage, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  fs.writeFileSync(path.join(stage, 'report.html'), reportPage(report));
}
