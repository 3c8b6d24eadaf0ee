//! A write that met another transaction on its row is tried again at once; the SDK itself gives up on it.

use aws_sdk_dynamodb::operation::{
    put_item::PutItemError, transact_write_items::TransactWriteItemsError, update_item::UpdateItemError,
};
use aws_smithy_runtime_api::client::{
    interceptors::context::{Error, InterceptorContext},
    retries::classifiers::{ClassifyRetry, RetryAction},
};

/// Recognises conflicts, which say nothing about any condition: the rows were only busy.
#[derive(Debug)]
pub(crate) struct RetryTransactionConflicts;

impl ClassifyRetry for RetryTransactionConflicts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err).and_then(|error| error.as_operation_error());
        match error {
            Some(error) if is_conflict(error) => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "transaction conflicts"
    }
}

fn is_conflict(error: &Error) -> bool {
    if let Some(error) = error.downcast_ref::<UpdateItemError>() {
        return matches!(error, UpdateItemError::TransactionConflictException(_));
    }
    if let Some(error) = error.downcast_ref::<PutItemError>() {
        return matches!(error, PutItemError::TransactionConflictException(_));
    }
    match error.downcast_ref::<TransactWriteItemsError>() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            let codes = || cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
            codes().any(|code| code == "TransactionConflict")
                && codes().all(|code| matches!(code, "None" | "TransactionConflict"))
        }
        _ => false,
    }
}
