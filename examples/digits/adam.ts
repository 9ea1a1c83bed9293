// Adam (Kingma and Ba, 2015): each weight moves by its averaged gradient, divided by that gradient's averaged size.

const gradientMemory = 0.9;
const sizeMemory = 0.999;
const epsilon = 1e-8;

/** Moves the weights in place. */
export type Optimizer = (gradient: Float32Array, rate: number) => void;

export function adam(weights: Float32Array): Optimizer {
  const averageGradient = new Float32Array(weights.length);
  const averageSquare = new Float32Array(weights.length);
  let steps = 0;
  return (gradient, rate) => {
    steps++;
    // Both averages start at zero; these two factors undo the bias towards it.
    const gradientCorrection = 1 / (1 - gradientMemory ** steps);
    const squareCorrection = 1 / (1 - sizeMemory ** steps);
    for (let index = 0; index < weights.length; index++) {
      const g = gradient[index];
      averageGradient[index] += (1 - gradientMemory) * (g - averageGradient[index]);
      averageSquare[index] += (1 - sizeMemory) * (g * g - averageSquare[index]);
      const size = Math.sqrt(averageSquare[index] * squareCorrection);
      weights[index] -= (rate * averageGradient[index] * gradientCorrection) / (size + epsilon);
    }
  };
}
