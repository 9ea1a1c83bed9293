// Runs models in ONNX Runtime, in a process of its own: integer overflow in a division ends it.

import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { OracleAnswer, OracleQuestion, OracleTensor } from './oracle.ts';

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

function toTensor({ dtype, dims, bytes }: OracleTensor): Tensor {
  const array = arrays[dtype as keyof typeof arrays];
  if (!array) throw new Error(`NOT_IMPLEMENTED: the binding has no ${dtype}`);
  const data = new array(new Uint8Array(bytes).buffer);
  return new Tensor(dtype as 'float32', data as Float32Array, dims);
}

function fromTensor(tensor: Tensor): OracleTensor {
  const data = tensor.data as Float32Array;
  return {
    dtype: tensor.type as OracleTensor['dtype'],
    dims: [...tensor.dims],
    bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice(),
  };
}

async function answer({ id, model, feeds }: OracleQuestion): Promise<OracleAnswer> {
  let session: InferenceSession | undefined;
  try {
    session = await InferenceSession.create(model, {
      graphOptimizationLevel: 'disabled',
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
    });
    const results: (readonly OracleTensor[])[] = [];
    for (const feed of feeds) {
      const given = Object.fromEntries(feed.map(({ name, tensor }) => [name, toTensor(tensor)]));
      const outputs = await session.run(given);
      results.push(session.outputNames.map((name) => fromTensor(outputs[name]!)));
    }
    return { id, results };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  } finally {
    await session?.release();
  }
}

process.on('message', async (question: OracleQuestion) => {
  process.send?.(await answer(question));
});
