//! What is wrong with a request, and how it is answered.

/// What is wrong with a request. The text never repeats the body: a token might be in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("The token endpoint takes POST")]
    Method,
    #[error("The Content-Type must be {0}")]
    ContentType(&'static str),
    #[error("The header X-Merchant-ID is missing")]
    Merchant,
    #[error("The body is larger than 64 KiB or broke off")]
    Body,
    #[error("The body is not a JSON object whose grant_type and refresh_token are texts, each given once")]
    Json,
    #[error("The parameter {0} is given twice")]
    Repeated(&'static str),
    #[error("The parameter {0} is missing")]
    Missing(&'static str),
    #[error("The grant_type must be refresh_token")]
    GrantType,
    #[error("The client is unknown, or its secret is wrong")]
    Client,
    #[error("The client authenticates in two ways")]
    TwoMethods,
}

impl RequestError {
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Method => 405,
            Self::ContentType(_) => 415,
            Self::Body => 413,
            Self::Client => 401,
            Self::Merchant | Self::Json | Self::Repeated(_) | Self::Missing(_) | Self::GrantType | Self::TwoMethods => {
                400
            }
        }
    }

    /// RFC 6749 section 5.2.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::GrantType => "unsupported_grant_type",
            Self::Client => "invalid_client",
            Self::Method
            | Self::ContentType(_)
            | Self::Merchant
            | Self::Body
            | Self::Json
            | Self::Repeated(_)
            | Self::Missing(_)
            | Self::TwoMethods => "invalid_request",
        }
    }
}
