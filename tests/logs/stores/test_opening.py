"""A store by its URL: what is one, and what is told where it is none."""

import subprocess
import sys
from pathlib import Path

import pytest

from boxkite import ConfigError
from boxkite.logs.stores import open_store
from boxkite.logs.stores.local import LocalStore
from boxkite.logs.stores.objects import ObjectStore


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
    ],
)
def test_a_folder_is_named_by_its_path_or_a_file_url(url, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store(url)
    assert isinstance(store, LocalStore)
    assert store.folder == Path(folder.format(here=tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "names no folder"),
        (" ", "names no folder"),
        ("file:", "names no folder"),
        ("file://", "names no folder"),
        ("a\0b", "names no folder"),
        ("file:a%00b", "names no folder"),
        ("file://server/share", "names a folder of the host 'server'; give file:///FOLDER"),
        ("file:///x?y", "write them as %3F and %23"),
        ("file:///x#y", "write them as %3F and %23"),
        ("http://example.org/x", "is no store of files; give a folder, file:///FOLDER, s3://"),
        ("S4://x", "is no store of files"),
        ("C:\\logs", "is no store of files"),
        ("s3:", "is no URL of a bucket"),
        ("s3:///prefix", "is no URL of a bucket"),
        ("s3://user@bucket/x", "is no URL of a bucket"),
        ("s3://bucket/x?region=y", "is no URL of a bucket"),
        ("gs://bucket/../x", "is no URL of a bucket"),
        ("az://container/a//b", "is no URL of a bucket"),
        ("s3://bucket/%FF", "is no URL of a bucket"),
        ("s3://[", "is no URL of a bucket"),
    ],
)
def test_anything_else_is_an_error_that_names_it_and_says_what_to_give(url, said):
    with pytest.raises(ConfigError) as caught:
        open_store(url)
    assert said in str(caught.value)
    assert repr(url) in str(caught.value)


def test_an_endpoint_without_tls_is_for_this_machine_or_must_be_allowed(monkeypatch):
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


def test_what_the_environment_lacks_is_told(monkeypatch):
    pytest.importorskip("obstore")
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(ConfigError) as caught:
        open_store("az://container/prefix")
    assert str(caught.value) == (
        "az://container/prefix cannot be used: Generic MicrosoftAzure error: Account must be "
        "specified; set AZURE_STORAGE_ACCOUNT_NAME"
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
