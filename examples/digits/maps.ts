// Feature maps: what flows between the layers of the network.

/** A batch of feature maps, in ONNX's order: batch, channel, row, column. */
export interface Maps {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly values: Float32Array;
}

export function emptyMaps(batch: number, channels: number, height: number, width: number): Maps {
  return { batch, channels, height, width, values: new Float32Array(batch * channels * height * width) };
}

export function emptyLike(maps: Maps): Maps {
  return emptyMaps(maps.batch, maps.channels, maps.height, maps.width);
}

/** One channel of one picture. It shares its memory with the maps: writing into it writes there. */
export function plane(maps: Maps, picture: number, channel: number): Float32Array {
  const size = maps.height * maps.width;
  const start = (picture * maps.channels + channel) * size;
  return maps.values.subarray(start, start + size);
}
