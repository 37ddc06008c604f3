"""What the template says fits what the code does: variables, handlers, permissions, keys, times and sizes."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import shlex
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from sqlalchemy import make_url

import suelo
from suelo.api.app import create_api
from suelo.aws import migrate, upkeep
from suelo.aws.overflow import MAX_ANSWER
from suelo.aws.telemetry import NAME, NAMESPACE, count, observed
from suelo.jobs.database import SCHEMA_VERSION
from suelo.jobs.downloads import DIRECT_BYTES
from suelo.jobs.objects import export_key, key
from suelo.jobs.recovery import EXPORT_SWEEP_AGE
from suelo.jobs.service import JobService
from suelo.settings import Settings

SOURCE = Path(suelo.__file__).parent
ACTIONS_OF_CODE = {
    # What obstore asks of S3, by the methods of the store that Objects uses.
    "put": {"s3:PutObject", "s3:AbortMultipartUpload"},
    "get": {"s3:GetObject"},
    "head": {"s3:GetObject"},
    "sign": {"s3:GetObject", "s3:PutObject"},
    "delete": {"s3:DeleteObject"},
    "list": {"s3:ListBucket"},
}


def plain(value: Any) -> str:
    """A value of the template as text, with `${…}` for what CloudFormation fills in."""
    if isinstance(value, dict):
        ((kind, inner),) = value.items()
        if kind == "Ref":
            return "${" + inner + "}"
        if kind == "GetAtt":
            return "${" + inner + "}"
        return inner[0] if isinstance(inner, list) else inner
    return str(value)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(resources: dict[str, Any], function: dict[str, Any]) -> list[dict[str, Any]]:
    """All that a function's role allows."""
    role = resources[function["Role"]["GetAtt"].removesuffix(".Arn")]["Properties"]
    policies = [resources[policy["Ref"]]["Properties"] for policy in role["ManagedPolicyArns"]]
    policies += role.get("Policies", [])
    return [s for policy in policies for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]


def allowed(resources: dict[str, Any], function: dict[str, Any]) -> set[str]:
    return {action for statement in statements(resources, function) for action in listed(statement["Action"])}


def variables(template: dict[str, Any], function: dict[str, Any]) -> dict[str, Any]:
    common = template["Globals"]["Function"]["Environment"]["Variables"]
    return common | function.get("Environment", {}).get("Variables", {})


def calls(module: str, owner: str) -> set[str]:
    """Names of what a module calls of something, as in `owner.name(…)`."""
    tree = ast.parse((SOURCE / module).read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == owner:
            found.add(node.attr)
    return found


def sqs_actions() -> set[str]:
    """What the code asks of SQS, as actions of a policy: every operation goes through `_ask`."""
    names = re.findall(r'_ask\("([a-z_]+)"', (SOURCE / "jobs" / "queue.py").read_text())
    model = boto3.client("sqs", region_name="us-east-1").meta.method_to_api_mapping
    return {f"sqs:{model[name]}" for name in names}


def test_every_handler_is_one(functions: dict[str, Any]) -> None:
    assert set(functions) == {path.stem for path in (SOURCE / "aws").glob("*.py") if "\nhandler = " in path.read_text()}
    for name in functions:
        handler = importlib.import_module(f"suelo.aws.{name}").handler
        assert len(inspect.signature(handler).parameters) >= 2


def test_every_variable_is_a_setting_with_a_value_that_it_takes(
    template: dict[str, Any], functions: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = {"Objects": "bucket", "Proxy.Endpoint": "suelo.proxy-abc.us-east-1.rds.amazonaws.com"}
    filled["Jobs"] = "https://sqs.us-east-1.amazonaws.com/123456789012/jobs"
    filled |= {name: str(parameter.get("Default")) for name, parameter in template["Parameters"].items()}
    for function in functions.values():
        given = variables(template, function)
        assert {name.removeprefix("SUELO_").lower() for name in given} <= set(Settings.model_fields)
        with monkeypatch.context() as patch:
            for name, value in given.items():
                patch.setenv(name, re.sub(r"\$\{([\w.]+)\}", lambda found: filled[found[1]], plain(value)))
            settings = Settings()
        assert settings.database_iam
        assert settings.presign
        assert not settings.database_migrate
        assert settings.auth == "gateway"
        assert settings.home.is_relative_to("/tmp")
        assert settings.store_url == "s3://bucket/suelo"
        assert settings.max_upload_mb * 1_000_000 <= 5 * 2**30


def test_variables_that_have_to_be_set_are(template: dict[str, Any], functions: dict[str, Any]) -> None:
    needed = {"home", "store", "database", "database_iam", "database_migrate", "queue", "presign", "auth"}
    for function in functions.values():
        assert {f"SUELO_{name.upper()}" for name in needed} <= set(variables(template, function))


def test_functions_sign_in_as_the_user_that_the_migration_makes(
    template: dict[str, Any], resources: dict[str, Any]
) -> None:
    tables = resources["Tables"]["Properties"]
    address = plain(template["Globals"]["Function"]["Environment"]["Variables"]["SUELO_DATABASE"])
    url = make_url(address.replace("${Proxy.Endpoint}", "proxy"))
    assert (url.username, url.database) == (tables["Role"], tables["Database"])
    assert resources["Database"]["Properties"]["DBName"]["If"][-1] == url.database
    assert parse_qs(urlsplit(address).query)["sslmode"] == ["verify-full"]
    for name in ("RecordsAndObjects", "ProxyRole"):
        properties = resources[name]["Properties"]
        document = properties.get("PolicyDocument") or properties["Policies"][0]["PolicyDocument"]
        (connect,) = [s for s in document["Statement"] if s["Action"] == "rds-db:connect"]
        assert plain(connect["Resource"]).endswith(f"/{tables['Role']}")
    proxy = resources["Proxy"]["Properties"]
    assert (proxy["DefaultAuthScheme"], proxy["RequireTLS"]) == ("IAM_AUTH", True)
    assert resources["Database"]["Properties"]["EnableIAMDatabaseAuthentication"] is True
    assert resources["Database"]["Properties"]["PubliclyAccessible"] is False


def test_the_migration_runs_again_when_the_tables_change(resources: dict[str, Any]) -> None:
    tables = resources["Tables"]
    assert tables["Properties"]["SchemaVersion"] == SCHEMA_VERSION
    for name in ("ApiFunction", "WorkerFunction", "UpkeepFunction"):
        assert "Tables" in resources[name]["DependsOn"]
    wanted = set(re.findall(r'properties\["(\w+)"\]', inspect.getsource(migrate)))
    assert wanted <= set(tables["Properties"])
    assert set(tables["Properties"]) - wanted == {"ServiceToken", "ServiceTimeout", "SchemaVersion"}


@pytest.mark.parametrize("name", ["api", "worker", "upkeep"])
def test_functions_may_do_with_objects_what_the_code_does(
    resources: dict[str, Any], functions: dict[str, Any], name: str
) -> None:
    used = calls("jobs/objects.py", "obstore") - {"exceptions", "store"}
    assert used <= set(ACTIONS_OF_CODE), "a call of obstore that this test does not know"
    needed = set().union(*(ACTIONS_OF_CODE[call] for call in used))
    given = {action for action in allowed(resources, functions[name]) if action.startswith("s3:")}
    assert given == needed


def test_permissions_end_at_the_keys_that_the_code_uses(template: dict[str, Any], resources: dict[str, Any]) -> None:
    store = plain(template["Globals"]["Function"]["Environment"]["Variables"]["SUELO_STORE"])
    prefix = store.removeprefix("s3://${Objects}/")
    keys = {f"{prefix}/{made.split('/')[0]}/*" for made in (key("id", "name"), export_key("id", "name"))}
    (objects,) = [
        s for s in resources["RecordsAndObjects"]["Properties"]["PolicyDocument"]["Statement"] if s["Sid"] == "Objects"
    ]
    assert {plain(resource).removeprefix("${Objects.Arn}/") for resource in objects["Resource"]} == keys
    rules = resources["Objects"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (exports,) = [rule for rule in rules if "Prefix" in rule]
    assert exports["Prefix"] == f"{prefix}/{export_key('id', 'name').split('/')[0]}/"
    assert timedelta(days=exports["ExpirationInDays"]) > EXPORT_SWEEP_AGE
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


def test_each_function_may_use_the_queue_as_far_as_it_does(
    resources: dict[str, Any], functions: dict[str, Any]
) -> None:
    def of(name: str) -> set[str]:
        return {action for action in allowed(resources, functions[name]) if action.startswith("sqs:")}

    assert of("api") == {"sqs:SendMessage"}
    assert of("upkeep") == sqs_actions()
    # Lambda itself takes messages and removes them, with the role of the function.
    assert of("worker") == {"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
    assert of("migrate") == set()
    endpoint = resources["SqsEndpoint"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert set(endpoint["Action"]) == sqs_actions()


def test_only_the_migration_knows_the_administrator(resources: dict[str, Any], functions: dict[str, Any]) -> None:
    knowing = {name for name in functions if "secretsmanager:GetSecretValue" in allowed(resources, functions[name])}
    assert knowing == {"migrate"}
    assert "rds-db:connect" not in allowed(resources, functions["migrate"])


def test_each_function_has_the_network_that_it_seems_to_have(translated: dict[str, Any]) -> None:
    groups = {"api": "FunctionGroup", "worker": "FunctionGroup", "upkeep": "FunctionGroup", "migrate": "MigrateGroup"}
    found = {
        resource["Properties"]["ImageConfig"]["Command"][0].split(".")[2]: resource["Properties"]["VpcConfig"]
        for resource in translated.values()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    assert found == {
        name: {"SubnetIds": [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}], "SecurityGroupIds": [{"Ref": group}]}
        for name, group in groups.items()
    }


def test_no_policy_allows_more_than_it_names(resources: dict[str, Any], functions: dict[str, Any]) -> None:
    for function in functions.values():
        for statement in statements(resources, function):
            assert not any("*" in action for action in listed(statement["Action"]))
            if "*" in map(plain, listed(statement["Resource"])):
                # Those have no resource that could be named.
                assert {action.split(":")[0] for action in listed(statement["Action"])} <= {"ec2", "xray"}


def test_times_fit_each_other(resources: dict[str, Any], functions: dict[str, Any], template: dict[str, Any]) -> None:
    worker, queue = functions["worker"], resources["Jobs"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * worker["Timeout"]
    assert worker["Timeout"] <= 900
    assert float(variables(template, worker)["SUELO_HANDOVER_S"]) < worker["Timeout"] / 4
    source = worker["Events"]["Jobs"]["Properties"]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["BatchSize"] == 1
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"GetAtt": "DeadJobs.Arn"}
    fronts = [event["Properties"] for event in functions["api"]["Events"].values() if "Auth" not in event["Properties"]]
    assert fronts
    for front in fronts:
        assert functions["api"]["Timeout"] * 1000 < front["TimeoutInMillis"] <= 30_000


def test_scenes_have_room(template: dict[str, Any], functions: dict[str, Any]) -> None:
    parameters = template["Parameters"]
    # The image of the scene is among the 45 bytes; those of earlier scenes come on top.
    needed = parameters["MaxScenePixels"]["Default"] * 45
    needed += int(variables(template, functions["worker"])["SUELO_CACHE_MB"]) * 1_000_000
    assert needed <= parameters["WorkerStorage"]["Default"] * 1024**2
    assert MAX_ANSWER * 4 / 3 < 6 * 1024**2
    assert DIRECT_BYTES <= MAX_ANSWER


def test_the_schedule_asks_for_tasks_that_there_are(functions: dict[str, Any]) -> None:
    asked = {event["Properties"]["Input"] for event in functions["upkeep"]["Events"].values()}
    assert asked == {f'{{"task": "{task}"}}' for task in (upkeep.RECOVER, upkeep.TIDY)}


def test_what_is_open_is_open_at_the_gateway_too(functions: dict[str, Any], tmp_path: Path) -> None:
    service = JobService(Settings(home=tmp_path, auth="gateway"))
    try:
        client = create_api(service).test_client()
        events = functions["api"]["Events"].values()
        free = {
            event["Properties"]["Path"] for event in events if event["Properties"].get("Auth") == {"Authorizer": "NONE"}
        }
        answers = {path: client.get(path).status_code for path in (*free, "/v1/jobs", "/v1/model")}
        assert {path for path, status in answers.items() if status == 200} == free
        assert {answers["/v1/jobs"], answers["/v1/model"]} == {401}
    finally:
        service.stop()


def test_browsers_of_the_allowed_origin_get_what_they_need(resources: dict[str, Any]) -> None:
    bucket = resources["Objects"]["Properties"]["CorsConfiguration"]["CorsRules"][0]
    api = resources["Api"]["Properties"]["CorsConfiguration"]
    assert bucket["AllowedOrigins"] == api["AllowOrigins"] == [{"Ref": "AllowedOrigin"}]
    assert {"PUT", "GET"} <= set(bucket["AllowedMethods"])
    assert {"authorization", "content-type", "idempotency-key"} <= set(api["AllowHeaders"])


def test_browsers_may_ask_without_a_token_what_they_may_send(translated: dict[str, Any]) -> None:
    (api,) = [resource for resource in translated.values() if resource["Type"] == "AWS::ApiGatewayV2::Api"]
    body = api["Properties"]["Body"]
    taken = {method.upper() for item in body["paths"].values() for method in item}
    # A preflight that a route takes is asked for a token; the gateway answers what no route takes.
    assert not taken & {"OPTIONS", "X-AMAZON-APIGATEWAY-ANY-METHOD"}
    assert taken == set(body["x-amazon-apigateway-cors"]["allowMethods"])
    everything = body["paths"]["/{proxy+}"]
    assert {method.upper() for method in everything} == taken
    assert all(route["security"] == [{"Cognito": []}] for route in everything.values())


def test_the_gateway_takes_every_method_that_the_api_has(functions: dict[str, Any], tmp_path: Path) -> None:
    service = JobService(Settings(home=tmp_path, auth="gateway"))
    try:
        rules = [
            rule for rule in create_api(service).url_map.iter_rules() if rule.rule.startswith(("/v1/", "/segment"))
        ]
        methods = {method for rule in rules for method in rule.methods or ()} - {"OPTIONS"}
    finally:
        service.stop()
    routes = [event["Properties"] for event in functions["api"]["Events"].values()]
    assert {route["Method"] for route in routes if route["Path"] == "/{proxy+}"} == methods - {"OPTIONS"}


DIMENSIONS = {
    # AWS's own metrics: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html
    "AWS/SQS": (
        {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
        "QueueName",
        "AWS::SQS::Queue",
    ),
    "AWS/ApiGateway": ({"5xx"}, "ApiId", "AWS::Serverless::HttpApi"),
    "AWS/Lambda": ({"Errors", "Throttles"}, "FunctionName", "AWS::Serverless::Function"),
    "AWS/RDS": ({"FreeStorageSpace", "CPUUtilization"}, "DBInstanceIdentifier", "AWS::RDS::DBInstance"),
}


def counted() -> dict[str, set[str]]:
    """Metrics that the code counts, by the function that counts them."""
    found = {}
    for path in (SOURCE / "aws").glob("*.py"):
        asked = re.findall(r"\bcount\((.*)", path.read_text())
        if path.stem != "telemetry" and asked:
            found[path.stem] = {name for text in asked for name in re.findall(r'"([A-Z]\w+)"', text)}
    return found


def test_every_alarm_watches_something_that_there_is(resources: dict[str, Any]) -> None:
    alarms = {name: r["Properties"] for name, r in resources.items() if r["Type"] == "AWS::CloudWatch::Alarm"}
    assert len(alarms) >= 11
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == [{"Ref": "Alarms"}], name
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
        if alarm["Namespace"] == NAMESPACE:
            assert set(dimensions) == {"function", "service"}, name
            assert dimensions["service"] == NAME
            assert alarm["MetricName"] in counted()[dimensions["function"]], name
            continue
        metrics, dimension, kind = DIMENSIONS[alarm["Namespace"]]
        assert alarm["MetricName"] in metrics, name
        assert set(dimensions) == {dimension}, name
        ((_, value),) = dimensions[dimension].items()
        assert resources[value.removesuffix(".QueueName")]["Type"] == kind, name
    assert resources["Api"]["Properties"]["DefaultRouteSettings"]["DetailedMetricsEnabled"] is True
    watched = [plain(d["Value"]) for a in alarms.values() if a["MetricName"] == "Throttles" for d in a["Dimensions"]]
    assert {"${ApiFunction}", "${WorkerFunction}"} <= set(watched)


def test_metrics_come_with_the_dimensions_that_alarms_ask_for(capsys: pytest.CaptureFixture[str]) -> None:
    class Context:
        function_name, memory_limit_in_mb, aws_request_id = "worker", 1024, "1"
        invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:worker"

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_TRACE_DISABLED", "true")
        observed(lambda event, context: count("Failed"), "worker")({}, Context())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
    (found,) = [line for line in lines if "Failed" in line]
    (directive,) = found["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == NAMESPACE
    assert [sorted(names) for names in directive["Dimensions"]] == [["function", "service"]]
    assert (found["function"], found["service"]) == ("worker", NAME)


def test_the_guide_names_every_metric_and_output(folder: Path, template: dict[str, Any]) -> None:
    guide = (folder.parents[1] / "docs" / "aws.md").read_text()
    for names in counted().values():
        for name in names:
            assert f"`{name}`" in guide
    for name in ("ApiUrl", "UserPoolId", "UserPoolClientId"):
        assert name in template["Outputs"]
        assert f"`{name}`" in guide


OUTPUTS = {
    "ApiUrl": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}",
    "UserPoolId": "${Users}",
    "UserPoolClientId": "${UsersClient}",
    "BucketName": "${Objects}",
    "QueueUrl": "${Jobs}",
    "DeadLetterQueueUrl": "${DeadJobs}",
    "DatabaseId": "${Database}",
    "AlarmTopic": "${Alarms}",
}


def test_outputs_are_what_they_are_called(template: dict[str, Any]) -> None:
    # `Ref` gives the id of a pool, client or instance, the name of a bucket, the URL of a queue, the ARN of a topic.
    assert {name: plain(output["Value"]) for name, output in template["Outputs"].items()} == OUTPUTS
    for value in OUTPUTS.values():
        for name in re.findall(r"\$\{(\w+)\}", value):
            assert name in template["Resources"]


def test_a_database_from_a_snapshot_has_what_the_snapshot_says(resources: dict[str, Any], folder: Path) -> None:
    database = resources["Database"]["Properties"]
    nothing, snapshot = {"Ref": "AWS::NoValue"}, {"Ref": "DatabaseSnapshot"}
    assert database["DBSnapshotIdentifier"] == {"If": ["HasSnapshot", snapshot, nothing]}
    for name in ("DBName", "MasterUsername"):  # RDS refuses them beside a snapshot
        assert database[name]["If"][:2] == ["HasSnapshot", nothing]
    assert "DBInstanceIdentifier" not in database  # a fixed one could not be replaced
    guide = (folder.parents[1] / "docs" / "aws.md").read_text()
    named = re.findall(r"physical (\w+)\)", guide) + re.findall(r"for name in (.*?);", guide)[0].split()
    assert len(named) > 6
    assert set(named) <= set(resources)


def test_every_bucket_is_private_and_encrypted(resources: dict[str, Any]) -> None:
    buckets = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::S3::Bucket"]
    assert len(buckets) == 2
    for bucket in buckets:
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["BucketEncryption"]


def test_every_parameter_and_resource_that_is_named_exists(folder: Path, template: dict[str, Any]) -> None:
    text = (folder / "template.yaml").read_text()
    for name in template["Parameters"]:
        assert re.search(rf"!Ref {name}\b|\$\{{{name}\}}", text), f"the parameter {name} is of no use"
    named = set(re.findall(r"\$\{(\w+)(?:\.\w+)*\}", text)) - {"AWS", "ProxyId"}
    assert named <= set(template["Parameters"]) | set(template["Resources"])


def test_the_image_is_made_of_files_that_there_are(folder: Path, resources: dict[str, Any]) -> None:
    repository = folder.parents[1]
    lines = (folder / "Dockerfile").read_text().replace("\\\n", "").splitlines()
    ignored = (folder / "Dockerfile.dockerignore").read_text().splitlines()
    for line in lines:
        if line.startswith("COPY"):
            *sources, _target = shlex.split(line)[1:]
            for source in sources:
                assert (repository / source).exists(), source
                assert f"!{source}" in ignored
    for resource in resources.values():
        if resource["Type"] == "AWS::Serverless::Function":
            made = resource["Metadata"]
            context = (folder / made["DockerContext"]).resolve()
            assert context == repository
            assert (context / made["Dockerfile"]).resolve() == folder / "Dockerfile"


def test_the_image_checks_itself_when_it_is_built(folder: Path, tmp_path: Path) -> None:
    text = (folder / "Dockerfile").read_text()
    (program,) = re.findall(r'python -c "\\\n(.*?)"', text, re.DOTALL)
    code = program.replace("\\\n", "")
    for name in ("api", "worker", "upkeep", "migrate"):
        assert f"suelo.aws.{name}" in code
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"SUELO_HOME": str(tmp_path), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "(1, 10, 160, 160)" in done.stdout
