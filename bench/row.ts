// What `npm run bench` measures of one model.

export interface Row {
  readonly name: string;
  readonly macs: number;
  readonly oursUs: number;
  readonly peerUs: number;
  readonly ratio: number;
  readonly arenaBytes: number;
  readonly weightsBytes: number;
}
