//! `multipart/form-data`, as far as clients send it.

use axum::body::Bytes;

/// One field of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    /// Files have one.
    pub(super) file_name: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) bytes: Bytes,
}

impl Part {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Reads a body by its content type. None, if it is no such form, or a broken one.
pub(super) fn read(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let first = format!("--{boundary}").into_bytes();
    let mut at = find(body, &first, 0)?.checked_add(first.len())?;
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let start = at.checked_add(2).filter(|_| rest.starts_with(b"\r\n"))?;
        let end = find(body, &delimiter, start)?;
        let head_end = find(body, b"\r\n\r\n", start)?;
        let head = String::from_utf8_lossy(body.get(start..head_end)?).into_owned();
        let content = body.slice(head_end.checked_add(4)?.min(end)..end);
        parts.push(part(&head, content)?);
        at = end.checked_add(delimiter.len())?;
    }
}

fn part(head: &str, bytes: Bytes) -> Option<Part> {
    let header = |wanted: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_owned())
    };
    let disposition = header("content-disposition")?;
    Some(Part {
        name: parameter(&disposition, "name")?,
        file_name: parameter(&disposition, "filename"),
        content_type: header("content-type"),
        bytes,
    })
}

/// `name="file"` or `name=file`, among others.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut all = text.split(';').filter_map(|one| one.split_once('='));
    all.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

fn find(text: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.windows(wanted.len()).position(|window| window == wanted).map(|place| place + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_files_are_told_apart() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-transcribe\r\n--b\r\n\
                    content-disposition: form-data; name=\"file\"; filename=\"a.ogg\"\r\nContent-Type: audio/ogg\r\n\r\n\
                    x\r\ny\r\n--b--\r\n";
        let parts = read("multipart/form-data; boundary=b", &Bytes::from(body)).unwrap();
        assert_eq!((parts[0].name.as_str(), parts[0].text().as_str()), ("model", "gpt-transcribe"));
        assert_eq!((parts[1].file_name.as_deref(), parts[1].text().as_str()), (Some("a.ogg"), "x\r\ny"));
        assert_eq!(parts[1].content_type.as_deref(), Some("audio/ogg"));
        assert_eq!(read("multipart/form-data; boundary=c", &Bytes::from(body)), None);
        assert_eq!(read("application/json", &Bytes::from(body)), None);
        assert_eq!(read("multipart/form-data; boundary=b", &Bytes::from_static(b"--b\r\nhalf")), None);
    }
}
