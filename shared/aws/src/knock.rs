//! Opens a client's connection before the first event needs it.
//!
//! A real operation is built, resolved and signed as it will be later, which also brings that code into memory, and at
//! the last moment it is exchanged for an unsigned `GET /`. So nothing is read, written, billed or refused for want of
//! a permission, and whatever is answered, the connection stands.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextMut, dyn_dispatch_hint},
        orchestrator::HttpResponse,
        result::SdkError,
        runtime_components::RuntimeComponents,
    },
    http::Request,
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag, error::metadata::ProvideErrorMetadata};

use crate::failure;

/// Put this interceptor on the operation that is to open the connection.
#[derive(Debug)]
pub(crate) struct Knock;

#[dyn_dispatch_hint]
impl Intercept for Knock {
    fn name(&self) -> &'static str {
        "Knock"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let mut knock = Request::new(SdkBody::empty());
        knock.set_method("GET")?;
        knock.set_uri(request.uri().to_owned())?;
        *request = knock;
        Ok(())
    }
}

/// Whether the other side answered, whatever it said.
pub(crate) fn answered<T, E: ProvideErrorMetadata>(
    outcome: Result<T, SdkError<E, HttpResponse>>,
) -> Result<(), String> {
    match outcome {
        Ok(_) | Err(SdkError::ServiceError(_) | SdkError::ResponseError(_)) => Ok(()),
        Err(error) => Err(failure::detail(&error)),
    }
}
