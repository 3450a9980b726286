"""featuredb.header: what it makes of C, and of the headers of real releases."""

from __future__ import annotations

import pytest

from featuredb import header
from tests.featuredb import headers

CMD = "enum bpf_cmd { BPF_MAP_CREATE, BPF_MAP_LOOKUP_ELEM };\n"


def parse(text: str) -> header.Header:
    return header.parse(CMD + text)


def test_enumerators_count_on_from_the_last_value() -> None:
    found = parse("enum bpf_x { A, B = 7, C, D = B, E = (1U << 3) | 1, F };")
    assert found.enums["bpf_x"] == {"A": 0, "B": 7, "C": 8, "D": 7, "E": 9, "F": 10}


def test_an_enumeration_without_a_name_goes_by_its_first_enumerator() -> None:
    assert parse("enum { BPF_ANY = 0, BPF_NOEXIST = 1, };").enums["anon:BPF_ANY"] == {"BPF_ANY": 0, "BPF_NOEXIST": 1}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0x18", 24),
        ("16U", 16),
        ("(1ULL << 5)", 32),
        ("0xffffffffULL", 0xFFFFFFFF),
        ("(0xfffffULL << 32)", 0xFFFFF << 32),
        ("BIT(1)", 2),
        ("(-1L)", -1),
        ("~0", -1),
        ("(1 << 4) - 1", 15),
        ("BPF_MAP_LOOKUP_ELEM", 1),
    ],
)
def test_macros_with_a_value(expression: str, value: int) -> None:
    assert parse(f"#define NAME\t{expression} /* why */\n").defines["NAME"] == value


@pytest.mark.parametrize(
    "line", ["#define GUARD", "#define F(x) (x)", "#define S sizeof(int)", "#define T unsigned int"]
)
def test_macros_without_a_value(line: str) -> None:
    assert parse(line + "\n").defines == {}


def test_an_expression_over_two_lines() -> None:
    assert parse("enum { A = 1<<0, B = (A - 1) |\n\t A };").enums["anon:A"] == {"A": 1, "B": 1}


def test_an_enumerator_that_is_a_macro_too_is_one_constant() -> None:
    found = parse("enum { BPF_F_LINK = (1U << 13), };\n#define BPF_F_LINK BPF_F_LINK /* 1 << 13 */\n")
    assert [each for each in found.constants() if each[0] == "BPF_F_LINK"] == [
        ("BPF_F_LINK", "anon:BPF_F_LINK", 1 << 13)
    ]


def test_helpers_in_the_three_forms_of_the_list() -> None:
    oldest = "enum bpf_func_id { BPF_FUNC_unspec, BPF_FUNC_map_lookup_elem, __BPF_FUNC_MAX_ID, };"
    old = "#define __BPF_FUNC_MAPPER(FN)\t\\\n\tFN(unspec),\t\\\n\tFN(map_lookup_elem),\t\\\n\n"
    new = "#define ___BPF_FUNC_MAPPER(FN, ctx...)\t\\\n\tFN(unspec, 0, ##ctx)\t\\\n"
    new += "\tFN(map_lookup_elem, 1, ##ctx)\t\\\n\n"
    use = "#define __BPF_ENUM_FN(x) BPF_FUNC_ ## x\n"
    use += "enum bpf_func_id { __BPF_FUNC_MAPPER(__BPF_ENUM_FN) __BPF_FUNC_MAX_ID, };"
    for text in (oldest, old + use, new + use):
        assert parse(text).helpers == {"bpf_map_lookup_elem": 1}


def test_fields_of_structures() -> None:
    found = parse(
        """
        struct bpf_one {
            __u32 plain; /* a comment; with a semicolon */
            __u8 half:4, other:4;
            __u32 :31;
            char name[BPF_OBJ_NAME_LEN];
            __be32 a, b;
            __bpf_md_ptr(struct bpf_sock *, sk);
            const void *pointer;
            union { __u32 four; struct { __u64 deep __attribute__((aligned(8))); } named; };
            __u8 data[];
        } __attribute__((aligned(8)));
        """
    )
    names = ["plain", "half", "other", "name", "a", "b", "sk", "pointer", "four", "deep", "data"]
    assert found.struct_fields == [f"bpf_one.{name}" for name in names]


def test_fields_of_the_attribute_are_named_by_their_part() -> None:
    found = parse(
        """
        union bpf_attr {
            struct { __u32 map_type; __u32 key_size; };
            struct { union { __u32 start_id; __u32 prog_id; }; __u32 next_id; };
            struct { __u32 prog_fd; union { struct { __u64 bpf_cookie; } perf_event; }; } link_create;
        } __attribute__((aligned(8)));
        """
    )
    parts = "map_type.map_type map_type.key_size start_id.start_id start_id.prog_id start_id.next_id "
    parts += "link_create.prog_fd link_create.bpf_cookie"
    assert found.attributes == [f"bpf_attr.{part}" for part in parts.split()]


@pytest.mark.parametrize("text", ["", "int main(void) { return 0; }", "\x7fELF\x00", "enum bpf_cmd { };"])
def test_what_is_not_the_header_is_refused(text: str) -> None:
    with pytest.raises(header.HeaderError, match=r"not a <linux/bpf\.h>"):
        header.parse(text)


def test_a_header_cut_short_is_refused() -> None:
    with pytest.raises(header.HeaderError, match="cut short"):
        parse("struct bpf_insn { __u8 code;")


@pytest.mark.network
@pytest.mark.parametrize("suite", headers.SUITES)
def test_real_headers(suite: str) -> None:
    path, release = headers.header(suite)
    found = header.read(str(path))
    assert found.enums["bpf_cmd"].get("BPF_PROG_RUN") == (None if release.startswith("5.10.") else 10)
    assert found.enums["bpf_map_type"]["BPF_MAP_TYPE_RINGBUF"] == 27
    assert list(found.helpers.values()) == list(range(1, len(found.helpers) + 1))
    assert len(found.helpers) >= 155
    assert "bpf_attr.link_create.target_fd" in found.attributes
    assert "bpf_sock_tuple.saddr" in found.struct_fields
    assert not [name for name in found.attributes + found.struct_fields if name.endswith((".__u16", ".__u32"))]
