//! JSON of strangers: measured before it is read.

use serde_json::Value;
use thiserror::Error;

/// Lists and objects within each other; no request of ours has more than four.
pub const DEPTH_MAX: usize = 16;

/// The body is no JSON, or too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("is no JSON, or nested deeper than {DEPTH_MAX}")]
pub struct NotUsable;

/// Reads a body.
///
/// # Errors
/// [`NotUsable`].
pub fn read(body: &[u8]) -> Result<Value, NotUsable> {
    if depth(body) > DEPTH_MAX {
        return Err(NotUsable);
    }
    serde_json::from_slice(body).map_err(|_| NotUsable)
}

/// How deep it goes at most, without building anything. Of what is no JSON the number means nothing.
fn depth(body: &[u8]) -> usize {
    let (mut now, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in body {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b'[' | b'{') => {
                now += 1;
                most = most.max(now);
            }
            (false, b']' | b'}') => now = now.saturating_sub(1),
            (true | false, _) => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn what_is_too_deep_is_not_read() {
        assert!(read(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(read(nested(DEPTH_MAX + 1).as_bytes()), Err(NotUsable));
        assert_eq!(read("[".repeat(5_000_000).as_bytes()), Err(NotUsable));
        assert!(read(br#"{"a":"[[[[[[[[[[[[[[[[[[[[[[[[ \" [[["}"#).is_ok());
        for bad in ["", "{", "{\"a\":1}x", "\u{feff}{}", "nothing"] {
            assert_eq!(read(bad.as_bytes()), Err(NotUsable), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body);
        }
    }
}
