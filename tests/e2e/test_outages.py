"""The server goes away, or asks who it is, while somebody looks at a result."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect
from ports import free_port
from visitor import Visitor

pytestmark = pytest.mark.browser


def test_numbers_follow_once_the_server_is_back(browser, start_server, chip, tmp_path) -> None:
    port = free_port()
    process, address = start_server(tmp_path, port)
    visitor = Visitor(browser, address)
    page = visitor.go("/")
    visitor.send(chip)
    page.wait_for_url("**/results/*")
    expect(page.locator("#chart .bars path").first).to_be_visible()
    visitor.settle()
    before = visitor.chart()

    process.terminate()
    process.wait(20)
    page.get_by_label("Threshold of all classes").press("End")
    expect(page.locator("#notice")).to_contain_text("The server does not answer")
    expect(page.locator("#numbers")).to_have_class("panel")
    assert visitor.chart() == before

    start_server(tmp_path, port)
    visitor.follow()
    assert sum(visitor.chart().values()) < sum(before.values())
    expect(page.locator("#notice")).to_be_empty()
    visitor.context.close()


def test_who_is_signed_out_signs_in_again_and_is_where_they_were(browser, start_server, chip, tmp_path) -> None:
    command = [sys.executable, "-m", "suelo", "user", "add", "ana"]
    environment = os.environ | {"SUELO_HOME": str(tmp_path)}
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    token = next(word for word in printed.split() if word.startswith("suelo_"))
    _process, address = start_server(tmp_path, SUELO_AUTH="token")
    visitor = Visitor(browser, address)
    page = visitor.page

    def sign_in() -> None:
        page.fill("#token", token)
        page.get_by_role("button", name="Sign in").click()

    page.goto(address)
    sign_in()
    page.wait_for_selector("#main")
    visitor.context.clear_cookies()
    visitor.send(chip)
    row = page.locator(".upload-row")
    expect(row).to_contain_text("Sign in first.")
    row.get_by_role("link", name="Sign in").click()
    sign_in()
    page.wait_for_selector("#main")
    visitor.send(chip)
    page.wait_for_url("**/results/*")
    expect(page.locator("#chart .bars path").first).to_be_visible()
    visitor.settle()

    visitor.context.clear_cookies()
    page.get_by_label("Threshold of all classes").press("End")
    page.wait_for_url("**/sign-in?next=*")
    sign_in()
    page.wait_for_url("**/results/*?threshold=0.95")
    visitor.settle()

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    expect(page.locator("#token")).to_be_visible()
    visitor.context.close()
