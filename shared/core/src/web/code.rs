//! What can be wrong with a browser's request, by its stable code (the table is in `docs/ERRORS.md`).

/// The codes of the website side that no brief has a code for. Each is counted as
/// [`Metric::WebCode`](crate::telemetry::Metric) under its own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WebCode {
    /// A page of another website asks; its origin is not in `WEB_ORIGINS`.
    OriginNotAllowed,
    /// There is a CSRF token and it is not ours, or it has expired.
    CsrfInvalid,
    /// The client has asked too often.
    RateLimited,
    /// The body is larger than is read.
    BodyTooLarge,
    /// The body is no JSON, or nested too deeply.
    InvalidJson,
    /// Not a method of this address.
    MethodNotAllowed,
    /// Something of ours cannot be used at the moment; the same request may work later.
    Unavailable,
    /// A link or form that was not made by us, or has expired.
    LinkInvalid,
    /// The file that a message names has not arrived, or is not the one that was announced.
    UploadNotFound,
    /// A field has no usable value.
    FieldInvalid,
    /// There is nothing at this address.
    NotFound,
}

impl WebCode {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::OriginNotAllowed,
        Self::CsrfInvalid,
        Self::RateLimited,
        Self::BodyTooLarge,
        Self::InvalidJson,
        Self::MethodNotAllowed,
        Self::Unavailable,
        Self::LinkInvalid,
        Self::UploadNotFound,
        Self::FieldInvalid,
        Self::NotFound,
    ];

    /// The code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OriginNotAllowed => "ERR_WEB_001",
            Self::CsrfInvalid => "ERR_WEB_002",
            Self::RateLimited => "ERR_WEB_003",
            Self::BodyTooLarge => "ERR_WEB_004",
            Self::InvalidJson => "ERR_WEB_005",
            Self::MethodNotAllowed => "ERR_WEB_006",
            Self::Unavailable => "ERR_WEB_007",
            Self::LinkInvalid => "ERR_WEB_008",
            Self::UploadNotFound => "ERR_WEB_009",
            Self::FieldInvalid => "ERR_WEB_010",
            Self::NotFound => "ERR_WEB_011",
        }
    }

    /// The code's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::CsrfInvalid => "csrf_token_invalid",
            Self::RateLimited => "rate_limited",
            Self::BodyTooLarge => "body_too_large",
            Self::InvalidJson => "invalid_json",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Unavailable => "unavailable",
            Self::LinkInvalid => "link_invalid",
            Self::UploadNotFound => "upload_not_found",
            Self::FieldInvalid => "field_invalid",
            Self::NotFound => "not_found",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidJson | Self::UploadNotFound | Self::FieldInvalid => 400,
            Self::OriginNotAllowed | Self::CsrfInvalid | Self::LinkInvalid => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::BodyTooLarge => 413,
            Self::RateLimited => 429,
            Self::Unavailable => 503,
        }
    }
}
