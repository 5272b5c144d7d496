//! Elements of ONNX tensors.

use tacita_onnx::{DataType, TensorProto};

use super::constant::{Data, Reason};

/// The elements of a tensor, whichever of its fields they are in.
pub(super) fn decode(t: &TensorProto) -> Reason<Data> {
    let raw = &t.raw_data;
    let typed = |from_raw: Data, from_list: Data| if raw.is_empty() { from_list } else { from_raw };
    match DataType::try_from(t.data_type) {
        Ok(DataType::Float) => {
            let list = Data::Floats(t.float_data.clone());
            Ok(typed(Data::Floats(words(raw, f32::from_le_bytes)?), list))
        }
        Ok(DataType::Double) => {
            let narrow = |v: Vec<f64>| Data::Floats(v.into_iter().map(|x| x as f32).collect());
            Ok(typed(narrow(words(raw, f64::from_le_bytes)?), narrow(t.double_data.clone())))
        }
        Ok(DataType::Int64) => {
            let list = Data::Ints(t.int64_data.clone());
            Ok(typed(Data::Ints(words(raw, i64::from_le_bytes)?), list))
        }
        Ok(DataType::Int32) => {
            let raw = words(raw, |b| i64::from(i32::from_le_bytes(b)))?;
            Ok(typed(Data::Ints(raw), small_ints(t)))
        }
        Ok(DataType::Int8) => {
            let raw = words(raw, |b| i64::from(i8::from_le_bytes(b)))?;
            Ok(typed(Data::Ints(raw), small_ints(t)))
        }
        Ok(DataType::Uint8 | DataType::Bool) => {
            let raw = words(raw, |b| i64::from(u8::from_le_bytes(b)))?;
            Ok(typed(Data::Ints(raw), small_ints(t)))
        }
        Ok(DataType::Undefined) | Err(_) => Err(format!(
            "its element type (number {}) is not supported: export in 32-bit floats",
            t.data_type
        )),
    }
}

fn small_ints(t: &TensorProto) -> Data {
    Data::Ints(t.int32_data.iter().map(|&x| i64::from(x)).collect())
}

fn words<const N: usize, T>(raw: &[u8], from: impl Fn([u8; N]) -> T) -> Reason<Vec<T>> {
    let (words, rest) = raw.as_chunks::<N>();
    if !rest.is_empty() {
        return Err("its data are cut short".into());
    }
    Ok(words.iter().map(|w| from(*w)).collect())
}
