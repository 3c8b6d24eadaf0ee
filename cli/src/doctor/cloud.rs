//! What AWS says of the functions, of what their roles allow, and of what the clock starts.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_iam::types::PolicyEvaluationDecisionType;
use aws_sdk_lambda::types::FunctionResponseType;
use frontdesk_aws::{inspect::looked, start::Aws};
use frontdesk_core::config::{Env as _, Function};
use frontdesk_core::doctor::{
    Looked,
    functions::{FunctionFacts, Mapping, SCHEDULES, ScheduleFacts},
    needs::{self, Asked, Place},
};
use futures_util::{StreamExt as _, stream};

use crate::installation::ToolEnv;

/// Questions at once: Lambda and IAM take some fifteen a second.
const AT_ONCE: usize = 6;

/// Clients of what only the tool asks.
pub(super) struct Cloud {
    lambda: aws_sdk_lambda::Client,
    scheduler: aws_sdk_scheduler::Client,
    iam: aws_sdk_iam::Client,
    stack: String,
    /// Whether it is AWS, and nothing that stands in for it.
    is_aws: bool,
}

/// A function, by its name in the account.
pub(super) struct Deployed {
    pub(super) function: Function,
    pub(super) name: String,
    pub(super) facts: Looked<FunctionFacts>,
}

impl Cloud {
    pub(super) fn new(env: &ToolEnv, aws: &Aws) -> Self {
        let said = |name: &str| env.get(name).filter(|value| !value.trim().is_empty());
        let at = |service: &str| said(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| said("AWS_ENDPOINT_URL"));
        Self {
            lambda: aws_sdk_lambda::Client::new(&aws.sdk(at("LAMBDA"))),
            scheduler: aws_sdk_scheduler::Client::new(&aws.sdk(at("SCHEDULER"))),
            iam: aws_sdk_iam::Client::new(&aws.sdk(at("IAM"))),
            stack: env.stack().to_owned(),
            is_aws: said("AWS_ENDPOINT_URL").is_none(),
        }
    }

    /// All functions, in their order.
    pub(super) async fn functions(&self) -> Vec<Deployed> {
        let all = stream::iter(Function::ALL).map(|function| async move {
            let name = format!("{}-{}", self.stack, function.as_str());
            let facts = self.function(function, &name).await;
            Deployed { function, name, facts }
        });
        all.buffered(AT_ONCE).collect().await
    }

    async fn function(&self, function: Function, name: &str) -> Looked<FunctionFacts> {
        let told = match looked(self.lambda.get_function_configuration().function_name(name).send().await) {
            Looked::Seen(told) => told,
            Looked::Absent => return Looked::Absent,
            Looked::Unknown(why) => return Looked::Unknown(why),
            Looked::Forbidden(why) => return Looked::Forbidden(why),
        };
        let limit = looked(self.lambda.get_function_concurrency().function_name(name).send().await);
        let reserved = limit.seen().and_then(|limit| limit.reserved_concurrent_executions);
        let mappings = match needs::sources(function).is_empty() {
            true => Looked::Seen(Vec::new()),
            false => self.mappings(name).await,
        };
        let word = |word: Option<&str>| word.unwrap_or_default().to_owned();
        let reason = told.state_reason().or(told.last_update_status_reason()).unwrap_or_default();
        Looked::Seen(FunctionFacts {
            state: word(told.state().map(|state| state.as_str())),
            last_update: word(told.last_update_status().map(|status| status.as_str())),
            reason: reason.to_owned(),
            arn: word(told.function_arn()),
            role: word(told.role()),
            timeout: Duration::from_secs(
                told.timeout().and_then(|timeout| u64::try_from(timeout).ok()).unwrap_or_default(),
            ),
            reserved: reserved.and_then(|reserved| u32::try_from(reserved).ok()),
            variables: told.environment.and_then(|told| told.variables).unwrap_or_default().into_iter().collect(),
            mappings,
        })
    }

    async fn mappings(&self, name: &str) -> Looked<Vec<Mapping>> {
        let listed = looked(self.lambda.list_event_source_mappings().function_name(name).max_items(100).send().await);
        listed.map(|listed| {
            let mapping = |told: &aws_sdk_lambda::types::EventSourceMappingConfiguration| Mapping {
                queue: told.event_source_arn().and_then(|arn| arn.rsplit(':').next()).unwrap_or_default().to_owned(),
                state: told.state().unwrap_or_default().to_owned(),
                id: told.uuid().unwrap_or_default().to_owned(),
                single_failures: told
                    .function_response_types()
                    .contains(&FunctionResponseType::ReportBatchItemFailures),
            };
            listed.event_source_mappings().iter().map(mapping).collect()
        })
    }

    /// The address under which API Gateway calls a function: the front door's, unless it has a name of its own.
    pub(super) async fn front_door(&self, name: &str) -> Looked<String> {
        if !self.is_aws {
            return Looked::Absent;
        }
        looked(self.lambda.get_policy().function_name(name).send().await).and_then(|told| {
            let policy = told.policy.and_then(|policy| serde_json::from_str::<serde_json::Value>(&policy).ok());
            policy.as_ref().and_then(caller).map_or(Looked::Absent, Looked::Seen)
        })
    }

    /// All schedules, by their tasks.
    pub(super) async fn schedules(&self) -> Vec<(&'static str, String, Looked<ScheduleFacts>)> {
        let all = stream::iter(SCHEDULES).map(|task| async move {
            let name = format!("{}-{task}", self.stack);
            let told = looked(self.scheduler.get_schedule().name(&name).send().await);
            let facts = told.map(|told| ScheduleFacts {
                state: told.state().map(|state| state.as_str()).unwrap_or_default().to_owned(),
                dead_letters: told.target().and_then(|target| target.dead_letter_config()).is_some(),
            });
            (task, name, facts)
        });
        all.buffered(AT_ONCE).collect().await
    }

    /// What the functions' roles do not allow of what they need.
    pub(super) async fn permissions(&self, deployed: &[Deployed], queues: &BTreeMap<String, String>) -> Vec<Asked> {
        let mut asked = Vec::new();
        for Deployed { function, facts, .. } in deployed {
            let Looked::Seen(facts) = facts else { continue };
            let denied = self.denied(*function, facts, queues).await;
            let stop = matches!(denied, Looked::Forbidden(_) | Looked::Unknown(_));
            asked.push(Asked { function: *function, denied });
            // The others would hear the same.
            if stop {
                break;
            }
        }
        asked
    }

    async fn denied(
        &self,
        function: Function,
        facts: &FunctionFacts,
        queues: &BTreeMap<String, String>,
    ) -> Looked<Vec<(String, String)>> {
        let Some(account) = Account::of(&facts.arn) else { return Looked::Absent };
        let questions: Vec<(String, &[&str])> = needs::of(function)
            .iter()
            .filter_map(|need| Some((account.arn(need.place, facts, queues)?, need.actions)))
            .collect();
        let answers = stream::iter(questions).map(|(arn, actions)| async move {
            let actions = actions.iter().map(|action| (*action).to_owned()).collect();
            let simulated = self.iam.simulate_principal_policy().policy_source_arn(&facts.role);
            let simulated = simulated.set_action_names(Some(actions)).resource_arns(&arn).send().await;
            looked(simulated).map(|told| {
                let denied = |result: &&aws_sdk_iam::types::EvaluationResult| {
                    *result.eval_decision() != PolicyEvaluationDecisionType::Allowed
                };
                let denied = told.evaluation_results().iter().filter(denied);
                denied.map(|result| (result.eval_action_name().to_owned(), arn.clone())).collect::<Vec<_>>()
            })
        });
        let mut all = Vec::new();
        for answer in answers.buffered(AT_ONCE).collect::<Vec<_>>().await {
            match answer {
                Looked::Seen(denied) => all.extend(denied),
                other @ (Looked::Absent | Looked::Unknown(_) | Looked::Forbidden(_)) => return other,
            }
        }
        Looked::Seen(all)
    }
}

/// The API of API Gateway that a function's policy lets call: `arn:aws:execute-api:eu-central-1:1:abc/*/GET/health`.
fn caller(policy: &serde_json::Value) -> Option<String> {
    let statements = policy.get("Statement")?.as_array()?;
    let arn = statements.iter().find_map(|statement| {
        let source = statement.pointer("/Condition/ArnLike/AWS:SourceArn")?.as_str()?;
        source.contains(":execute-api:").then_some(source)
    })?;
    let mut parts = arn.split(':');
    let partition = parts.nth(1)?;
    let region = parts.nth(1)?;
    let api = parts.nth(1)?.split('/').next().filter(|api| !api.is_empty() && *api != "*")?;
    let suffix = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    Some(format!("https://{api}.execute-api.{region}.{suffix}"))
}

/// Where a function's resources are: where it is itself.
struct Account<'a> {
    partition: &'a str,
    region: &'a str,
    number: &'a str,
}

impl<'a> Account<'a> {
    /// `arn:aws:lambda:eu-central-1:123456789012:function:name`
    fn of(function: &'a str) -> Option<Self> {
        let mut parts = function.split(':');
        let (partition, region, number) = (parts.nth(1)?, parts.nth(1)?, parts.next()?);
        Some(Self { partition, region, number })
    }

    /// The ARN of a place; `None` when the function is not told of it, and so does without.
    fn arn(&self, place: Place, facts: &FunctionFacts, queues: &BTreeMap<String, String>) -> Option<String> {
        let value = |name: &str| facts.variables.get(name).map(String::as_str).filter(|value| !value.trim().is_empty());
        let Self { partition, region, number } = self;
        let table = |name: &str| format!("arn:{partition}:dynamodb:{region}:{number}:table/{name}");
        let queue = |name: &str| format!("arn:{partition}:sqs:{region}:{number}:{name}");
        match place {
            Place::Index(setting, index) => value(setting).map(|name| format!("{}/index/{index}", table(name))),
            Place::Source(word) => queues.get(word).map(|name| queue(name)),
            Place::Named(setting) if setting.starts_with("FRONTDESK_TABLE_") => value(setting).map(table),
            Place::Named(setting) if setting.starts_with("FRONTDESK_QUEUE_") => {
                value(setting).and_then(|url| url.rsplit('/').next()).map(queue)
            }
            // A secret may be named without its ARN; then nobody can be asked about it.
            Place::Named(setting) => value(setting).filter(|arn| arn.starts_with("arn:")).map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_door_is_known_by_who_may_call() {
        let policy = |arn: &str| {
            serde_json::json!({ "Statement": [
                { "Condition": { "ArnLike": { "AWS:SourceArn": "arn:aws:events:eu-central-1:1:rule/x" } } },
                { "Condition": { "ArnLike": { "AWS:SourceArn": arn } } },
            ]})
        };
        let door = "https://a1b2.execute-api.ap-southeast-2.amazonaws.com";
        let found = caller(&policy("arn:aws:execute-api:ap-southeast-2:123456789012:a1b2/*/*/health"));
        assert_eq!(found.as_deref(), Some(door));
        assert_eq!(caller(&policy("arn:aws:sns:ap-southeast-2:1:topic")), None);
        assert_eq!(caller(&policy("arn:aws:execute-api:ap-southeast-2:1:*/*")), None);
    }
}
