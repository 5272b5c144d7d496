//! The plan file: versioned, hashed, size-limited, validated whenever it is read.
//!
//! Layout, all integers little-endian:
//! `"TACITAPL" | version u32 | public length u64 | SHA-256 of the rest of the file |
//! public half (bincode) | secret half`. The secret half holds, for each tensor, for each term a
//! weight count (u64) and i32 weights, then a bias count (u64) and i64 biases.
//! This module is the only one that knows bincode.

use sha2::{Digest, Sha256};

use super::graph::PublicPlan;
use super::limits::{MAX_PUBLIC_BYTES, MAX_WEIGHTS};
use super::secret::{SecretPlan, TensorSecrets};
use crate::bytes::Reader;
use crate::error::{Error, Result};

/// Version of the plan format and of the protocol rules it implies.
pub const PLAN_VERSION: u32 = 4;
/// Largest plan file, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 30;

const MAGIC: &[u8; 8] = b"TACITAPL";
const HEADER: usize = 8 + 4 + 8 + 32;

/// SHA-256 of the encoded public half: names the plan in the handshake.
pub type PlanHash = [u8; 32];

/// Both halves of a compiled network, validated.
#[derive(Clone)]
pub struct Plan {
    /// What the client may know.
    pub public: PublicPlan,
    /// What it may not.
    pub secret: SecretPlan,
}

fn codec() -> bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<MAX_PUBLIC_BYTES>,
> {
    bincode::config::standard().with_limit::<MAX_PUBLIC_BYTES>()
}

impl PublicPlan {
    /// The encoding that travels in the handshake.
    ///
    /// # Errors
    /// [`Error::Input`] if it is larger than [`MAX_PUBLIC_BYTES`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let bytes = bincode::serde::encode_to_vec(self, codec())
            .map_err(|e| Error::local(format!("cannot encode the plan: {e}")))?;
        if bytes.len() > MAX_PUBLIC_BYTES {
            return Err(Error::input("unusable plan: its public half is over 16 MiB"));
        }
        Ok(bytes)
    }

    /// Decodes and validates.
    ///
    /// # Errors
    /// [`Error::Input`] if the bytes are not a valid public half.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (plan, used): (Self, usize) = bincode::serde::decode_from_slice(bytes, codec())
            .map_err(|e| Error::input(format!("damaged plan: {e}")))?;
        if used != bytes.len() {
            return Err(Error::input("damaged plan: bytes left over"));
        }
        plan.validate()?;
        Ok(plan)
    }
}

/// SHA-256 of an encoded public half.
pub fn plan_hash(public_bytes: &[u8]) -> PlanHash {
    Sha256::digest(public_bytes).into()
}

impl Plan {
    /// A validated plan.
    ///
    /// # Errors
    /// [`Error::Input`] naming the tensor and the cause.
    pub fn new(public: PublicPlan, secret: SecretPlan) -> Result<Self> {
        public.validate()?;
        secret.validate(&public)?;
        Ok(Self { public, secret })
    }

    /// Hash of the public half.
    ///
    /// # Errors
    /// [`Error::Input`] if the public half is too large to encode.
    pub fn hash(&self) -> Result<PlanHash> {
        Ok(plan_hash(&self.public.to_bytes()?))
    }

    /// The plan file.
    ///
    /// # Errors
    /// [`Error::Input`] if the plan is larger than the format allows.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let public = self.public.to_bytes()?;
        let mut body = public.clone();
        for t in &self.secret.tensors {
            for w in &t.weights {
                body.extend_from_slice(&(w.len() as u64).to_le_bytes());
                body.extend(w.iter().flat_map(|x| x.to_le_bytes()));
            }
            body.extend_from_slice(&(t.bias.len() as u64).to_le_bytes());
            body.extend(t.bias.iter().flat_map(|x| x.to_le_bytes()));
        }
        let mut out = Vec::with_capacity(HEADER + body.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&PLAN_VERSION.to_le_bytes());
        out.extend_from_slice(&(public.len() as u64).to_le_bytes());
        out.extend_from_slice(&Sha256::digest(&body));
        out.append(&mut body);
        if out.len() > MAX_FILE_BYTES {
            return Err(Error::input("unusable plan: its file would be over 1 GiB"));
        }
        Ok(out)
    }

    /// Reads a plan file and validates it.
    ///
    /// # Errors
    /// [`Error::Input`] if it is no plan, of another version, damaged, or fails validation.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = |_| Error::input("damaged plan: it is cut short; compile it again");
        if bytes.len() > MAX_FILE_BYTES {
            return Err(Error::input("unusable plan: its file is over 1 GiB"));
        }
        let mut r = Reader::new(bytes);
        if r.take(8).map_err(damaged)? != MAGIC {
            return Err(Error::input("not a Tacita plan: compile one with `tacita-compile`"));
        }
        let version = u32::from_le_bytes(r.array().map_err(damaged)?);
        if version != PLAN_VERSION {
            return Err(Error::input(format!(
                "plan of format version {version}, this program reads {PLAN_VERSION}: compile it \
                 again"
            )));
        }
        let public_len = r.u64().map_err(damaged)?;
        let digest: [u8; 32] = r.array().map_err(damaged)?;
        let body = bytes.get(HEADER..).unwrap_or_default();
        if Sha256::digest(body).as_slice() != digest {
            return Err(Error::input("damaged plan: its checksum is wrong; compile it again"));
        }
        if public_len > MAX_PUBLIC_BYTES as u64 {
            return Err(Error::input("unusable plan: its public half is over 16 MiB"));
        }
        let public = PublicPlan::from_bytes(r.take(public_len as usize).map_err(damaged)?)?;
        let secret = read_secret(&mut r, &public).map_err(damaged)?;
        r.finish().map_err(|_| Error::input("damaged plan: bytes left over"))?;
        Self::new(public, secret)
    }
}

fn read_secret(r: &mut Reader<'_>, public: &PublicPlan) -> Result<SecretPlan> {
    let mut tensors = Vec::with_capacity(public.tensors.len());
    for spec in &public.tensors {
        let mut t = TensorSecrets::default();
        for _ in &spec.terms {
            t.weights.push(read_counted(r, i32::from_le_bytes)?);
        }
        t.bias = read_counted(r, i64::from_le_bytes)?;
        tensors.push(t);
    }
    Ok(SecretPlan { tensors })
}

fn read_counted<const N: usize, T>(
    r: &mut Reader<'_>,
    from: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>> {
    let n = r.u64()?;
    if n > MAX_WEIGHTS as u64 {
        return Err(Error::input("damaged plan: too many weights"));
    }
    // `take` fails before anything is allocated for a count that the file does not hold.
    let bytes = r.take(n as usize * N)?;
    Ok(bytes
        .chunks_exact(N)
        .map(|c| {
            let mut w = [0; N];
            w.copy_from_slice(c);
            from(w)
        })
        .collect())
}
