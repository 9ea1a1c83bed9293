// Runs a model without any toolchain, through the evaluator that also folds constants: target `js`.

import { importBytes, toProgram } from '../compile.ts';
import { runProgram } from '../evaluate.ts';
import type { Executable, ExecuteOptions, ModelSource } from './executable.ts';
import { inputsFor, outputsOf } from './match-inputs.ts';

export function buildJavaScript(model: ModelSource, options: ExecuteOptions): Executable {
  const program = toProgram(importBytes(model.bytes, { ...options, modelFile: model.file }), undefined, options);
  return {
    run: async (given) => {
      const outputs = runProgram(
        program,
        inputsFor(program, given).map(({ tensor }) => tensor),
      );
      const named = outputs.map((tensor, position) => ({ name: program.outputs[position]!.name, tensor }));
      return outputsOf(program, named);
    },
    dispose: () => undefined,
  };
}
