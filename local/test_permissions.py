"""Shows that the check of permissions can fail: a template with one permission too many, a ledger with one refusal, and such."""

from __future__ import annotations

import io
import json
import tempfile
import unittest
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from ministack.core import iam_evaluator

import check_permissions
import emulator_main
import permissions
from permissions import Grant, Policies, Use
from template import Template

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"
# A statement of the template to lay hands on.
ROLE, KEEP_ONCE = (
    "ShopifyOrdersRole",
    "{Sid: KeepOnce, Effect: Allow, Action: dynamodb:PutItem, Resource: !GetAtt InboxTable.Arn}",
)


@cache
def policies(was: str = "", becomes: str = "") -> Policies:
    """Those of the template, with its first text of a kind changed."""
    text = TEMPLATE.read_text(encoding="utf-8")
    if was not in text:
        raise LookupError(f"{TEMPLATE.name} says no {was}")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as copy:
        copy.write(text.replace(was, becomes, 1))
        copy.flush()
        return Policies(Template(Path(copy.name)))


def use_of(grant: Grant, *, allowed: bool = True) -> Use:
    keys = (grant.key,) if grant.key else ()
    return Use(grant.role, grant.action, grant.resource.replace("*", "some"), allowed, keys)


def uses_of_all(these: Policies) -> Counter[Use]:
    """As if a run had made use of whatever a run has to make use of."""
    needed = [grant for grant in these.grants if not (grant.platform or grant.rarely)]
    return Counter({use_of(grant): 1 for grant in needed})


class OfTheTemplate(unittest.TestCase):
    """The whole template, and one change to it."""

    def test_a_run_that_makes_use_of_everything_is_the_proof(self) -> None:
        these = policies()
        self.assertEqual(list(check_permissions.proved(these, uses_of_all(these))), [])
        self.assertGreater(len(uses_of_all(these)), 200)

    def test_a_run_of_nothing_is_none(self) -> None:
        self.assertEqual(len(list(check_permissions.proved(policies(), Counter()))), 1)

    def test_each_single_one_is_told_if_nothing_makes_use_of_it(self) -> None:
        these = policies()
        everything = uses_of_all(these)
        needed = [grant for grant in these.grants if not (grant.platform or grant.rarely)]
        for grant in needed:
            with self.subTest(str(grant)):
                uses = Counter({use: 1 for use in everything if use != use_of(grant)})
                self.assertEqual(list(permissions.superfluous(these, uses)), [f"{grant} was never asked for"])

    def test_one_action_too_many(self) -> None:
        uses = uses_of_all(policies())
        more = KEEP_ONCE.replace("dynamodb:PutItem", "[dynamodb:PutItem, dynamodb:DeleteItem]")
        found = list(permissions.superfluous(policies(KEEP_ONCE, more), uses))
        self.assertEqual(found, [f"{ROLE}: dynamodb:DeleteItem on InboxTable was never asked for"])

    def test_one_resource_too_many(self) -> None:
        uses = uses_of_all(policies())
        more = KEEP_ONCE.replace("!GetAtt InboxTable.Arn", "[!GetAtt InboxTable.Arn, !GetAtt FormsTable.Arn]")
        found = list(permissions.superfluous(policies(KEEP_ONCE, more), uses))
        self.assertEqual(found, [f"{ROLE}: dynamodb:PutItem on FormsTable was never asked for"])

    def test_one_row_too_many(self) -> None:
        uses = uses_of_all(policies())
        found = list(
            permissions.superfluous(
                policies('["token#podium", "token#shopify"]', '["token#podium", "token#shopify", else]'), uses
            )
        )
        self.assertEqual({line.partition(" (")[2] for line in found}, {"rows else) was never asked for"})

    def test_lambdas_own_on_anything_but_its_own(self) -> None:
        uses = uses_of_all(policies())
        own = "sqs:GetQueueAttributes], Resource: !GetAtt ShopifyEventsQueue.Arn"
        more = "sqs:GetQueueAttributes], Resource: [!GetAtt ShopifyEventsQueue.Arn, !GetAtt NoticesQueue.Arn]"
        found = list(permissions.superfluous(policies(own, more), uses))
        self.assertEqual(len(found), 3, found)
        self.assertTrue(all("on NoticesQueue" in line for line in found), found)

    def test_one_that_is_missing(self) -> None:
        fewer = policies(f"- {KEEP_ONCE}", "")
        self.assertNotIn((ROLE, "KeepOnce"), {(grant.role, grant.sid) for grant in fewer.grants})
        refused = Use(ROLE, "dynamodb:PutItem", "InboxTable", allowed=False)
        found = list(check_permissions.proved(fewer, uses_of_all(fewer) + Counter({refused: 3})))
        self.assertEqual(found, [f"{ROLE}: dynamodb:PutItem on InboxTable was refused 3 times"])

    def test_a_pattern_that_nobody_explains(self) -> None:
        anything = KEEP_ONCE.replace("!GetAtt InboxTable.Arn", '"*"')
        self.assertEqual(list(permissions.unexplained(policies())), [])
        found = list(permissions.unexplained(policies(KEEP_ONCE, anything)))
        self.assertEqual(found, [f"{ROLE}: KeepOnce has * and no comment that says why"])
        commented = f"# Nobody knows which.\n              - {anything}"
        self.assertEqual(list(permissions.unexplained(policies(f"- {KEEP_ONCE}", commented))), [])
        every = KEEP_ONCE.replace("dynamodb:PutItem", '"dynamodb:*"')
        self.assertEqual(len(list(permissions.unexplained(policies(KEEP_ONCE, every)))), 1)

    def test_one_that_is_there_twice(self) -> None:
        self.assertEqual(list(permissions.doubled(policies())), [])
        twice = f"{KEEP_ONCE}\n              - {KEEP_ONCE.replace('KeepOnce', 'Again')}"
        found = list(permissions.doubled(policies(KEEP_ONCE, twice)))
        self.assertEqual(found, [f"{ROLE}: dynamodb:PutItem on InboxTable is permitted by KeepOnce and by Again"])

    def test_rows_beside_the_whole_table(self) -> None:
        whole = "{Sid: Whole, Effect: Allow, Action: dynamodb:PutItem, Resource: !GetAtt OutboxTable.Arn}"
        self.assertEqual(
            len(
                list(
                    permissions.doubled(
                        policies("- {Sid: TellPeople,", f"- {whole}\n              - {{Sid: TellPeople,")
                    )
                )
            ),
            1,
        )


class Comments(unittest.TestCase):
    """What is rarely needed says so."""

    TWO: ClassVar[str] = KEEP_ONCE.replace("dynamodb:PutItem", "[dynamodb:PutItem, dynamodb:DeleteItem]")

    def never(self, comment: str, statement: str = TWO) -> tuple[list[str], list[str]]:
        these = policies(f"- {KEEP_ONCE}", f"{comment}\n              - {statement}")
        uses = Counter({use: 1 for use in uses_of_all(these) if (use.role, use.resource) != (ROLE, "InboxTable")})
        return list(permissions.superfluous(these, uses)), list(permissions.notes(these))

    def test_an_action_and_only_it(self) -> None:
        found = [f"{ROLE}: dynamodb:PutItem on InboxTable was never asked for"]
        self.assertEqual(self.never("# Rarely DeleteItem: after a crash."), (found, []))

    def test_of_several_names_of_a_kind_each(self) -> None:
        self.assertEqual(self.never("# Rarely DeleteItem, PutItem: after a crash."), ([], []))

    def test_names_of_two_kinds_mean_both(self) -> None:
        more = self.TWO.replace("!GetAtt InboxTable.Arn", "[!GetAtt InboxTable.Arn, !GetAtt FormsTable.Arn]")
        these = policies(f"- {KEEP_ONCE}", f"# Rarely DeleteItem, FormsTable: seldom.\n              - {more}")
        rarely = [(g.action, g.resource) for g in these.grants if (g.role, g.sid) == (ROLE, "KeepOnce") and g.rarely]
        self.assertEqual(rarely, [("dynamodb:DeleteItem", "FormsTable")])

    def test_the_whole_statement_over_two_lines(self) -> None:
        comment = "# Rarely: after\n              # a crash."
        self.assertEqual(self.never(comment), ([], []))
        these = policies(f"- {KEEP_ONCE}", f"{comment}\n              - {KEEP_ONCE}")
        self.assertIn("after a crash.", {grant.rarely for grant in these.grants})

    def test_another_comment_excuses_nothing(self) -> None:
        self.assertEqual(len(self.never("# This is rarely needed.")[0]), 2)

    def test_a_comment_that_is_not_right_above(self) -> None:
        self.assertEqual(len(self.never("# Rarely: after a crash.\n")[0]), 2)

    def test_a_name_that_is_not_there(self) -> None:
        found = self.never("# Rarely UpdateItem: after a crash.")[1]
        self.assertEqual(found, [f"{ROLE}: KeepOnce has no UpdateItem that could be rarely needed"])

    def test_no_reason(self) -> None:
        self.assertEqual(self.never("# Rarely:")[1], [f"{ROLE}: KeepOnce does not say why it is rarely needed"])


class TheLedger(unittest.TestCase):
    """What the emulator writes down, and what it is read as."""

    POLICY: ClassVar[dict[str, Any]] = {
        "Statement": [
            {
                "Sid": "Shared",
                "Effect": "Allow",
                "Action": "dynamodb:PutItem",
                "Resource": "arn:aws:dynamodb:us-east-1:0:table/some-outbox",
                "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["notice#*", "other"]}},
            }
        ]
    }

    def asked(self, request: dict[str, Any], action: str = "dynamodb:PutItem") -> tuple[bool, dict[str, Any]]:
        """Whether MiniStack lets it pass, with our changes, and what is written down."""
        evaluate = emulator_main._noted(iam_evaluator.evaluate)

        def enforce(key: str, action: str, service: str, region: str, resource: str, context: dict[str, Any]) -> Any:
            ctx = iam_evaluator.EvalContext(
                principal_arn="arn:aws:sts::0:assumed-role/some-role/some-function",
                principal_type="AssumedRole",
                principal_account="0",
                action=action,
                resource_arn=resource,
                region=region,
                service_context={name.lower(): value for name, value in context.items()},
            )
            result = evaluate(ctx, [iam_evaluator.parse_policy_document(self.POLICY)])
            return None if result.decision == "Allow" else result

        lines = io.StringIO()
        context = emulator_main._with_keys(lambda _: {"dynamodb:Select": "ALL_ATTRIBUTES"})(
            json.dumps(request).encode()
        )
        resource = self.POLICY["Statement"][0]["Resource"]
        denied = emulator_main._written_down(enforce, lines)("key", action, "dynamodb", "r", resource, context)
        return denied is None, json.loads(lines.getvalue())

    def test_a_row_that_is_permitted(self) -> None:
        passed, row = self.asked({"TableName": "some-outbox", "Item": {"pk": {"S": "notice#review"}}})
        self.assertTrue(passed)
        self.assertEqual((row["role"], row["action"]), ("some-role", "dynamodb:PutItem"))
        self.assertEqual((row["allowed"], row["sid"], row["keys"]), (True, "Shared", ["notice#*"]))

    def test_another_row_of_the_same_table(self) -> None:
        passed, row = self.asked({"TableName": "some-outbox", "Item": {"pk": {"S": "review-request#1"}}})
        self.assertFalse(passed)
        self.assertEqual((row["allowed"], row["keys"]), (False, []))
        self.assertNotIn("review-request", json.dumps(row))

    def test_another_row_beside_a_permitted_one(self) -> None:
        parts = [{"Put": {"TableName": "some-outbox", "Item": {"pk": {"S": key}}}} for key in ("other", "another")]
        self.assertFalse(self.asked({"TransactItems": parts})[0])

    def test_rows_of_another_table_in_one_transaction(self) -> None:
        mine = {"Put": {"TableName": "some-outbox", "Item": {"pk": {"S": "other"}}}}
        theirs = {"Update": {"TableName": "elsewhere", "Key": {"pk": {"S": "x"}}}}
        self.assertEqual(self.asked({"TransactItems": [mine, theirs]})[0], True)

    def test_another_action(self) -> None:
        passed, row = self.asked({"TableName": "some-outbox", "Key": {"pk": {"S": "other"}}}, "dynamodb:GetItem")
        self.assertEqual((passed, row["allowed"], row["action"]), (False, False, "dynamodb:GetItem"))

    def test_rows_in_batches(self) -> None:
        read = {"RequestItems": {"a": {"Keys": [{"pk": {"S": "1"}}, {"pk": {"S": "2"}}]}}}
        write = {
            "RequestItems": {
                "b": [{"PutRequest": {"Item": {"pk": {"S": "3"}}}}, {"DeleteRequest": {"Key": {"pk": {"S": "4"}}}}]
            }
        }
        self.assertEqual(emulator_main.keys_by_table(read), {"a": ["1", "2"]})
        self.assertEqual(emulator_main.keys_by_table(write), {"b": ["3", "4"]})
        self.assertEqual(emulator_main.keys_by_table({"TableName": "a", "KeyConditionExpression": "pk = :pk"}), {})

    def test_a_batch_of_messages_is_the_permission_to_send_one(self) -> None:
        asks = {
            emulator_main._as_one(lambda given=given: given)() for given in ("sqs:SendMessageBatch", "sqs:SendMessage")
        }
        self.assertEqual(asks, {"sqs:SendMessage"})
        self.assertIsNone(emulator_main._as_one(lambda: None)())

    def test_a_ministack_that_has_no_such_function_ends_at_once(self) -> None:
        for name, parameters in (("enforce_all", ["key"]), ("enforce", ["something_else"])):
            with self.assertRaises(SystemExit):
                emulator_main._replace(emulator_main.EVALUATOR, name, parameters, lambda original: original)

    def test_names_of_the_template(self) -> None:
        described = {
            "resources": {
                "TimersRole": {"type": "AWS::IAM::Role", "name": "stack-TimersRole-1"},
                "OutboxTable": {"type": "AWS::DynamoDB::Table", "name": "stack-OutboxTable-1"},
                "NoticesFunction": {"type": "AWS::Lambda::Function", "name": "stack-notices"},
                "NoticesQueue": {"type": "AWS::SQS::Queue", "name": "http://127.0.0.1:1/0/stack-notices"},
                "NoticesLogs": {"type": "AWS::Logs::LogGroup", "name": "stack-notices"},
                "WebSecret": {"type": "AWS::SecretsManager::Secret", "name": "stack-WebSecret-1"},
                "NotifyTopic": {"type": "AWS::SNS::Topic", "name": "arn:aws:sns:r:0:stack-topic"},
                "WebchatUploadBucket": {"type": "AWS::S3::Bucket", "name": "stack-uploads"},
            },
            "settings": Settings({"AGENT_SECRET_ARN": "arn:aws:secretsmanager:r:0:secret:local/agent-abcdef"}),
        }
        asked = {
            "arn:aws:dynamodb:r:0:table/stack-OutboxTable-1": "OutboxTable",
            "arn:aws:dynamodb:r:0:table/stack-OutboxTable-1/index/attention": "OutboxTable/index/attention",
            "arn:aws:sqs:r:0:stack-notices": "NoticesQueue",
            "arn:aws:secretsmanager:r:0:secret:stack-WebSecret-1-a1b2c3": "WebSecret",
            "arn:aws:secretsmanager:r:0:secret:local/agent-abcdef": "AgentSecretArn",
            "arn:aws:sns:r:0:stack-topic": "NotifyTopic",
            "arn:aws:s3:::stack-uploads/uploads/1": "WebchatUploadBucket/uploads/1",
            "arn:aws:s3:::elsewhere/1": "arn:aws:s3:::elsewhere/1",
        }
        row = {"role": "stack-TimersRole-1", "action": "a:B", "allowed": True, "sid": "S", "keys": []}
        with tempfile.TemporaryDirectory() as place:
            ledger = Path(place) / "permissions.jsonl"
            ledger.write_text("".join(json.dumps(row | {"resource": arn}) + "\n" for arn in asked), encoding="utf-8")
            uses = permissions.read_ledger(ledger, described, Template(TEMPLATE))
            permissions.write_uses(uses, Path(place) / "kept" / "one.json")
            permissions.write_uses(uses, Path(place) / "kept" / "two.json")
            kept = permissions.read_uses((Path(place) / "kept").glob("*.json"))
        self.assertEqual(uses, Counter({Use("TimersRole", "a:B", name, allowed=True): 1 for name in asked.values()}))
        self.assertEqual(kept, uses + uses)


class Settings(dict[str, str]):
    """Every setting that nobody cares about is empty."""

    def __missing__(self, name: str) -> str:
        return ""


if __name__ == "__main__":
    unittest.main()
