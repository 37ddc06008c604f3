"""The server goes away, or asks who it is, while somebody looks at a result."""

from __future__ import annotations

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
