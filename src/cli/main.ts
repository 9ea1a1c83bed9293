// The command line: one file a command. Data goes to stdout, messages to stderr, the outcome into the exit code.

import { Command } from 'commander';
import { exitCodeOf, reportFailure } from './failure.ts';
import { version } from './version.ts';

interface CommandEntry {
  readonly summary: string;
  readonly usage: string;
  /** Adds description, options and action. Commands are loaded when they are called: they need much, and help nothing. */
  readonly load: () => Promise<(command: Command) => Command>;
}

const commands: Readonly<Record<string, CommandEntry>> = {
  compile: {
    summary: 'compile a model to C, an executable, a library, WebAssembly or CUDA',
    usage: '[options] <model>',
    load: async () => (await import('./compile.ts')).compileCommand,
  },
  run: {
    summary: 'compile a model, run it once, save the outputs',
    usage: '[options] <model>',
    load: async () => (await import('./run.ts')).runCommand,
  },
  test: {
    summary: 'run ONNX test cases',
    usage: '[options] <folders...>',
    load: async () => (await import('./test.ts')).testCommand,
  },
  bench: {
    summary: 'measure latency, memory and code size',
    usage: '[options] <model>',
    load: async () => (await import('./bench.ts')).benchCommand,
  },
  inspect: {
    summary: 'show inputs, outputs, operators, work and memory of a model, and what is unsupported',
    usage: '[options] <model>',
    load: async () => (await import('./inspect.ts')).inspectCommand,
  },
  targets: {
    summary: 'list what can be compiled for',
    usage: '[options]',
    load: async () => (await import('./targets.ts')).targetsCommand,
  },
  ops: {
    summary: 'list the operators that are supported',
    usage: '[options] [part]',
    load: async () => (await import('./ops.ts')).opsCommand,
  },
};

const after = `
Examples:
  lapidary compile model.onnx -o out                    C source and an executable for this machine
  lapidary compile model.onnx -o out --target wasm      a WebAssembly module with types
  lapidary run model.onnx --input x=x.npy -o out        compile, run once, save the outputs
  lapidary inspect model.onnx                           what is in the model, and what it costs

Exit codes: 0 ok, 1 the model, 2 usage, 3 a tool failed, 4 results differ, 70 a bug of Lapidary.
'lapidary COMMAND --help' has the options and examples of each command.`;

/** `wanted` are the commands that must be whole; of the others help needs the summary alone. */
async function createProgram(wanted: readonly string[]): Promise<Command> {
  const program = new Command('lapidary')
    .description('Cuts an ONNX model into standalone C, WebAssembly or CUDA: no runtime, no malloc while it runs.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .addHelpText('after', after)
    .showHelpAfterError('(add --help for help)')
    .exitOverride();
  for (const [name, { summary, usage, load }] of Object.entries(commands)) {
    const command = program.command(name).summary(summary).usage(usage);
    if (wanted.includes(name)) (await load())(command);
  }
  return program;
}

/** Runs the command line and sets the exit code of the process. */
export async function main(args: readonly string[]): Promise<void> {
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  try {
    const program = await createProgram(args);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    reportFailure(error);
    process.exitCode = exitCodeOf(error);
  }
}
