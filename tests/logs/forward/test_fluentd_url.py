"""Test parsing of fluentd URLs, and the errors for wrong ones."""

import ssl

import pytest
import trustme

from boxkite import ConfigError
from boxkite.logs.forward.fluentd_url import FluentdTarget, parse_fluentd_url
from boxkite.logs.forward.handshake import Credentials
from boxkite.system.safe_url import safe_url

LONG = "a" * 70
ABSENT = "[Errno 2] No such file or directory"
PLAIN = FluentdTarget("collector", 24224, 3.0, None, None, None)


@pytest.fixture(autouse=True)
def no_address(monkeypatch):
    monkeypatch.delenv("BEDROCK_FLUENTD_ADDR", raising=False)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("fluentd://collector", PLAIN),
        ("fluentd://collector/", PLAIN),
        ("fluentd://collector:24224?timeout=3", PLAIN),
        ("fluentd://collector:9", FluentdTarget("collector", 9, 3.0, None, None, None)),
        ("fluentd://[::1]:9", FluentdTarget("::1", 9, 3.0, None, None, None)),
        ("fluentd+unix:///run/a%20b", FluentdTarget("unix:///run/a b", 0, 3.0, None, None, None)),
        (
            "fluentd://collector?prefix=a.b&timeout=0.5",
            FluentdTarget("collector", 24224, 0.5, "a.b", None, None),
        ),
        (
            "fluentd://",
            FluentdTarget("fluentd-logging.core.svc.cluster.local", 24224, 3.0, None, None, None),
        ),
    ],
)
def test_a_url_says_where_to_send(url, target):
    assert parse_fluentd_url(url) == target


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("other", "other", 24224), ("other:9", "other", 9), ("unix:///run/a", "unix:///run/a", 0)],
)
def test_the_environment_may_name_the_host(text, host, port, monkeypatch):
    monkeypatch.setenv("BEDROCK_FLUENTD_ADDR", text)
    target = parse_fluentd_url("fluentd://?timeout=1")
    assert (target.host, target.port, target.timeout) == (host, port, 1.0)


def test_secrets_come_from_files_or_the_environment(tmp_path, monkeypatch):
    (tmp_path / "key").write_text("key of both\n")
    monkeypatch.setenv("FLUENTD_PASSWORD", "secret")
    target = parse_fluentd_url(
        f"fluentd://collector?shared_key_file={tmp_path}/key"
        "&username=flights&password_env=FLUENTD_PASSWORD"
    )
    assert target.credentials == Credentials(
        shared_key="key of both", username="flights", password="secret"
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("fluent://a", "Unknown scheme 'fluent'. Use one of fluentd, fluentd+tls, fluentd+unix."),
        ("fluentd://a:port", "The receiver is 'a:port', not an address. Write host or host:port."),
        (
            "fluentd://a:70000",
            "The receiver is 'a:70000', not an address. Write host or host:port.",
        ),
        ("fluentd://[::1", "Invalid IPv6 URL"),
        ("fluentd://:9", "The receiver is ':9', not an address. Write host or host:port."),
        (
            f"fluentd://{LONG}",
            f"The receiver is '{LONG}', not an address. Write host or host:port.",
        ),
        ("fluentd://collector/tag", "It has the path '/tag'. Use `prefix=` to set the tag."),
        ("fluentd://collector?prefix=a#b", "It contains `#`. Write it as %23."),
        ("fluentd+unix://run/socket", "It has no path of a socket. Write fluentd+unix:///path."),
        ("fluentd+unix:", "It has no path of a socket. Write fluentd+unix:///path."),
        ("fluentd://collector?prefix", "Cannot parse its query. Write key=value&key=value."),
        ("fluentd://collector?prefx=a", "Unknown option 'prefx'. Did you mean 'prefix'?"),
        ("fluentd://collector?prefix=a&prefix=b", "It sets `prefix=` twice."),
        (
            "fluentd://collector?timeout=soon",
            "`timeout=` is 'soon'. Write a number of seconds above 0.",
        ),
        ("fluentd://collector?timeout=0", "`timeout=` is '0'. Write a number of seconds above 0."),
        (
            "fluentd://collector?timeout=nan",
            "`timeout=` is 'nan'. Write a number of seconds above 0.",
        ),
        (
            "fluentd://collector?timeout=inf",
            "`timeout=` is 'inf'. Write a number of seconds above 0.",
        ),
        ("fluentd://collector?ca=a", "`ca=` needs TLS. Use fluentd+tls:// as the scheme."),
        (
            "fluentd://collector?username=a",
            "fluentd asks for a user only with a shared key. Add `shared_key_file=`.",
        ),
        (
            "fluentd://collector?shared_key_file=/none",
            f"Cannot read `shared_key_file=`: {ABSENT}: '/none'",
        ),
        (
            "fluentd://collector?shared_key_env=NONE",
            "The environment variable NONE of `shared_key_env=` is empty.",
        ),
        (
            "fluentd://collector?shared_key_env=A&shared_key_file=b",
            "It sets both `shared_key_file=` and `shared_key_env=`. Keep one of them.",
        ),
        ("fluentd+tls://collector?ca=/none", f"TLS cannot use /none: {ABSENT}"),
        (
            "fluentd+tls://collector?cert_key=/none",
            "It sets `cert_key=` without `cert=`. Add `cert=`.",
        ),
        ("fluentd+tls://collector?verify=no", "`verify=` is 'no'. Write true or false."),
    ],
)
def test_a_mistake_in_the_url_is_named(url, said):
    with pytest.raises(ConfigError) as caught:
        parse_fluentd_url(url)
    assert str(caught.value) == f"Cannot use the fluentd URL {safe_url(url)!r}: {said}"


def test_a_password_in_the_url_is_refused_and_not_shown():
    with pytest.raises(ConfigError, match=r"contains a user\. Use .*`password_file=`") as caught:
        parse_fluentd_url("fluentd://flights:secret@collector")
    assert "secret" not in str(caught.value)


def test_a_socket_from_the_environment_cannot_use_tls(monkeypatch):
    monkeypatch.setenv("BEDROCK_FLUENTD_ADDR", "unix:///run/a")
    with pytest.raises(ConfigError, match="which cannot use TLS"):
        parse_fluentd_url("fluentd+tls://")


def test_tls_trusts_only_the_given_authorities(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = parse_fluentd_url(f"fluentd+tls://collector?ca={tmp_path}/ca.pem").tls
    assert (tls.check_hostname, tls.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert len(tls.get_ca_certs()) == 1
    assert parse_fluentd_url("fluentd+tls://collector").tls.verify_mode == ssl.CERT_REQUIRED


def test_tls_trusts_anyone_without_verification():
    tls = parse_fluentd_url("fluentd+tls://collector?verify=false").tls
    assert (tls.check_hostname, tls.verify_mode) == (False, ssl.CERT_NONE)


def test_a_certificate_without_its_key_is_refused(tmp_path):
    certificate = trustme.CA().issue_cert("sender.example")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    url = f"fluentd+tls://collector?cert={tmp_path}/cert.pem"
    with pytest.raises(ConfigError, match="TLS cannot use "):
        parse_fluentd_url(url)
    assert parse_fluentd_url(f"{url}&cert_key={tmp_path}/key.pem").tls is not None
