// The table of generators. A name is that of the operator, with a word behind it where it has several.

import { contraction } from './contraction.ts';
import { control } from './control.ts';
import { elementwise } from './elementwise.ts';
import { mixtures } from './experts.ts';
import type { Generators } from './generator.ts';
import { indexing } from './indexing.ts';
import { machineLearning } from './machine-learning.ts';
import { microsoft } from './microsoft.ts';
import { microsoftAttention } from './microsoft-attention.ts';
import { microsoftGates } from './microsoft-gates.ts';
import { microsoftLayers } from './microsoft-layers.ts';
import { microsoftMovement } from './microsoft-movement.ts';
import { microsoftPictures } from './microsoft-pictures.ts';
import { microsoftProducts } from './microsoft-products.ts';
import { microsoftQuantized } from './microsoft-quantized.ts';
import { microsoftRecurrent } from './microsoft-recurrent.ts';
import { microsoftStates } from './microsoft-states.ts';
import { microsoftTokens } from './microsoft-tokens.ts';
import { microsoftTransformer } from './microsoft-transformer.ts';
import { movement } from './movement.ts';
import { others } from './others.ts';
import { quantization } from './quantization.ts';
import { recurrents } from './recurrent.ts';
import { reductions } from './reductions.ts';
import { treeEnsembles } from './tree-ensembles.ts';
import { valueGenerators } from './values.ts';
import { windows } from './windows.ts';

export const generators: Generators = {
  ...elementwise,
  ...movement,
  ...indexing,
  ...reductions,
  ...contraction,
  ...windows,
  ...quantization,
  ...recurrents,
  ...control,
  ...others,
  ...machineLearning,
  ...treeEnsembles,
  ...microsoft,
  ...microsoftMovement,
  ...microsoftPictures,
  ...microsoftGates,
  ...microsoftProducts,
  ...microsoftRecurrent,
  ...microsoftTokens,
  ...microsoftQuantized,
  ...microsoftTransformer,
  ...microsoftStates,
  ...microsoftLayers,
  ...microsoftAttention,
  ...valueGenerators,
  ...mixtures,
};
