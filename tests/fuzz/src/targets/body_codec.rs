//! Bodies as they are stored. The first byte says what the rest is: a raw body, made longer by repeating it, or the
//! stored bytes of one, possibly damaged.
//!
//! Promises: a body comes back byte for byte or was refused; whatever is in a row, unpacking it ends, within its limit.

use std::io::Write as _;

use flate2::{Compression, write::DeflateEncoder};
use frontdesk_core::body::{COMPRESS_ABOVE_BYTES, STORED_BYTES_MAX, StoredBody};

use crate::{Samples, Target};

pub(crate) const TARGET: Target = Target {
    name: "body_codec",
    bytes_max: 4096,
    // The heads of deflate's three kinds of blocks, and empty ones of the first two.
    words: &["\u{1}", "\u{3}", "\u{5}", "\u{3}\0", "\u{1}\0\0\u{ff}"],
    seeds,
    run,
};

/// Smaller than production's, so that a bomb is found with a short input.
const LIMIT: usize = 1 << 20;

fn seeds(samples: &Samples) -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![0], vec![9], vec![255]];
    for body in samples.shopify.iter().map(|b| b.get(..3_000).unwrap_or(b)) {
        seeds.extend([0, 12, 60].map(|times| [&[times], body].concat()));
        seeds.push([&[255], deflated(body).as_slice()].concat());
    }
    seeds.push([&[255], deflated(&vec![b' '; 3_000_000]).as_slice()].concat());
    seeds
}

fn deflated(raw: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(raw).unwrap();
    encoder.finish().unwrap()
}

fn run(data: &[u8]) {
    let Some((&kind, rest)) = data.split_first() else { return };
    if kind >= 128 {
        return stored(rest);
    }
    // Up to half a megabyte, so that both sides of every boundary are reached.
    raw(&rest.repeat(1 + usize::from(kind)));
}

fn raw(body: &[u8]) {
    match StoredBody::pack(body) {
        Ok(stored) => {
            let (kept, plain) = match &stored {
                StoredBody::Plain(bytes) => (bytes.len(), true),
                StoredBody::Deflate(bytes) => (bytes.len(), false),
            };
            assert_eq!(plain, body.len() <= COMPRESS_ABOVE_BYTES);
            assert!(kept <= STORED_BYTES_MAX, "the row would not fit");
            assert_eq!(stored.unpack(body.len()).as_deref(), Ok(body), "another body comes back");
            assert!(plain || stored.unpack(body.len() - 1).is_err(), "the limit does not hold");
        }
        Err(_) => assert!(body.len() > STORED_BYTES_MAX, "a body that fits is refused"),
    }
}

fn stored(bytes: &[u8]) {
    for limit in [0, 1, COMPRESS_ABOVE_BYTES, LIMIT] {
        if let Ok(body) = StoredBody::Deflate(bytes.to_vec()).unpack(limit) {
            assert!(body.len() <= limit, "a bomb went off");
        }
    }
}
