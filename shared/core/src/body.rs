//! Bodies as they are kept: small ones as they came, large ones compressed.

use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use thiserror::Error;

/// Bodies above this are compressed: a DynamoDB write is billed per KiB, and most webhooks are far smaller.
pub const COMPRESS_ABOVE_BYTES: usize = 32 * 1024;

/// What fits into a row beside its other attributes; DynamoDB's limit is 400 KiB for the whole item.
pub const STORED_BYTES_MAX: usize = 380 * 1024;

/// A body packed for storage.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredBody {
    /// As it came.
    Plain(Vec<u8>),
    /// Deflated.
    Deflate(Vec<u8>),
}

impl std::fmt::Debug for StoredBody {
    /// Shows the size only: bodies hold names, phones and messages.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(b) => write!(f, "Plain({} bytes)", b.len()),
            Self::Deflate(b) => write!(f, "Deflate({} bytes)", b.len()),
        }
    }
}

/// The body does not fit into a row, even compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the body does not fit into an inbox row even when compressed")]
pub struct TooLarge;

/// The stored bytes are not what [`StoredBody::pack`] made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the stored body cannot be unpacked")]
pub struct Unreadable;

impl StoredBody {
    /// Packs a raw body.
    ///
    /// # Errors
    /// [`TooLarge`] when it does not fit into a row.
    pub fn pack(raw: &[u8]) -> Result<Self, TooLarge> {
        if raw.len() <= COMPRESS_ABOVE_BYTES {
            return Ok(Self::Plain(raw.to_vec()));
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        let packed = encoder.write_all(raw).and_then(|()| encoder.finish()).map_err(|_| TooLarge)?;
        if packed.len() > STORED_BYTES_MAX { Err(TooLarge) } else { Ok(Self::Deflate(packed)) }
    }

    /// The raw body again, byte for byte.
    ///
    /// # Errors
    /// [`Unreadable`] when the stored bytes are damaged or unpack to more than `max_bytes`.
    pub fn unpack(&self, max_bytes: usize) -> Result<Vec<u8>, Unreadable> {
        match self {
            Self::Plain(raw) => Ok(raw.clone()),
            Self::Deflate(packed) => {
                let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX);
                let mut raw = Vec::new();
                DeflateDecoder::new(packed.as_slice())
                    .take(limit.saturating_add(1))
                    .read_to_end(&mut raw)
                    .map_err(|_| Unreadable)?;
                if raw.len() > max_bytes { Err(Unreadable) } else { Ok(raw) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_is_32_kib() {
        assert!(matches!(StoredBody::pack(&vec![b'a'; COMPRESS_ABOVE_BYTES]), Ok(StoredBody::Plain(_))));
        assert!(matches!(StoredBody::pack(&vec![b'a'; COMPRESS_ABOVE_BYTES + 1]), Ok(StoredBody::Deflate(_))));
    }

    #[test]
    fn large_bodies_come_back_byte_for_byte_and_bombs_do_not() {
        let raw: Vec<u8> = (0..2_000_000_u32).map(|n| b'a' + u8::try_from(n / 7 % 26).unwrap()).collect();
        let stored = StoredBody::pack(&raw).unwrap();
        assert_eq!(stored.unpack(raw.len()).unwrap(), raw);
        assert_eq!(stored.unpack(raw.len() - 1), Err(Unreadable));
    }

    #[test]
    fn what_does_not_compress_below_the_row_limit_is_refused() {
        let mut seed = 1_u64;
        let noise: Vec<u8> = (0..STORED_BYTES_MAX + 40_000)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                seed.to_be_bytes()[0]
            })
            .collect();
        assert_eq!(StoredBody::pack(&noise), Err(TooLarge));
    }
}
