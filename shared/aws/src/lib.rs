//! The ports of `frontdesk-core` on AWS: DynamoDB, SQS, SNS, S3, Secrets Manager and the Lambda runtime.
//!
//! Nothing here decides anything. A module translates one port into calls whose outcome is decided by the table, and
//! translates the answers back; what may follow from them is said in the core. Only [`start`] and [`process`] touch the
//! process that they run in.

mod connector;
pub mod dead_letters;
pub mod door;
pub mod dynamo;
mod failure;
pub mod inspect;
mod knock;
pub mod lambda;
pub mod probes;
pub mod process;
pub mod secrets;
pub mod sqs;
pub mod start;
pub mod telemetry;
pub mod topic;
pub mod uploads;

pub use failure::detail;
