//! One conditional write, one transaction, one consistent read, one page of an index: all that the ports are made of.

use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata,
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError, update_item::UpdateItemError},
    types::{
        AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnValue,
        ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
    },
};
use frontdesk_core::{
    ids::Shard,
    store::{Fenced, StoreError},
    time::UnixMillis,
};

use super::{
    DynamoStore, Table,
    row::{Item, millis, text},
};
use crate::failure;

/// An update of one row, written down before it is sent.
pub(super) struct Change {
    pub(super) table: Table,
    pub(super) key: String,
    /// `None` only where any state of the row admits the change.
    pub(super) only_if: Option<&'static str>,
    pub(super) update: &'static str,
    pub(super) values: Vec<(&'static str, AttributeValue)>,
}

/// A whole row, put in the place of any other under its key.
pub(super) struct NewRow {
    pub(super) table: Table,
    pub(super) item: Item,
    pub(super) only_if: &'static str,
    pub(super) values: Vec<(&'static str, AttributeValue)>,
}

/// A condition on a row that something is to be done with: to look at it, or to delete it.
pub(super) struct Guard {
    pub(super) table: Table,
    pub(super) key: String,
    pub(super) only_if: String,
    pub(super) values: Item,
}

/// What became of a write.
pub(super) enum Written {
    /// Made; after a change, the row as it is now.
    Made(Item),
    /// Not made, because the condition does not hold; the row as it is, if there is one.
    Refused(Option<Item>),
}

impl Written {
    /// Whether the call that drew this name made it, now or at an attempt whose answer was lost.
    pub(super) fn made_by(&self, call: &str) -> bool {
        match self {
            Self::Made(_) => true,
            Self::Refused(old) => {
                old.as_ref().and_then(|item| item.get("last_write")?.as_s().ok()).is_some_and(|w| w == call)
            }
        }
    }

    /// The row as it is now, if there is one.
    pub(super) fn row(&self) -> Option<&Item> {
        match self {
            Self::Made(item) => Some(item),
            Self::Refused(old) => old.as_ref(),
        }
    }

    /// Whether the call made it, as the port says it.
    pub(super) fn fenced(&self, call: &str) -> Fenced {
        if self.made_by(call) { Fenced::Written } else { Fenced::Lost }
    }
}

/// What became of a transaction.
pub(super) enum Transacted {
    /// All of it is written.
    Made,
    /// Nothing of it is. For each part whose condition does not hold the row as it is, empty if there is none; `None`
    /// for the others.
    Refused(Vec<Option<Item>>),
}

impl DynamoStore {
    pub(super) async fn put(&self, new: NewRow) -> Result<Written, StoreError> {
        let NewRow { table, item, only_if, values } = new;
        let request = self
            .client
            .put_item()
            .table_name(self.name(table))
            .set_item(Some(item))
            .condition_expression(only_if)
            .set_expression_attribute_values(Some(named(values)).filter(|values| !values.is_empty()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(_) => Ok(Written::Made(Item::new())),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Written::Refused(refused.item.clone().filter(|item| !item.is_empty())))
                }
                _ => Err(table.unavailable(failure::detail(&error))),
            },
        }
    }

    /// The same as a part of a transaction. An empty condition is none.
    pub(super) fn put_part(&self, new: NewRow) -> Result<TransactWriteItem, StoreError> {
        let NewRow { table, item, only_if, values } = new;
        let put = Put::builder()
            .table_name(self.name(table))
            .set_item(Some(item))
            .set_condition_expression(Some(only_if.to_owned()).filter(|condition| !condition.is_empty()))
            .set_expression_attribute_values(Some(named(values)).filter(|values| !values.is_empty()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| table.unavailable(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Writes all parts or none. `token` names the transaction for the next minutes, so that its repetition is the same
    /// one; without it the SDK draws a name for its own repetitions. Conflicts and throttling are no decision of any
    /// condition, and errors.
    pub(super) async fn transact(
        &self,
        table: Table,
        token: Option<String>,
        parts: Vec<TransactWriteItem>,
    ) -> Result<Transacted, StoreError> {
        let count = parts.len();
        let request = self.client.transact_write_items().set_transact_items(Some(parts));
        let error = match request.set_client_request_token(token).send().await {
            Ok(_) => return Ok(Transacted::Made),
            Err(error) => error,
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return Err(table.unavailable(failure::detail(&error)));
        };
        let reasons = cancelled.cancellation_reasons();
        let refused = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
        if reasons.len() == count && reasons.iter().any(refused) {
            let old = |reason: &CancellationReason| refused(reason).then(|| reason.item().cloned().unwrap_or_default());
            return Ok(Transacted::Refused(reasons.iter().map(old).collect()));
        }
        let codes: Vec<&str> = reasons.iter().filter_map(CancellationReason::code).collect();
        let code = cancelled.code().unwrap_or("cancelled");
        Err(table.unavailable(format!("{code}: {}", codes.join(", "))))
    }

    pub(super) async fn change(&self, change: Change) -> Result<Written, StoreError> {
        let Change { table, key, only_if, update, values } = change;
        let request = self
            .client
            .update_item()
            .table_name(self.name(table))
            .key("pk", text(key))
            .update_expression(update)
            .set_condition_expression(only_if.map(str::to_owned))
            .set_expression_attribute_values(Some(named(values)).filter(|values| !values.is_empty()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(output) => Ok(Written::Made(output.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Written::Refused(refused.item.clone().filter(|item| !item.is_empty())))
                }
                _ => Err(table.unavailable(failure::detail(&error))),
            },
        }
    }

    /// The same as a part of a transaction.
    pub(super) fn part(&self, change: Change) -> Result<TransactWriteItem, StoreError> {
        let Change { table, key, only_if, update, values } = change;
        let update = Update::builder()
            .table_name(self.name(table))
            .key("pk", text(key))
            .update_expression(update)
            .set_condition_expression(only_if.map(str::to_owned))
            .set_expression_attribute_values(Some(named(values)).filter(|values| !values.is_empty()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| table.unavailable(error.to_string()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// A row that is to be as it is asked for when the rest of a transaction is written.
    pub(super) fn check_part(&self, guard: Guard) -> Result<TransactWriteItem, StoreError> {
        let Guard { table, key, only_if, values } = guard;
        let check = ConditionCheck::builder()
            .table_name(self.name(table))
            .key("pk", text(key))
            .condition_expression(only_if)
            .set_expression_attribute_values(Some(values).filter(|values| !values.is_empty()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| table.unavailable(error.to_string()))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// A row that goes with the rest of a transaction.
    pub(super) fn delete_part(&self, guard: Guard) -> Result<TransactWriteItem, StoreError> {
        let Guard { table, key, only_if, values } = guard;
        let delete = Delete::builder()
            .table_name(self.name(table))
            .key("pk", text(key))
            .set_condition_expression(Some(only_if).filter(|condition| !condition.is_empty()))
            .set_expression_attribute_values(Some(values).filter(|values| !values.is_empty()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| table.unavailable(error.to_string()))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Reads a row, strongly consistent; `only` names the one attribute that is wanted.
    pub(super) async fn get(&self, table: Table, key: &str, only: Option<&str>) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(self.name(table)).key("pk", text(key)).consistent_read(true);
        let output = request.set_projection_expression(only.map(str::to_owned)).send().await;
        output.map(|o| o.item).map_err(|error| table.unavailable(failure::detail(&error)))
    }

    /// One page of a sparse index, oldest first.
    pub(super) async fn page(
        &self,
        index: &Index,
        shard: Shard,
        upto: UnixMillis,
        limit: u16,
    ) -> Result<Vec<Item>, StoreError> {
        let request = self
            .client
            .query()
            .table_name(self.name(index.table))
            .index_name(index.name)
            .key_condition_expression(index.condition)
            .expression_attribute_values(":shard", text(shard.to_key()))
            .expression_attribute_values(":upto_ms", millis(upto))
            .limit(i32::from(limit));
        let output = request.send().await.map_err(|error| index.table.unavailable(failure::detail(&error)))?;
        Ok(output.items.unwrap_or_default())
    }
}

/// A sparse index.
pub(super) struct Index {
    pub(super) table: Table,
    pub(super) name: &'static str,
    pub(super) condition: &'static str,
}

pub(super) fn named(values: Vec<(&'static str, AttributeValue)>) -> Item {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
