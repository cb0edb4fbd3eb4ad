"""Names of images: read exactly as ECR allows them, and refused with what would be right."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from fleet_repl import SelectionError
from fleet_repl.values import limits
from fleet_repl.values.images import ImageName, pulled_image
from fleet_repl.values.names import AccountId, Region, Registry

ACCOUNT = AccountId("1" * 12)
DIGEST = f"sha256:{'0a' * 32}"
IMPOSSIBLE = ("<b>x</b>:7", "=x:1", "base/Go:1", "base/go:-1", "go@sha256:12", "go\n:1", "a:1")
repositories = st.from_regex(limits.REPOSITORY_PATTERN, fullmatch=True).filter(
    lambda name: 2 <= len(name) <= 256
)
tags = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,299}", fullmatch=True)


@given(repositories, st.one_of(st.none(), tags), st.booleans())
def test_names_survive_being_read(repository: str, tag: str | None, by_digest: bool) -> None:
    """A repository, a tag in it or a digest in it is read as what it is."""
    name = ImageName(repository=repository, tag=tag)
    if by_digest:
        name = ImageName(repository=repository, digest=DIGEST)
    assert ImageName.parse(str(name)) == name
    assert name.is_image is (by_digest or tag is not None)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Base/Python", '; did you mean "base/python"?'),
        ("base/", '; did you mean "base"?'),
        ("base/*", '; did you mean "base"?'),
        ("a", "such as base/python"),
        ("", "such as base/python"),
        ("a//b", "such as base/python"),
        ("base/go:", '"" is no tag: write letters'),
        ("base/go:-x", '"-x" is no tag'),
        ("base/go@sha256:12", "after @, write sha256: and 64 digits"),
        ("base/go:1@" + DIGEST, '"base/go:1" is no repository'),
        (DIGEST, f"write repository@{DIGEST}"),
        ("111111111111.dkr.ecr.eu-west-1.amazonaws.com/base/go:1", 'write "base/go:1"'),
    ],
)
def test_what_is_no_image_is_refused_with_what_would_be_right(text: str, right: str) -> None:
    """By the rule that it breaks, with a guess where there is one."""
    with pytest.raises(SelectionError) as refused:
        ImageName.parse(text)
    assert right in str(refused.value)


@pytest.mark.parametrize(
    ("uri", "registry", "image"),
    [
        ("{a}.dkr.ecr.eu-west-1.amazonaws.com/base/go:1.25", "eu-west-1", "base/go:1.25"),
        ("{a}.dkr.ecr.eu-west-1.amazonaws.com/go", "eu-west-1", "go:latest"),
        ("{a}.dkr.ecr.cn-north-1.amazonaws.com.cn/go@{d}", "cn-north-1", "go@{d}"),
        ("{a}.dkr-ecr.us-east-1.on.aws/base/go:1@{d}", "us-east-1", "base/go@{d}"),
        ("{a}.dkr.ecr-fips.us-gov-west-1.amazonaws.com/go:1", "us-gov-west-1", "go:1"),
        ("{a}.dkr-ecr-fips.us-east-1.on.aws/go:1", "us-east-1", "go:1"),
        ("{a}.dkr.ecr.eusc-de-east-1.amazonaws.eu/go:1", "eusc-de-east-1", "go:1"),
    ],
)
def test_an_image_that_is_pulled_names_its_registry(uri: str, registry: str, image: str) -> None:
    """In every partition, over both stacks; a digest counts more than a tag."""
    filled = uri.format(a=ACCOUNT, d=DIGEST)
    assert pulled_image(filled) == (
        Registry(ACCOUNT, Region(registry)),
        ImageName.parse(image.format(d=DIGEST)),
    )


@pytest.mark.parametrize(
    "uri",
    [
        "nginx",
        "docker.io/library/nginx:1",
        "public.ecr.aws/nginx/nginx:1",
        "111.dkr.ecr.eu-west-1.amazonaws.com/base/go:1",
        f"x{'1' * 12}.dkr.ecr.eu-west-1.amazonaws.com/base/go:1",
        f"{'1' * 12}.dkr.ecr.eu-west-1.amazonaws.com/",
        *(f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/{image}" for image in IMPOSSIBLE),
        "",
    ],
)
def test_other_images_name_no_registry_of_ecr(uri: str) -> None:
    """Neither do texts that only look like one."""
    assert pulled_image(uri) is None
