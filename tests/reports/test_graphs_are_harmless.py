"""Names in a graph stay names: no quote, directive, tag or entity of theirs is obeyed.

Both texts are taken apart by what Mermaid and Graphviz document of their languages, and give
the names back.
"""

from __future__ import annotations

import re
from html import unescape

from hypothesis import given, strategies as st

from fleet_repl.planning.plan import Warning
from fleet_repl.reports.graph import Edge, Graph, Kind, Node, dot_text, mermaid_text
from fleet_repl.values.names import AccountId, Region
from fleet_repl.values.text import visible

CHARACTERS = "abx19 -_./,:;#&%{}[]()<>\"'`\\|*+=~!?@$^\n\t\x1b\u202e\ud800é東💡"
PHRASES = (
    '%%{init:{}}%% --> end style:#1; <a=" <br/> #35; &amp; 1. \\N \\n // /* ﬂ°°35¶ß www.a.com '
    "$$x$$ __x__ **x** ]:::retired fa:fa-x click"
)
BITS = (*CHARACTERS, *PHRASES.split())
names = st.lists(st.sampled_from(BITS), min_size=1, max_size=6).map("".join)
FIRST, SECOND = "111111111111/eu-west-1", "222222222222/us-east-1"


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Two registries, two edges, and names that want to be more than that."""
    account, other = (AccountId(registry[:12]) for registry in (FIRST, SECOND))
    kinds = st.sampled_from(Kind)
    here, there = Region("eu-west-1"), Region("us-east-1")
    routes = st.lists(names, min_size=1, max_size=2).map(tuple)
    return Graph(
        fleet=draw(names),
        grouped=False,
        nodes=(
            Node(id=FIRST, kind=draw(kinds), region=here, account=account, name=draw(names)),
            Node(id=SECOND, kind=draw(kinds), region=there, account=other, name=draw(names)),
        ),
        edges=tuple(
            Edge(source=FIRST, destination=SECOND, routes=draw(routes), prefixes=(draw(names),))
            for _ in range(2)
        ),
        warnings=(Warning(kind="unlinked", message=draw(names)),),
    )


def wanted(graph: Graph) -> list[str]:
    """The first line of every label: names of accounts, then routes."""
    lines = [node.name or "" for node in graph.nodes]
    lines += [", ".join(edge.routes) for edge in graph.edges]
    return [visible(line) for line in lines]


LABEL = r'"((?:[^\W_]|[-_ /,]|#[0-9]+;|<br/>)*)"'
MERMAID = re.compile(
    "|".join(
        (
            r"flowchart LR",
            r"  %% (?!.*(?:<|%)).*",
            rf"  subgraph in_[a-z0-9_]+\[{LABEL}\]",
            rf"    r_[a-z0-9_]+(?:\[{LABEL}\](?::::retired)?|\(\[{LABEL}\]\):::external)",
            r"  end",
            rf"  r_[a-z0-9_]+ [-=]=?-?>\|{LABEL}\| r_[a-z0-9_]+",
            r"  classDef [a-z]+ [a-z0-9#:, -]+",
        )
    )
)


def mermaid_labels(text: str) -> list[str]:
    """The labels of nodes and edges, codes resolved. Every line is of a known form."""
    labels = []
    for line in text.splitlines():
        match = MERMAID.fullmatch(line)
        assert match is not None, line
        if "subgraph" not in line.split("[")[0] and any(match.groups()):
            (label,) = filter(None, match.groups())
            labels.append(re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label))
    return labels


@given(graph=graphs())
def test_mermaid_gets_nothing_but_names(graph: Graph) -> None:
    """A line each, in a known form, with the names whole."""
    text = mermaid_text(graph)
    assert all(
        label.startswith(f"{name}<br/>")
        for label, name in zip(mermaid_labels(text), wanted(graph), strict=True)
    )
    assert len(text.splitlines()) == 1 + 2 + 2 * 3 + 2 + 2


@given(graph=graphs())
def test_mermaid_sees_no_markdown(graph: Graph) -> None:
    """What could begin a list, a rule, emphasis or a link at a line's start or inside is coded."""
    for line in mermaid_text(graph).splitlines():
        for label in re.findall(r'"(.*)"', line):
            for part in label.split("<br/>"):
                assert re.fullmatch(r"(?:(?:[^\W_]|[/,]|#\d+;)(?:[-_ ](?=[^\W_]))?)*", part), part


TOKEN = re.compile(r'\s+|//[^\n]*|"(?:[^"\\\n]|\\.)*"|->|[{}\[\];=,]|[a-z][a-z0-9]*|LR')
STATEMENT = re.compile(r"subgraphS\{label=S;(?:SA;)*\}|S->SA;|SA;|rankdir=LR;|nodeA;")


def dot_statements(text: str) -> tuple[str, list[str]]:
    """The shape of a text without its strings and comments, and the strings."""
    shape, strings, place = "", [], 0
    while place < len(text):
        match = TOKEN.match(text, place)
        assert match is not None, text[place:]
        place, token = match.end(), match[0]
        if token.startswith('"'):
            strings.append(token[1:-1])
            shape += "S"
        elif not token.isspace() and not token.startswith("//"):
            shape += token
    return re.sub(r"\[[^\]]*\]", "A", shape), strings


def dot_label(string: str) -> str:
    """What Graphviz shows for a string in a label."""
    spoken = re.sub(r"\\(.)", lambda code: "\n" if code[1] == "n" else code[1], string)
    return unescape(spoken)


@given(graph=graphs())
def test_dot_gets_nothing_but_names(graph: Graph) -> None:
    """Its statements are those of any graph of this shape, and its labels give the names back."""
    shape, strings = dot_statements(dot_text(graph))
    inner = shape.removeprefix("digraphS{").removesuffix("}")
    statements = STATEMENT.findall(inner)
    assert "".join(statements) == inner
    assert statements == ["rankdir=LR;", "nodeA;", *["subgraphS{label=S;SA;}"] * 2, *["S->SA;"] * 2]
    labels = [strings[number] for number in (4, 8, 11, 14)]
    assert [dot_label(label).split("\n")[0] for label in labels] == wanted(graph)
    assert dot_label(strings[0]) == visible(graph.fleet)
