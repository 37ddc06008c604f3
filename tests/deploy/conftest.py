"""The stack's template, read as plain data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

_TRANSLATE = """
import boto3, json, sys
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

with open(sys.argv[1]) as file:
    template = yaml_parse(file.read())
parameters = {name: given.get("Default") for name, given in template["Parameters"].items()}
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":  # what `sam build` fills in
        resource["Properties"]["ImageUri"] = "123456789012.dkr.ecr.us-east-1.amazonaws.com/suelo:1"
translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
print(json.dumps(translator.translate(template, parameters)))
"""

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "aws"))


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms: `!Ref X` as {"Ref": "X"}, `!Sub x` as {"Sub": "x"}."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    return {suffix: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)


@pytest.fixture(scope="session")
def folder() -> Path:
    """Where the stack's files are."""
    return REPOSITORY / "deploy" / "aws"


@pytest.fixture(scope="session")
def template(folder: Path) -> dict[str, Any]:
    return yaml.load((folder / "template.yaml").read_text(), _Loader)


@pytest.fixture(scope="session")
def translated(folder: Path) -> dict[str, Any]:
    """Resources as SAM hands them to CloudFormation; the test skips where the SAM CLI is not installed."""
    from tools import tool_environment

    done = subprocess.run(
        [tool_environment("sam") / "bin" / "python", "-c", _TRANSLATE, folder / "template.yaml"],
        env=os.environ | {"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)["Resources"]


@pytest.fixture(scope="session")
def resources(template: dict[str, Any]) -> dict[str, Any]:
    return template["Resources"]


@pytest.fixture(scope="session")
def functions(resources: dict[str, Any]) -> dict[str, Any]:
    """Properties of each function, by the name of its module."""
    found = {}
    for resource in resources.values():
        if resource["Type"] == "AWS::Serverless::Function":
            (handler,) = resource["Properties"]["ImageConfig"]["Command"]
            found[handler.split(".")[2]] = resource["Properties"]
    return found
