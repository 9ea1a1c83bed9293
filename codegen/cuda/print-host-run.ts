// NAME_run_host: a run over tensors in the memory of the host.

import type { Interface, PortField } from '../clike/interface.ts';

export function printHostRun({ name, inputs, outputs, dimensions }: Interface, external: boolean): string {
  const pointers = (ports: readonly PortField[]): string =>
    ports.length === 0 ? 'NULL' : ports.map(({ field }) => `io->${field}`).join(', ');
  const sizes = dimensions.map(({ kind, field }) => (kind === 'given' ? `io->dims->${field}` : '0'));
  const found = dimensions.flatMap(({ kind, field }, index) =>
    kind === 'given' ? [] : [`  io->dims->${field} = dims[${index}];\n`],
  );
  const uses = inputs.length + outputs.length + dimensions.length > 0;
  return `
int ${name}_run_host(const ${name}_io *io) {
  const void *const inputs[] = {${pointers(inputs)}};
  void *const outputs[] = {${pointers(outputs)}};
  int64_t dims[] = {${sizes.length === 0 ? '0' : sizes.join(', ')}};
  lap_call call;
  call.inputs = inputs;
  call.outputs = outputs;
  call.dims = dims;
  call.arena = NULL;
  call.weights = ${external ? 'io->weights' : 'NULL'};
  call.parallel = NULL;
  ${uses ? '' : '(void)io;\n  '}const int status = host_call(&call);
${found.join('')}  return status;
}
`;
}
