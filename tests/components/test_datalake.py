import json

import pulumi
import pytest
from pydantic import ValidationError

from components.datalake import DataLake, DataLakeArgs
from tests.components.tiers import logs, security
from tests.registered import counts, of, one, run, statements, waits_for

BUCKETS = {zone: f"platform-test-lake-{zone}-123456789012-eu-west-1" for zone in ("raw", "curated", "results")}
RAW, CURATED, RESULTS = (f"arn:aws:s3:::{name}" for name in BUCKETS.values())
CATALOG = [
    f"arn:aws:glue:eu-west-1:123456789012:{path}"
    for path in ("catalog", "database/platform_test_lake", "table/platform_test_lake/*")
]
S3_KEY = {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}


def lake(*, unknown=False, name="lake", **changes):
    def program():
        keys = security()
        made = DataLake(name, DataLakeArgs.model_validate(changes), key=keys.data, logs_key=keys.logs, logs=logs())
        for uri in ("raw_uri", "curated_uri", "state_uri", "export_uri", "logs_uri"):
            pulumi.export(uri, getattr(made, uri))
        pulumi.export("read", pulumi.Output.json_dumps(made.read_statements()))
        pulumi.export("write", pulumi.Output.json_dumps(made.write_statements()))

    return run(program, unknown=unknown)


@pytest.fixture(scope="module", params=[False, True], ids=["known", "first preview"])
def recording(request):
    return lake(unknown=request.param)


def granted(recording, who):
    return json.loads(recording.outputs[who])


def test_it_adds_exactly_this(recording):
    found = counts(recording)
    assert (found["Bucket"], found["CatalogDatabase"], found["Workgroup"]) == (4, 1, 1)
    assert "Crawler" not in found


def lifetimes(recording, zone):
    rules = one(recording, "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", f"lake-{zone}").inputs
    found = {rule["id"]: rule for rule in rules["rules"]}
    expiry = found.get("expire", {}).get("expiration", {}).get("days")
    return expiry, found["clean-up"]["noncurrentVersionExpiration"]["noncurrentDays"]


def test_each_zone_has_its_own_lifetime(recording):
    assert {zone: lifetimes(recording, zone) for zone in BUCKETS} == {
        "raw": (90, 7),
        "curated": (None, 90),
        "results": (30, 7),
    }


def test_every_zone_is_encrypted_by_the_data_key(recording):
    key = one(recording, "kms/key:Key", "security-data").urn
    encrypted = of(recording, "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
    for zone in BUCKETS:
        assert key in encrypted[f"lake-{zone}"].property_dependencies["rules"]


def test_where_everything_is(recording):
    assert {name: recording.outputs[f"{name}_uri"] for name in ("raw", "curated", "state", "export", "logs")} == {
        "raw": f"s3://{BUCKETS['raw']}/tables",
        "curated": f"s3://{BUCKETS['curated']}/tables",
        "state": f"s3://{BUCKETS['curated']}/state",
        "export": f"s3://{BUCKETS['curated']}/export",
        "logs": f"s3://{BUCKETS['results']}/emr/",
    }


def test_the_catalog(recording):
    database = one(recording, "glue/catalogDatabase:CatalogDatabase", "lake")
    assert database.inputs["name"] == "platform_test_lake"
    assert database.inputs["locationUri"] == f"s3://{BUCKETS['curated']}/tables"


def test_no_query_goes_round_the_workgroup(recording):
    group = one(recording, "athena/workgroup:Workgroup", "lake")
    configuration = dict(group.inputs["configuration"])
    result = dict(configuration.pop("resultConfiguration"))
    assert configuration == {
        "enforceWorkgroupConfiguration": True,
        "publishCloudwatchMetricsEnabled": True,
        "bytesScannedCutoffPerQuery": 10 * 2**30,
        "engineVersion": {"selectedEngineVersion": "AUTO"},
    }
    assert result["outputLocation"] == f"s3://{BUCKETS['results']}/athena/"
    assert result["expectedBucketOwner"] == "123456789012"
    assert result["encryptionConfiguration"]["encryptionOption"] == "SSE_KMS"
    assert one(recording, "kms/key:Key", "security-data").urn in group.property_dependencies["configuration"]
    assert group.inputs["forceDestroy"] is False


def test_settings():
    changed = lake(scan_limit_mib=10, workgroup_force_destroy=True, raw={"expiration_days": None})
    group = one(changed, "athena/workgroup:Workgroup", "lake")
    assert group.inputs["configuration"]["bytesScannedCutoffPerQuery"] == 10_485_760
    assert group.inputs["forceDestroy"] is True
    assert lifetimes(changed, "raw") == (None, 7)


def test_a_reader_asks_athena_and_sees_what_is_published(recording):
    assert not any(word in recording.outputs["read"] for word in ("Create", "Update", "Delete"))
    athena, catalog, _, curated, place, results, tables, export, answers, key = granted(recording, "read")
    assert athena["Resource"] == "arn:aws:athena:eu-west-1:123456789012:workgroup/platform-test-lake"
    assert (catalog["Resource"], {action.split(":")[1][:3] for action in catalog["Action"]}) == (
        CATALOG,
        {"Bat", "Get"},
    )
    assert curated["Resource"] == CURATED
    assert (place["Action"], place["Resource"]) == ("s3:GetBucketLocation", RESULTS)
    assert (results["Action"], results["Resource"]) == ("s3:ListBucket", RESULTS)
    assert results["Condition"] == {"StringLike": {"s3:prefix": "athena/*"}}
    assert (tables["Action"], tables["Resource"]) == (["s3:GetObject"], f"{CURATED}/tables/*")
    assert (export["Action"], export["Resource"]) == (["s3:GetObject"], f"{CURATED}/export/*")
    assert answers["Resource"] == f"{RESULTS}/athena/*"
    assert key["Condition"]["StringEquals"] == S3_KEY
    assert RAW not in recording.outputs["read"]


def test_the_jobs_write_both_zones_and_the_catalog(recording):
    _, list_raw, _, list_curated, uploads, _, list_logs, raw, curated, results, catalog, default, key = granted(
        recording, "write"
    )
    assert (list_logs["Resource"], list_logs["Condition"]) == (RESULTS, {"StringLike": {"s3:prefix": "emr/*"}})
    assert (uploads["Action"], uploads["Resource"]) == ("s3:ListBucketMultipartUploads", [RAW, CURATED])
    assert default["Action"] == ["glue:CreateDatabase", "glue:GetDatabase", "glue:GetUserDefinedFunctions"]
    assert [arn.split(":")[-1] for arn in default["Resource"]] == [
        "catalog",
        "database/default",
        "userDefinedFunction/default/*",
    ]
    actions = [
        *("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
        *("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
    ]
    assert (list_raw["Resource"], list_curated["Resource"]) == (RAW, CURATED)
    assert (raw["Action"], raw["Resource"]) == (actions, f"{RAW}/*")
    assert (curated["Action"], curated["Resource"]) == (actions, f"{CURATED}/*")
    assert (results["Action"], results["Resource"]) == (
        ["s3:PutObject", "s3:AbortMultipartUpload"],
        f"{RESULTS}/emr/*",
    )
    assert catalog["Resource"] == CATALOG
    # What jobs/publish.py asks Glue for.
    assert {
        f"glue:{operation}"
        for operation in (
            "BatchCreatePartition",
            "BatchDeletePartition",
            "BatchUpdatePartition",
            "CreateTable",
            "GetPartitions",
            "UpdateTable",
        )
    } <= set(catalog["Action"])
    assert not any("Delete" in action for action in catalog["Action"] if action != "glue:BatchDeletePartition")
    assert key["Condition"]["StringEquals"] == S3_KEY


def test_a_crawler_sees_the_raw_zone_alone():
    crawled = lake(crawler={"schedule": "cron(30 4 * * ? *)"})
    crawler = one(crawled, "glue/crawler:Crawler", "lake-crawler")
    assert crawler.inputs["s3Targets"] == [{"path": f"s3://{BUCKETS['raw']}/tables"}]
    assert (crawler.inputs["tablePrefix"], crawler.inputs["schedule"]) == ("raw_", "cron(30 4 * * ? *)")
    policy = one(crawled, "iam/rolePolicy:RolePolicy", "lake-crawler")
    assert waits_for(crawled, crawler, policy)
    assert CURATED not in policy.inputs["policy"]
    objects = [s for s in statements(policy.inputs["policy"]) if s["Action"] == ["s3:GetObject"]]
    assert [s["Resource"] for s in objects] == [f"{RAW}/tables/*"]
    (catalog,) = (s for s in statements(policy.inputs["policy"]) if "glue:CreateTable" in s["Action"])
    assert catalog["Resource"][2].endswith("table/platform_test_lake/raw_*")


def test_a_crawlers_logs_and_bookmarks_are_encrypted():
    crawled = lake(crawler={})
    made = one(crawled, "glue/securityConfiguration:SecurityConfiguration", "lake-crawler")
    assert {name: {k: v for k, v in found.items() if "Mode" in k} for name, found in encryption(made).items()} == {
        "cloudwatchEncryption": {"cloudwatchEncryptionMode": "SSE-KMS"},
        "jobBookmarksEncryption": {"jobBookmarksEncryptionMode": "CSE-KMS"},
        "s3Encryption": {"s3EncryptionMode": "SSE-KMS"},
    }
    logs_key = one(crawled, "kms/key:Key", "security-logs").outputs["arn"]
    assert encryption(made)["cloudwatchEncryption"]["kmsKeyArn"] == logs_key
    assert "schedule" not in one(crawled, "glue/crawler:Crawler", "lake-crawler").inputs


def encryption(made):
    return made.inputs["encryptionConfiguration"]


def test_the_longest_name_is_one_that_aws_takes():
    longest = lake(name="l" * 30)
    assert all(len(made.inputs["bucket"]) <= 63 for made in of(longest, "s3/bucket:Bucket").values())


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"curated": {"expiration_days": 90}}, ("curated", "expiration_days")),
        ({"raw": {"expiration_days": 6}}, ("raw", "expiration_days")),
        ({"results": {"expiration_days": None}}, ("results", "expiration_days")),
        ({"results": {"force_destroy": True}}, ("results", "force_destroy")),
        ({"scan_limit_mib": 9}, ("scan_limit_mib",)),
        ({"crawler": {"schedule": "30 4 * * *"}}, ("crawler", "schedule")),
        ({"crawler": {"schedule": "rate(1 day)"}}, ("crawler", "schedule")),
        ({"landing": {}}, ("landing",)),
    ],
)
def test_bad_arguments(changes, path):
    with pytest.raises(ValidationError) as wrong:
        DataLakeArgs.model_validate(changes)
    assert [error["loc"] for error in wrong.value.errors()] == [path]
