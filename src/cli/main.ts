// The command line: one file a command. Data goes to stdout, messages to stderr, the outcome into the exit code.

import { Command } from 'commander';
import { benchCommand } from './bench.ts';
import { compileCommand } from './compile.ts';
import { exitCodeOf, reportFailure } from './failure.ts';
import { inspectCommand } from './inspect.ts';
import { opsCommand } from './ops.ts';
import { runCommand } from './run.ts';
import { targetsCommand } from './targets.ts';
import { testCommand } from './test.ts';
import { version } from './version.ts';

const commands = [
  compileCommand,
  runCommand,
  testCommand,
  benchCommand,
  inspectCommand,
  targetsCommand,
  opsCommand,
] as const;

const after = `
Examples:
  lapidary compile model.onnx -o out                    C source and an executable for this machine
  lapidary compile model.onnx -o out --target wasm      a WebAssembly module with types
  lapidary run model.onnx --input x=x.npy -o out        compile, run once, save the outputs
  lapidary inspect model.onnx                           what is in the model, and what it costs

Exit codes: 0 ok, 1 the model, 2 usage, 3 a tool failed, 4 results differ, 70 a bug of Lapidary.
'lapidary COMMAND --help' has the options and examples of each command.`;

export function createProgram(): Command {
  const program = new Command('lapidary')
    .description('Cuts an ONNX model into standalone C, WebAssembly or CUDA: no runtime, no malloc while it runs.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .addHelpText('after', after)
    .configureHelp({ sortSubcommands: false })
    .showHelpAfterError('(add --help for help)')
    .exitOverride();
  for (const make of commands) {
    // What a command inherits must be set on it before it is added.
    program.addCommand(make(new Command().copyInheritedSettings(program)));
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
    await createProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    reportFailure(error);
    process.exitCode = exitCodeOf(error);
  }
}
