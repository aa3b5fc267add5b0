"""The stand-in's memory: what it refuses to delete, what a deletion leaves, and that no id comes twice."""

import pytest

from standin import wire
from standin.world import Failure, World

KEY = "urn:pulumi:test::platform::aws:kms/key:Key::data"


def urn(type_token, name="it"):
    return f"urn:pulumi:test::platform::platform:index:Tier${type_token}::{name}"


def made(world, name, id, **properties):
    world.create(name, id, wire.encode(properties), wire.encode({**properties, "id": id}))


@pytest.mark.parametrize(
    ("type_token", "protection", "error"),
    [
        ("aws:rds/instance:Instance", "deletionProtection", "Cannot delete protected DB Instance"),
        ("aws:lb/loadBalancer:LoadBalancer", "enableDeletionProtection", "OperationNotPermitted"),
        ("aws:eks/cluster:Cluster", "deletionProtection", "InvalidRequestException"),
        ("aws:cloudwatch/logGroup:LogGroup", "deletionProtectionEnabled", "ValidationException"),
    ],
)
def test_what_is_protected_is_not_deleted(type_token, protection, error):
    world = World()
    made(world, urn(type_token), "1")
    with pytest.raises(Failure, match=error):
        world.delete(urn(type_token), "1", {protection: True, "skipFinalSnapshot": True})
    assert (type_token, "1") in world.things
    world.delete(urn(type_token), "1", {protection: False, "skipFinalSnapshot": True})
    assert world.things == {}
    world.protects = False  # what the sandbox's own destroy does
    world.delete(urn(type_token), "1", {protection: True, "skipFinalSnapshot": True})


@pytest.mark.parametrize(
    ("type_token", "force", "error"),
    [
        ("aws:s3/bucket:Bucket", "forceDestroy", "BucketNotEmpty"),
        ("aws:ecr/repository:Repository", "forceDelete", "RepositoryNotEmptyException"),
        ("aws:athena/workgroup:Workgroup", "forceDestroy", "WorkGroup is not empty"),
    ],
)
def test_what_holds_something_goes_by_force_only(type_token, force, error):
    world = World(filled={urn(type_token)})
    with pytest.raises(Failure, match=error):
        world.delete(urn(type_token), "1", {force: False})
    world.delete(urn(type_token), "1", {force: True})
    world.delete(urn(type_token, "empty"), "2", {})


def test_an_object_that_is_kept_keeps_its_bucket_but_for_force():
    bucket, kept = urn("aws:s3/bucket:Bucket"), urn("aws:s3/bucketObjectv2:BucketObjectv2")
    world = World()
    made(world, bucket, "b", bucket="b")
    made(world, kept, "b/key", bucket="b")
    with pytest.raises(Failure, match="BucketNotEmpty"):
        world.delete(bucket, "b", {})
    world.delete(bucket, "b", {"forceDestroy": True})
    assert world.things == {}


def test_a_database_goes_with_a_name_for_its_last_snapshot_or_without_one_on_purpose():
    world, name = World(), urn("aws:rds/instance:Instance")
    with pytest.raises(Failure, match="final_snapshot_identifier is required"):
        world.delete(name, "1", {})
    world.delete(name, "1", {"skipFinalSnapshot": True, "finalSnapshotIdentifier": "unused"})
    assert world.left == {}
    world.delete(name, "1", {"finalSnapshotIdentifier": "last"})
    assert world.left == {name: "the snapshot last"}


@pytest.mark.parametrize(
    ("type_token", "properties", "left"),
    [
        ("aws:kms/key:Key", {}, "the key, 30 days"),
        ("aws:kms/key:Key", {"deletionWindowInDays": 7}, "the key, 7 days"),
        ("aws:secretsmanager/secret:Secret", {}, "the secret, 30 days"),
        ("aws:secretsmanager/secret:Secret", {"recoveryWindowInDays": 0}, None),
        ("aws:s3/bucket:Bucket", {}, None),
    ],
)
def test_what_a_deletion_leaves(type_token, properties, left):
    world = World()
    world.delete(urn(type_token), "1", properties)
    assert world.left.get(urn(type_token)) == left


def test_a_name_is_taken_once_and_free_again_after_deletion():
    world = World()
    made(world, KEY, "1")
    with pytest.raises(Failure, match="AlreadyExists: aws:kms/key:Key 1 already exists"):
        made(world, KEY.replace("data", "logs"), "1")
    world.delete(KEY, "1", {})
    made(world, KEY, "1")
    assert (world.things["aws:kms/key:Key", "1"].generation, world.gone) == (1, set())


def test_changes_by_hand():
    world = World()
    made(world, KEY, "1", description="d", tags={"Name": "data"})
    world.change("Key::data", tags={"Name": "other"}, description=None)
    thing = world.things["aws:kms/key:Key", "1"]
    assert thing.properties == {"id": "1", "tags": {"Name": "other"}}
    assert thing.given() == {"tags": {"Name": "other"}}
    world.remove("Key::data")
    assert (world.things, world.gone) == ({}, {("aws:kms/key:Key", "1")})
