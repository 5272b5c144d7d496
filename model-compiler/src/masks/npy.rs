//! NumPy arrays and archives of them.

use std::io::{Cursor, Read};

use npyz::{DType, Order, TypeChar};
use tacita_image_input::npy_header;
use tacita_protocol::plan::MAX_ELEMENTS;
use zip::ZipArchive;

use super::file::{Element, MAX_ARRAYS, MaskArray};

type Reason<T> = Result<T, String>;

/// The arrays of an archive, in its order.
pub(super) fn archive(bytes: &[u8]) -> Reason<Vec<MaskArray>> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|e| format!("not a whole zip archive: {e}"))?;
    if archive.len() > MAX_ARRAYS {
        return Err(format!("{} members, {MAX_ARRAYS} are possible", archive.len()));
    }
    let mut arrays = Vec::new();
    for i in 0..archive.len() {
        let mut member = archive.by_index(i).map_err(|e| e.to_string())?;
        let name = member.name().to_owned();
        let name = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
        arrays.push(array(&mut member, &name).map_err(|e| format!("`{name}`: {e}"))?);
    }
    Ok(arrays)
}

fn array(reader: &mut impl Read, name: &str) -> Reason<MaskArray> {
    let header = npy_header(reader)?;
    let element = element(&header.dtype())?;
    if header.order() != Order::C && header.shape().len() > 1 {
        return Err("its columns come first: save it with numpy.ascontiguousarray".into());
    }
    let dims = header.shape().iter().map(|&d| usize::try_from(d).unwrap_or(usize::MAX));
    let dims: Vec<usize> = dims.collect();
    let len = dims.iter().try_fold(1usize, |p, d| p.checked_mul(*d));
    let len = len.filter(|len| *len <= MAX_ELEMENTS).ok_or("it is too large for a mask")?;
    let mut bytes = Vec::new();
    let limit = (len * element.bytes()) as u64;
    reader.take(limit + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    MaskArray::decode(name, dims, element, &bytes)
}

fn element(dtype: &DType) -> Reason<Element> {
    let DType::Plain(plain) = dtype else { return Err("it holds records".into()) };
    let big = plain.endianness() == npyz::Endianness::Big;
    match (plain.type_char(), plain.size_field()) {
        _ if big => Err("its numbers are big-endian".into()),
        (TypeChar::Bool, 1) | (TypeChar::Uint | TypeChar::Int, 1) => Ok(Element::Byte),
        (TypeChar::Int, 4) => Ok(Element::Int32),
        (TypeChar::Int, 8) => Ok(Element::Int64),
        (TypeChar::Float, 4) => Ok(Element::Float32),
        (TypeChar::Float, 8) => Ok(Element::Float64),
        _ => Err(Element::unknown(&dtype.descr())),
    }
}
