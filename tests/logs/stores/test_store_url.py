"""Test which URLs name a store, and the errors for all others."""

import subprocess
import sys
from pathlib import Path

import pytest

from boxkite import ConfigError
from boxkite.logs.stores import open_store
from boxkite.logs.stores.local_store import LocalStore
from boxkite.logs.stores.object_store import ObjectStore
from boxkite.system.safe_url import safe_url


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("/var/log/x", "/var/log/x"),
        ("/var/log/100%/x y", "/var/log/100%/x y"),
        ("relative/x", "{here}/relative/x"),
        (".", "{here}"),
        ("file:///var/log/x", "/var/log/x"),
        ("file://localhost/var/log/x", "/var/log/x"),
        ("file:/var/log/x/", "/var/log/x"),
        ("FILE:relative/x", "{here}/relative/x"),
        ("file:a%20b/%C3%A9%25%3F", "{here}/a b/é%?"),
        ("./a:b", "{here}/a:b"),
        ("./s3//bucket", "{here}/s3/bucket"),
        ("./s3", "{here}/s3"),
        ("/var//log", "/var/log"),
    ],
)
def test_a_path_or_a_file_url_names_a_folder(url, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store(url)
    assert isinstance(store, LocalStore)
    assert store.folder == Path(folder.format(here=tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "does not name a folder"),
        (" ", "does not name a folder"),
        ("file:", "does not name a folder"),
        ("file://", "does not name a folder"),
        ("a\0b", "does not name a folder"),
        ("file:a%00b", "does not name a folder"),
        (
            "file://server/share",
            "names a folder of the host 'server'. For a folder of this machine",
        ),
        ("file:///x?y", "Write them as %3F and %23"),
        ("file:///x#y", "Write them as %3F and %23"),
        (
            "http://example.org/x",
            "does not name a store of files. Write a folder, file:///FOLDER, s3://",
        ),
        ("S4://x", "does not name a store of files"),
        ("C:\\logs", "does not name a store of files"),
        ("s3//bucket", "Put a colon after the scheme"),
        ("logs//x", "or write ./logs//x for a folder"),
        ("s3", "is only the scheme of a URL"),
        ("FILE", "is only the scheme of a URL"),
        ("s3:", "is not the URL of a bucket"),
        ("s3:///prefix", "is not the URL of a bucket"),
        ("s3://user@bucket/x", "is not the URL of a bucket"),
        ("s3://bucket/x?region=y", "is not the URL of a bucket"),
        ("gs://bucket/../x", "is not the URL of a bucket"),
        ("az://container/a//b", "is not the URL of a bucket"),
        ("s3://bucket/%FF", "is not the URL of a bucket"),
        ("s3://[", "is not the URL of a bucket"),
    ],
)
def test_any_other_url_is_an_error_that_names_it_and_says_what_to_write(url, said):
    with pytest.raises(ConfigError) as caught:
        open_store(url)
    assert said in str(caught.value)
    assert repr(safe_url(url)) in str(caught.value)


def test_an_endpoint_without_tls_must_be_local_or_allowed(monkeypatch):
    pytest.importorskip("obstore")
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT", "AWS_ALLOW_HTTP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    assert isinstance(open_store("s3://bucket"), ObjectStore)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://minio:9000")
    with pytest.raises(ConfigError, match=r"AWS_ENDPOINT_URL.*AWS_ALLOW_HTTP=true"):
        open_store("s3://bucket")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    assert isinstance(open_store("s3://bucket"), ObjectStore)


def test_a_missing_environment_variable_is_named(monkeypatch):
    pytest.importorskip("obstore")
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(ConfigError) as caught:
        open_store("az://container/prefix")
    assert str(caught.value) == (
        "Cannot use az://container/prefix: Generic MicrosoftAzure error: Account must be "
        "specified. Set AZURE_STORAGE_ACCOUNT_NAME."
    )


def test_without_obstore_a_bucket_is_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(ConfigError) as caught:
        open_store("s3://bucket/prefix")
    assert str(caught.value) == ("s3://bucket/prefix needs obstore: pip install 'boxkite[objects]'")


def test_a_folder_needs_no_obstore():
    program = (
        "import sys; from boxkite.logs.stores import open_store; open_store('/tmp/x');"
        "assert 'obstore' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
