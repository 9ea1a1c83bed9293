// The messages of onnx.proto as the importer sees them: plain data, field names in camel case, 64-bit integers as
// bigint, bytes as views of the file, an absent field undefined, an absent list empty.

export interface ModelProto {
  readonly irVersion?: bigint;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly domain?: string;
  readonly modelVersion?: bigint;
  readonly docString?: Uint8Array;
  readonly graph?: GraphProto;
  readonly opsetImport: readonly OperatorSetIdProto[];
  readonly metadataProps: readonly StringStringEntryProto[];
  readonly trainingInfo: readonly TrainingInfoProto[];
  readonly functions: readonly FunctionProto[];
  readonly configuration: readonly DeviceConfigurationProto[];
}

export interface OperatorSetIdProto {
  readonly domain?: string;
  readonly version?: bigint;
}

export interface StringStringEntryProto {
  readonly key?: string;
  readonly value?: string;
}

export interface TrainingInfoProto {
  readonly initialization?: GraphProto;
  readonly algorithm?: GraphProto;
  readonly initializationBinding: readonly StringStringEntryProto[];
  readonly updateBinding: readonly StringStringEntryProto[];
}

export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name?: string;
  readonly initializer: readonly TensorProto[];
  readonly docString?: Uint8Array;
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
  readonly valueInfo: readonly ValueInfoProto[];
  readonly quantizationAnnotation: readonly TensorAnnotation[];
  readonly sparseInitializer: readonly SparseTensorProto[];
  readonly metadataProps: readonly StringStringEntryProto[];
}

export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name?: string;
  readonly opType?: string;
  readonly attribute: readonly AttributeProto[];
  readonly docString?: Uint8Array;
  readonly domain?: string;
  readonly overload?: string;
  readonly metadataProps: readonly StringStringEntryProto[];
  readonly deviceConfigurations: readonly NodeDeviceConfigurationProto[];
}

/** The numbers of AttributeProto.AttributeType. */
export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  typeProto: 13,
  typeProtos: 14,
} as const;

export interface AttributeProto {
  readonly name?: string;
  /** One of `attributeTypes`; absent or 0 in models of IR version 1, where the filled field tells. */
  readonly type?: number;
  readonly refAttrName?: string;
  readonly docString?: Uint8Array;
  readonly f?: number;
  readonly i?: bigint;
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly g?: GraphProto;
  readonly tp?: TypeProto;
  readonly sparseTensor?: SparseTensorProto;
  readonly floats: readonly number[];
  readonly ints: readonly bigint[];
  readonly strings: readonly Uint8Array[];
  readonly tensors: readonly TensorProto[];
  readonly graphs: readonly GraphProto[];
  readonly typeProtos: readonly TypeProto[];
  readonly sparseTensors: readonly SparseTensorProto[];
}

export interface FunctionProto {
  readonly name?: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  /** Attributes without a default value. */
  readonly attribute: readonly string[];
  /** Attributes with one. */
  readonly attributeProto: readonly AttributeProto[];
  readonly node: readonly NodeProto[];
  readonly docString?: Uint8Array;
  readonly opsetImport: readonly OperatorSetIdProto[];
  readonly domain?: string;
  readonly overload?: string;
  readonly valueInfo: readonly ValueInfoProto[];
  readonly metadataProps: readonly StringStringEntryProto[];
}

export interface ValueInfoProto {
  readonly name?: string;
  readonly type?: TypeProto;
  readonly docString?: Uint8Array;
  readonly metadataProps: readonly StringStringEntryProto[];
}

export interface TensorShapeProto {
  readonly dim: readonly DimensionProto[];
}

/** At most one of `dimValue` and `dimParam` is present. */
export interface DimensionProto {
  readonly dimValue?: bigint;
  readonly dimParam?: string;
  readonly denotation?: string;
}

/** At most one of the `...Type` fields is present. */
export interface TypeProto {
  readonly tensorType?: { readonly elemType?: number; readonly shape?: TensorShapeProto };
  readonly sequenceType?: { readonly elemType?: TypeProto };
  readonly mapType?: { readonly keyType?: number; readonly valueType?: TypeProto };
  readonly optionalType?: { readonly elemType?: TypeProto };
  readonly sparseTensorType?: { readonly elemType?: number; readonly shape?: TensorShapeProto };
  readonly opaqueType?: { readonly domain?: string; readonly name?: string };
  readonly denotation?: string;
}

/** Read its content with `readTensor`: the number lists are still in their form on the wire. */
export interface TensorProto {
  readonly dims: readonly bigint[];
  readonly dataType?: number;
  readonly segment?: { readonly begin?: bigint; readonly end?: bigint };
  readonly name?: string;
  readonly docString?: Uint8Array;
  readonly rawData?: Uint8Array;
  readonly stringData: readonly Uint8Array[];
  /** Packed runs of little-endian floats. */
  readonly floatData: readonly Uint8Array[];
  /** Packed runs of varints, negative numbers sign-extended to 64 bits. */
  readonly int32Data: readonly Uint8Array[];
  readonly int64Data: readonly Uint8Array[];
  readonly uint64Data: readonly Uint8Array[];
  /** Packed runs of little-endian doubles. */
  readonly doubleData: readonly Uint8Array[];
  readonly externalData: readonly StringStringEntryProto[];
  /** 0 inside the model, 1 in a file beside it. */
  readonly dataLocation?: number;
  readonly metadataProps: readonly StringStringEntryProto[];
}

export interface SparseTensorProto {
  readonly values?: TensorProto;
  readonly indices?: TensorProto;
  readonly dims: readonly bigint[];
}

export interface TensorAnnotation {
  readonly tensorName?: string;
  readonly quantParameterTensorNames: readonly StringStringEntryProto[];
}

/** The numbers of SequenceProto.DataType, for `elemType` of a sequence or an optional. */
export const elementKinds = { tensor: 1, sparseTensor: 2, sequence: 3, map: 4, optional: 5 } as const;

export interface SequenceProto {
  readonly name?: string;
  readonly elemType?: number;
  readonly tensorValues: readonly TensorProto[];
  readonly sparseTensorValues: readonly SparseTensorProto[];
  readonly sequenceValues: readonly SequenceProto[];
  readonly mapValues: readonly MapProto[];
  readonly optionalValues: readonly OptionalProto[];
}

export interface MapProto {
  readonly name?: string;
  /** A TensorProto.DataType: an integer type or string. */
  readonly keyType?: number;
  readonly keys: readonly bigint[];
  readonly stringKeys: readonly Uint8Array[];
  readonly values?: SequenceProto;
}

export interface OptionalProto {
  readonly name?: string;
  readonly elemType?: number;
  readonly tensorValue?: TensorProto;
  readonly sparseTensorValue?: SparseTensorProto;
  readonly sequenceValue?: SequenceProto;
  readonly mapValue?: MapProto;
  readonly optionalValue?: OptionalProto;
}

export interface DeviceConfigurationProto {
  readonly name?: string;
  readonly numDevices?: number;
  readonly device: readonly string[];
}

export interface NodeDeviceConfigurationProto {
  readonly configurationId?: string;
  readonly pipelineStage?: number;
}
