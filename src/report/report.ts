// What report.json holds. `docs` in REPORT.md describe the same for readers; a change of meaning raises `version`.

export interface Report {
  readonly version: 1;
  readonly model: string;
  readonly target: string;
  readonly math: 'fast' | 'strict';
  readonly inputs: readonly ReportPort[];
  readonly outputs: readonly ReportPort[];
  /** Open sizes, and what they were taken to be wherever a number below depends on them. */
  readonly dims: readonly { readonly name: string; readonly assumed: number; readonly max: number | null }[];
  readonly arena: ReportArena;
  readonly weightsBytes: number;
  /** Local arrays of the kernel that has most of them: what `run` puts on the stack besides frames. */
  readonly stackBytes: number;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly totals: ReportWork;
  readonly kernels: readonly ReportKernel[];
  readonly calls: readonly ReportCall[];
}

export interface ReportPort {
  readonly name: string;
  readonly dtype: string;
  /** A number, or the formula of an open size. */
  readonly shape: readonly (number | string)[];
}

export interface ReportArena {
  readonly bytes: number;
  /** The largest sum of buffers that are live at one step: no arrangement needs less. */
  readonly lowerBoundBytes: number;
  /** `bytes` over the open sizes; null where there are none. */
  readonly formula: string | null;
  readonly buffers: readonly ReportBuffer[];
}

export interface ReportBuffer {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  /** Positions in `calls`: the buffer is live from the first to the last, both included. */
  readonly firstCall: number;
  readonly lastCall: number;
}

export interface ReportWork {
  readonly multiplyAdds: number;
  /** Float operations that are no part of a multiply-add. */
  readonly floatOperations: number;
  readonly bytesLoaded: number;
  readonly bytesStored: number;
}

/** Work is of all calls together. */
export interface ReportKernel extends ReportWork {
  readonly name: string;
  readonly calls: number;
  readonly stackBytes: number;
}

export interface ReportCall extends ReportWork {
  readonly kernel: string;
}
