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
        Ok(DataType::Uint16) => {
            let raw = words(raw, |b| i64::from(u16::from_le_bytes(b)))?;
            Ok(typed(Data::Ints(raw), small_ints(t)))
        }
        Ok(DataType::Int16) => {
            let raw = words(raw, |b| i64::from(i16::from_le_bytes(b)))?;
            Ok(typed(Data::Ints(raw), small_ints(t)))
        }
        Ok(DataType::Float16) => halves(t, half),
        Ok(DataType::Bfloat16) => halves(t, |bits| f32::from_bits(u32::from(bits) << 16)),
        Ok(DataType::Undefined | DataType::String | DataType::Uint32 | DataType::Uint64)
        | Err(_) => Err(format!(
            "its element type ({}) is not supported: export in 32-bit floats",
            DataType::name_of(t.data_type)
        )),
    }
}

/// Floats of 16 bits, widened; lists hold them in the lower half of 32-bit integers.
fn halves(t: &TensorProto, widen: impl Fn(u16) -> f32) -> Reason<Data> {
    let bits = if t.raw_data.is_empty() {
        t.int32_data.iter().map(|&x| x as u16).collect()
    } else {
        words(&t.raw_data, u16::from_le_bytes)?
    };
    Ok(Data::Floats(bits.into_iter().map(widen).collect()))
}

/// IEEE 754 binary16, exactly.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => fraction * (-24f32).exp2(),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        e => (1024.0 + fraction) * ((e - 25) as f32).exp2(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_widened_exactly() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
            (0x8000, 0.0),
        ] {
            assert_eq!(half(bits), value, "{bits:x}");
        }
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }

    #[test]
    fn both_places_of_short_floats_are_read() {
        let listed = |data_type, bits: i32| TensorProto {
            data_type,
            int32_data: vec![bits],
            ..TensorProto::default()
        };
        let raw = |data_type, bits: u16| TensorProto {
            data_type,
            raw_data: bits.to_le_bytes().to_vec(),
            ..TensorProto::default()
        };
        for t in [listed(10, 0x3e00), raw(10, 0x3e00), listed(16, 0x3fc0), raw(16, 0x3fc0)] {
            assert_eq!(decode(&t).unwrap(), Data::Floats(vec![1.5]));
        }
        assert!(decode(&listed(17, 0)).unwrap_err().contains("float8"));
    }
}
