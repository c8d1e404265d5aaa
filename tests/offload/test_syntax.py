"""The nested text of keys and actions, piece by piece."""

from __future__ import annotations

import pytest

from eswitch.offload.syntax import fields, has_action, named, output_ports, split_items


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        ("a(b,c),d", ["a(b,c)", "d"]),
        ("a{b,c},d", ["a{b,c}", "d"]),
        ("a(b(c,d),e),f", ["a(b(c,d),e)", "f"]),
        ("a)),b(c,d),e", ["a))", "b(c,d)", "e"]),
        ("a(b,c", ["a(b,c"]),
        ("", [""]),
    ],
)
def test_commas_inside_parentheses_do_not_split(text: str, items: list[str]) -> None:
    assert split_items(text) == items


@pytest.mark.parametrize(
    ("item", "pair"),
    [
        ("eth(src=x)", ("eth", "src=x")),
        (" eth (src=x)", ("eth", "src=x")),
        ("tos=0/0", ("tos", "0/0")),
        (" a =b(c)", ("a", "b(c)")),
        ("(x)", ("", "x")),
        ("=x", ("", "x")),
        (" drop ", ("drop", "")),
        ("a(b", ("a", "b")),
        ("a((b))", ("a", "(b)")),
    ],
)
def test_name_and_value(item: str, pair: tuple[str, str]) -> None:
    assert named(item) == pair


def test_of_two_headers_the_outer_one_counts() -> None:
    assert fields("eth(dst=1),,eth(dst=2),=x,b") == {"eth": "dst=1", "b": ""}


@pytest.mark.parametrize(
    ("actions", "ports"),
    [
        ("a,b,a", ("a", "b")),
        (" a , b", ("a", "b")),
        ("clone(a)", ("a",)),
        ("sample(sample=1.0%,actions(a))", ("a",)),
        ("check_pkt_len(size=1500,gt(a),le(b))", ("a", "b")),
        ("dec_ttl(le_1(a)),b", ("a", "b")),
        ("tnl_pop(vxlan_sys_4789)", ("vxlan_sys_4789",)),
        ("tnl_push(tnl_port(genev_sys_6081),header(size=50,type=5),out_port(br0))",
         ("genev_sys_6081", "br0")),
        ("set(eth(src=x)),push_vlan(vid=2,pcp=0),a", ("a",)),
        ("ct(commit,zone=5),recirc(0x1)", ()),
        ("userspace(pid=1,slow_path(action))", ()),
    ],
)  # fmt: skip
def test_where_a_packet_may_leave(actions: str, ports: tuple[str, ...]) -> None:
    assert output_ports(actions) == ports


@pytest.mark.parametrize(
    "word",
    [
        "drop",
        "pop_vlan",
        "pop_eth",
        "pop_nsh",
        "ct",
        "ct_clear",
        "<empty>",
        "bad",
        "",
        "a=b",
        "a b",
    ],
)
def test_words_that_are_no_port(word: str) -> None:
    assert output_ports(f"{word},a") == ("a",)


def test_the_depth_that_is_looked_into_is_limited() -> None:
    def nested(depth: int) -> str:
        return "clone(" * depth + "a" + ")" * depth

    assert output_ports(nested(8)) == ("a",)
    assert output_ports(nested(9)) == ()
    pushed = "tnl_push(" * 9 + "a" + ")" * 9
    assert output_ports(pushed) == ()
    assert has_action(nested(8).replace("a)", "userspace(pid=1))"), "userspace")
    assert not has_action(nested(9).replace("a)", "userspace(pid=1))"), "userspace")
    assert not has_action(nested(5000).replace("a)", "userspace(pid=1))"), "userspace")


@pytest.mark.parametrize(
    ("actions", "found"),
    [
        ("userspace(pid=1)", True),
        ("a,userspace(pid=1)", True),
        ("clone(a,userspace(pid=1))", True),
        ("sample(sample=1.0%,actions(userspace(pid=1)))", True),
        ("check_pkt_len(size=1500,gt(userspace(pid=1)),le(b))", True),
        ("dec_ttl(le_1(userspace(pid=1)))", True),
        ("a", False),
        ("userspace0", False),
        ("set(userspace(pid=1)),a", False),  # no list of actions
    ],
)
def test_an_action_is_found_wherever_it_stands(actions: str, found: bool) -> None:
    assert has_action(actions, "userspace") is found
