"""A page that needs nothing but itself."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET


def assert_self_contained(text: str) -> None:
    """It is XML, has no scripts, and does not say a word about any other place."""
    assert ET.fromstring(text.encode()).tag == "html"
    assert "<script" not in text
    bare = text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?://|url\(|@import|\bsrc=|\bhref=|\bon\w+=\"", bare)
