//! Percent-decoding, for matching and logging what a path or a query means.

/// Decodes `%2B` and its like; what is not an escape stays as it is. Bytes that make no UTF-8 are replaced.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escape = (*first == b'%').then(|| tail.split_at_checked(2)).flatten();
        match escape.and_then(|(digits, after)| hex(digits).map(|byte| (byte, after))) {
            Some((byte, after)) => {
                bytes.push(byte);
                rest = after;
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Encodes a segment of a path: everything but letters, digits and `-._~`.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn hex(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::{decoded, encoded};

    #[test]
    fn escapes_are_decoded_and_the_rest_is_kept() {
        assert_eq!(decoded("/v4/contacts/%2B61491570156"), "/v4/contacts/+61491570156");
        assert_eq!(decoded("100%25 %zz % %4"), "100% %zz % %4");
        assert_eq!(encoded("voice note+é.ogg"), "voice%20note%2B%C3%A9.ogg");
        assert_eq!(decoded(&encoded("a/b c")), "a/b c");
    }
}
