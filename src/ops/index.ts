// The table of operators. Adding an operator to a family edits that family's file; a new family is a line here.

import * as activations from './activations.ts';
import * as argExtreme from './arg-extreme.ts';
import * as arithmetic from './arithmetic.ts';
import * as attention from './attention.ts';
import * as batchNormalization from './batch-normalization.ts';
import * as batchScan from './batch-scan.ts';
import * as beamSearch from './beam-search.ts';
import * as blockQuantized from './block-quantized.ts';
import * as cast from './cast.ts';
import * as channelNormalization from './channel-normalization.ts';
import * as channelsLast from './channels-last.ts';
import * as col2im from './col2im.ts';
import * as compress from './compress.ts';
import * as control from './control.ts';
import * as convTranspose from './conv-transpose.ts';
import * as convolution from './convolution.ts';
import * as cumulate from './cumulate.ts';
import * as decoderAttention from './decoder-attention.ts';
import type { Operator } from './define.ts';
import * as deformConv from './deform-conv.ts';
import * as determinant from './determinant.ts';
import * as dropout from './dropout.ts';
import * as einsum from './einsum.ts';
import * as flexAttention from './flex-attention.ts';
import * as fourier from './fourier.ts';
import * as fusedActivations from './fused-activations.ts';
import * as fusedConv from './fused-conv.ts';
import * as fusedMatmul from './fused-matmul.ts';
import * as gatedDeltaNet from './gated-delta-net.ts';
import * as gather from './gather.ts';
import * as globalPooling from './global-pooling.ts';
import * as greedySearch from './greedy-search.ts';
import * as gridSample from './grid-sample.ts';
import * as groupQueryAttention from './group-query-attention.ts';
import * as imageDecoder from './image-decoder.ts';
import * as join from './join.ts';
import * as layerNormalization from './layer-normalization.ts';
import * as linearAttention from './linear-attention.ts';
import * as logic from './logic.ts';
import * as longformerAttention from './longformer-attention.ts';
import * as losses from './losses.ts';
import * as matmul from './matmul.ts';
import * as maxUnpool from './max-unpool.ts';
import * as microsoftAliases from './microsoft-aliases.ts';
import * as microsoftArithmetic from './microsoft-arithmetic.ts';
import * as microsoftAttention from './microsoft-attention.ts';
import * as microsoftAttentionLstm from './microsoft-attention-lstm.ts';
import * as microsoftCausalConvolution from './microsoft-causal-convolution.ts';
import * as microsoftConvolution from './microsoft-convolution.ts';
import * as microsoftDecoderAttention from './microsoft-decoder-attention.ts';
import * as microsoftDropout from './microsoft-dropout.ts';
import * as microsoftEmbedding from './microsoft-embedding.ts';
import * as microsoftFusedProducts from './microsoft-fused-products.ts';
import * as microsoftGates from './microsoft-gates.ts';
import * as microsoftHashMapping from './microsoft-hash-mapping.ts';
import * as microsoftInverse from './microsoft-inverse.ts';
import * as microsoftLinearAttention from './microsoft-linear-attention.ts';
import * as microsoftMovement from './microsoft-movement.ts';
import * as microsoftNormalization from './microsoft-normalization.ts';
import * as microsoftPackedAttention from './microsoft-packed-attention.ts';
import * as microsoftPadding from './microsoft-padding.ts';
import * as microsoftPictures from './microsoft-pictures.ts';
import * as microsoftProducts from './microsoft-products.ts';
import * as microsoftQuantizedLayers from './microsoft-quantized-layers.ts';
import * as microsoftQuantizedProducts from './microsoft-quantized-products.ts';
import * as microsoftRotary from './microsoft-rotary.ts';
import * as microsoftSparseAttention from './microsoft-sparse-attention.ts';
import * as microsoftTokenizer from './microsoft-tokenizer.ts';
import * as microsoftTokens from './microsoft-tokens.ts';
import * as microsoftTransforms from './microsoft-transforms.ts';
import * as microsoftWords from './microsoft-words.ts';
import * as mixtureOfExperts from './mixture-of-experts.ts';
import * as mlColumns from './ml-columns.ts';
import * as mlEncoders from './ml-encoders.ts';
import * as mlFeatures from './ml-features.ts';
import * as mlLinear from './ml-linear.ts';
import * as mlMaps from './ml-maps.ts';
import * as mlSvm from './ml-svm.ts';
import * as mlTrees from './ml-trees.ts';
import * as murmurHash from './murmur-hash.ts';
import * as nonMaxSuppression from './non-max-suppression.ts';
import * as nonZero from './non-zero.ts';
import * as optionals from './optionals.ts';
import * as orderedAttention from './ordered-attention.ts';
import * as orderedQuantization from './ordered-quantization.ts';
import * as pad from './pad.ts';
import * as pagedAttention from './paged-attention.ts';
import * as pooling from './pooling.ts';
import * as power from './power.ts';
import * as qlinearConv from './qlinear-conv.ts';
import * as quantize from './quantize.ts';
import * as quantizedComposites from './quantized-composites.ts';
import * as quantizedElementwise from './quantized-elementwise.ts';
import * as quantizedMatmul from './quantized-matmul.ts';
import * as random from './random.ts';
import * as recurrentCells from './recurrent-cells.ts';
import * as reductions from './reductions.ts';
import * as regexFullMatch from './regex-full-match.ts';
import * as regions from './regions.ts';
import * as repeat from './repeat.ts';
import * as reshape from './reshape.ts';
import * as resize from './resize.ts';
import * as rotaryEmbedding from './rotary-embedding.ts';
import * as sampling from './sampling.ts';
import * as scan from './scan.ts';
import * as scatter from './scatter.ts';
import * as sequences from './sequences.ts';
import * as sizes from './sizes.ts';
import * as slice from './slice.ts';
import * as softmax from './softmax.ts';
import * as spectralWindows from './spectral-windows.ts';
import * as stringNormalizer from './string-normalizer.ts';
import * as strings from './strings.ts';
import * as tfIdf from './tf-idf.ts';
import * as topK from './top-k.ts';
import * as training from './training.ts';
import * as transpose from './transpose.ts';
import * as triangle from './triangle.ts';
import * as unary from './unary.ts';
import * as unique from './unique.ts';

const families: readonly Readonly<Record<string, unknown>>[] = [
  fusedMatmul,
  quantizedComposites,
  training,
  random,
  blockQuantized,
  quantizedElementwise,
  fusedActivations,
  dropout,
  losses,
  quantizedMatmul,
  quantize,
  einsum,
  determinant,
  cumulate,
  triangle,
  batchNormalization,
  channelNormalization,
  channelsLast,
  layerNormalization,
  softmax,
  argExtreme,
  reductions,
  activations,
  arithmetic,
  cast,
  logic,
  control,
  scan,
  sequences,
  optionals,
  strings,
  stringNormalizer,
  tfIdf,
  regexFullMatch,
  matmul,
  power,
  join,
  repeat,
  reshape,
  sizes,
  slice,
  transpose,
  unary,
  convolution,
  qlinearConv,
  pooling,
  globalPooling,
  gather,
  pad,
  scatter,
  compress,
  convTranspose,
  col2im,
  maxUnpool,
  resize,
  gridSample,
  deformConv,
  regions,
  recurrentCells,
  mlColumns,
  mlEncoders,
  mlFeatures,
  mlLinear,
  mlMaps,
  mlSvm,
  mlTrees,
  groupQueryAttention,
  microsoftAliases,
  microsoftArithmetic,
  microsoftAttention,
  microsoftEmbedding,
  microsoftAttentionLstm,
  microsoftConvolution,
  microsoftGates,
  microsoftNormalization,
  microsoftPadding,
  microsoftRotary,
  pagedAttention,
  orderedAttention,
  longformerAttention,
  gatedDeltaNet,
  microsoftLinearAttention,
  microsoftCausalConvolution,
  orderedQuantization,
  microsoftQuantizedLayers,
  microsoftSparseAttention,
  microsoftPackedAttention,
  microsoftDecoderAttention,
  decoderAttention,
  microsoftDropout,
  microsoftHashMapping,
  microsoftInverse,
  mixtureOfExperts,
  microsoftFusedProducts,
  microsoftQuantizedProducts,
  microsoftMovement,
  microsoftPictures,
  microsoftProducts,
  microsoftTokens,
  microsoftTokenizer,
  microsoftTransforms,
  murmurHash,
  microsoftWords,
  greedySearch,
  beamSearch,
  sampling,
  batchScan,
  flexAttention,
  linearAttention,
  rotaryEmbedding,
  attention,
  nonMaxSuppression,
  unique,
  nonZero,
  imageDecoder,
  topK,
  fourier,
  spectralWindows,
  fusedConv,
];

const isOperator = (item: unknown): item is Operator =>
  typeof item === 'object' && item !== null && 'type' in item && 'inputs' in item;

/** Every operator, in the order of the families. */
export const operators: readonly Operator[] = families.flatMap((family) => Object.values(family).filter(isOperator));

const byKey = new Map(operators.map((operator) => [`${operator.domain}:${operator.name}`, operator] as const));

export const findOperator = (domain: string, name: string): Operator | undefined => byKey.get(`${domain}:${name}`);
