"""No resource is deleted and made anew because its name has changed: not without someone's saying so."""

import pulumi
import pulumi_aws as aws
import pytest

from tests.registered import STACKS, run, run_stack
from tests.urns import FOLDER, urns, vanished


@pytest.mark.parametrize("stack", STACKS)
def test_every_urn_that_stands_somewhere_is_still_there(stack):
    golden = (FOLDER / f"{stack}.txt").read_text().splitlines()
    assert vanished(run_stack(stack), golden) == []


@pytest.mark.parametrize("stack", STACKS)
def test_the_list_holds_what_is_new(stack):
    golden = (FOLDER / f"{stack}.txt").read_text().splitlines()
    assert sorted(set(urns(run_stack(stack))) - set(golden)) == [], "run `python -m tests.urns`"


class Shelf(pulumi.ComponentResource):
    """A component of one bucket."""

    def __init__(self, name, bucket, aliases=(), bucket_aliases=()):
        super().__init__("platform:index:Shelf", name, None, pulumi.ResourceOptions(aliases=list(aliases)))
        options = pulumi.ResourceOptions(parent=self, aliases=list(bucket_aliases))
        aws.s3.Bucket(f"{name}-{bucket}", opts=options)
        self.register_outputs({})


GOLDEN = urns(run(lambda: Shelf("shelf", "books")))
NAMED, UNDER = pulumi.Alias(name="shelf-books"), pulumi.Alias(name="shelf")


def test_the_list_of_a_small_program():
    assert GOLDEN == [
        "platform:index:Shelf$aws:s3/bucket:Bucket::shelf-books",
        "platform:index:Shelf::shelf",
    ]


@pytest.mark.parametrize(
    ("program", "gone"),
    [
        (lambda: Shelf("shelf", "books"), []),
        (lambda: Shelf("shelf", "novels"), ["shelf-books"]),
        (lambda: Shelf("shelf", "novels", bucket_aliases=[NAMED]), []),
        (lambda: Shelf("shelf", "novels", bucket_aliases=[pulumi.Alias(name="shelf-tales")]), ["shelf-books"]),
        (lambda: Shelf("rack", "books"), ["shelf-books", "shelf"]),
        (lambda: Shelf("rack", "books", aliases=[UNDER]), []),
        (
            lambda: Shelf("rack", "books", bucket_aliases=[NAMED]),
            ["shelf"],
        ),  # a URN has its parent's type, not its name
        (lambda: Shelf("rack", "novels", aliases=[UNDER], bucket_aliases=[NAMED]), []),
        (lambda: aws.s3.Bucket("shelf-books"), ["shelf-books", "shelf"]),
    ],
    ids=[
        "as it was",
        "renamed",
        "renamed with an alias",
        "with an alias of another name",
        "renamed component",
        "renamed component with an alias",
        "renamed component with an alias of its part",
        "both with aliases",
        "out of its component",
    ],
)
def test_a_rename_needs_an_alias(program, gone):
    said = vanished(run(program), GOLDEN)
    assert [message.split(" is gone from test: ")[0].rpartition("::")[2] for message in said] == gone
    assert all("Alias(...)" in message and "python -m tests.urns" in message for message in said)
