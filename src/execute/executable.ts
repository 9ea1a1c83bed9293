// A model that can be run: what `lapidary run`, `test` and `bench` share, whatever the target.

import type { CompileOptions } from '../compile.ts';
import type { TensorData } from '../onnx/tensor.ts';
import type { DataValue } from '../onnx/test-data.ts';

export interface ModelSource {
  readonly bytes: Uint8Array;
  /** Where the model lies: external data is found from here. */
  readonly file: string;
}

/** One input: programs that run outside of this process read the file, the others take the tensor. */
export interface GivenInput {
  readonly name: string;
  readonly file: string;
  readonly tensor: TensorData;
}

/** An input of any kind. */
export interface GivenValue {
  readonly name: string;
  readonly file: string;
  readonly value: DataValue;
}

export interface NamedTensor {
  readonly name: string;
  readonly tensor: TensorData;
}

export interface NamedValue {
  readonly name: string;
  readonly value: DataValue;
}

/** The tensor that an output is known to be. */
export function tensorIn({ name, value }: NamedValue): TensorData {
  if (value.kind !== 'tensor') throw new RangeError(`output ${name} is a ${value.kind}`);
  return value.tensor;
}

export interface Executable {
  /** Outputs in the order of the model. Throws a RunError where the run reports an error code. */
  run(inputs: readonly (GivenInput | GivenValue)[]): Promise<readonly NamedValue[]>;
  /** Removes what the executable left on disk. */
  dispose(): void;
}

export interface ExecuteOptions extends Omit<CompileOptions, 'modelFile' | 'trace'> {
  readonly threads?: number;
  /** Build with the sanitizers of the C compiler. */
  readonly sanitize?: boolean;
  /** Where temporary folders are made; the system's place for them by default. */
  readonly workFolder?: string;
  /** No run may take longer. */
  readonly timeoutSeconds?: number;
}
