//! The subset of the ONNX protobuf schema that Tacita reads and writes.
//!
//! Field numbers follow `onnx.proto3` of ONNX 1.16 (IR version 10). Fields that Tacita never
//! looks at are left out: protobuf decoders skip them.

mod metadata;

use std::collections::HashMap;

pub use metadata::with_metadata;

/// A model file: one graph and the operator sets it relies on.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ModelProto {
    /// Version of the file format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// Name of the tool that wrote the file.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// Version of that tool.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// Free text.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// The network.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// Operator sets, by domain.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Free key-value pairs.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// A key-value pair of the model's metadata.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StringStringEntryProto {
    /// Key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// An operator set and its version.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OperatorSetIdProto {
    /// Empty for the standard operators.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// A graph of operators.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GraphProto {
    /// Operators in topological order.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// Name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Constants.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// Graph inputs (may repeat the initializers' names).
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// Graph outputs.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
    /// Shapes of intermediate values.
    #[prost(message, repeated, tag = "13")]
    pub value_info: Vec<ValueInfoProto>,
}

/// One operator.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NodeProto {
    /// Names of the values it reads; empty for an absent optional one.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the values it makes.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Operator type, such as `Conv`.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Attributes.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    /// Free text.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// Operator set domain; empty for the standard operators.
    #[prost(string, tag = "7")]
    pub domain: String,
}

/// One attribute of an operator.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AttributeProto {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A float.
    #[prost(float, tag = "2")]
    pub f: f32,
    /// An integer.
    #[prost(int64, tag = "3")]
    pub i: i64,
    /// A byte string.
    #[prost(bytes = "vec", tag = "4")]
    pub s: Vec<u8>,
    /// A tensor.
    #[prost(message, optional, tag = "5")]
    pub t: Option<TensorProto>,
    /// Floats.
    #[prost(float, repeated, tag = "7")]
    pub floats: Vec<f32>,
    /// Integers.
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    /// Which of the fields holds the value.
    #[prost(enumeration = "AttributeType", tag = "20")]
    pub r#type: i32,
}

/// Which field of an [`AttributeProto`] holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum AttributeType {
    /// Not given.
    Undefined = 0,
    /// `f`
    Float = 1,
    /// `i`
    Int = 2,
    /// `s`
    String = 3,
    /// `t`
    Tensor = 4,
    /// a graph: not supported
    Graph = 5,
    /// `floats`
    Floats = 6,
    /// `ints`
    Ints = 7,
}

/// A constant tensor. Exactly one of the data fields is filled.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorProto {
    /// Shape.
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    /// Element type, a [`DataType`].
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// `float` elements.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// `int32` and smaller elements.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// `int64` elements.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Little-endian elements of any type.
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
    /// `double` elements.
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// Where data outside of the file lie: keys `location`, `offset`, `length`.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringStringEntryProto>,
    /// Where the data lie (1 = outside of the file).
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

/// Element types that Tacita knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum DataType {
    /// Not given.
    Undefined = 0,
    /// f32
    Float = 1,
    /// u8
    Uint8 = 2,
    /// i8
    Int8 = 3,
    /// u16
    Uint16 = 4,
    /// i16
    Int16 = 5,
    /// i32
    Int32 = 6,
    /// i64
    Int64 = 7,
    /// text
    String = 8,
    /// bool
    Bool = 9,
    /// IEEE half precision
    Float16 = 10,
    /// f64
    Double = 11,
    /// u32
    Uint32 = 12,
    /// u64
    Uint64 = 13,
    /// f32 without its lower half
    Bfloat16 = 16,
}

impl DataType {
    /// True for types that hold fractions, to at least three digits.
    pub const fn is_real(self) -> bool {
        matches!(self, Self::Float | Self::Float16 | Self::Double | Self::Bfloat16)
    }

    /// The name of an element type, known or not.
    pub fn name_of(kind: i32) -> String {
        match Self::try_from(kind) {
            Ok(known) => format!("{known:?}").to_lowercase(),
            Err(_) => match kind {
                14 | 15 => "complex".into(),
                17..=20 => "float8".into(),
                21 => "uint4".into(),
                22 => "int4".into(),
                23 => "float4".into(),
                n => format!("number {n}"),
            },
        }
    }
}

/// Name and type of a graph input, output or value.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValueInfoProto {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
}

/// The type of a value; only tensors are known.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TypeProto {
    /// A tensor type.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
}

/// Element type and shape.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorTypeProto {
    /// A [`DataType`].
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Shape, if known.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// A shape.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorShapeProto {
    /// Dimensions, outermost first.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

/// One dimension: a number or a symbol (such as `batch`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct DimensionProto {
    /// The number or the symbol.
    #[prost(oneof = "DimensionValue", tags = "1, 2")]
    pub value: Option<DimensionValue>,
}

/// Value of a [`DimensionProto`].
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum DimensionValue {
    /// A number.
    #[prost(int64, tag = "1")]
    Value(i64),
    /// A symbol.
    #[prost(string, tag = "2")]
    Param(String),
}

impl ModelProto {
    /// The metadata as a map.
    pub fn metadata(&self) -> HashMap<&str, &str> {
        self.metadata_props.iter().map(|p| (p.key.as_str(), p.value.as_str())).collect()
    }
}

impl TensorProto {
    /// A tensor of f32 values, stored as raw little-endian bytes.
    pub fn from_f32(name: &str, dims: &[i64], values: &[f32]) -> Self {
        Self {
            dims: dims.to_vec(),
            data_type: DataType::Float as i32,
            name: name.to_owned(),
            raw_data: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ..Self::default()
        }
    }

    /// A vector of 64-bit integers.
    pub fn from_i64(name: &str, values: &[i64]) -> Self {
        Self {
            dims: vec![values.len() as i64],
            data_type: DataType::Int64 as i32,
            name: name.to_owned(),
            raw_data: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ..Self::default()
        }
    }
}

impl NodeProto {
    /// An operator of the standard set with one output.
    pub fn new(op_type: &str, name: &str, input: &[&str], output: &str) -> Self {
        Self {
            input: input.iter().map(|&s| s.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: name.to_owned(),
            op_type: op_type.to_owned(),
            ..Self::default()
        }
    }

    /// Adds an integer-list attribute.
    #[must_use]
    pub fn with_ints(mut self, name: &str, ints: &[i64]) -> Self {
        self.attribute.push(AttributeProto {
            name: name.to_owned(),
            ints: ints.to_vec(),
            r#type: AttributeType::Ints as i32,
            ..AttributeProto::default()
        });
        self
    }

    /// Adds an integer attribute.
    #[must_use]
    pub fn with_int(mut self, name: &str, i: i64) -> Self {
        self.attribute.push(AttributeProto {
            name: name.to_owned(),
            i,
            r#type: AttributeType::Int as i32,
            ..AttributeProto::default()
        });
        self
    }

    /// Adds a float attribute.
    #[must_use]
    pub fn with_float(mut self, name: &str, f: f32) -> Self {
        self.attribute.push(AttributeProto {
            name: name.to_owned(),
            f,
            r#type: AttributeType::Float as i32,
            ..AttributeProto::default()
        });
        self
    }
}

impl ValueInfoProto {
    /// A float tensor of the given shape.
    pub fn float(name: &str, dims: &[i64]) -> Self {
        let dim = dims
            .iter()
            .map(|&d| DimensionProto { value: Some(DimensionValue::Value(d)) })
            .collect();
        Self {
            name: name.to_owned(),
            r#type: Some(TypeProto {
                tensor_type: Some(TensorTypeProto {
                    elem_type: DataType::Float as i32,
                    shape: Some(TensorShapeProto { dim }),
                }),
            }),
        }
    }
}
