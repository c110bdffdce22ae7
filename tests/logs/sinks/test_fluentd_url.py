"""URLs of fluentd: what they say, and what is wrong with them."""

import ssl

import pytest
import trustme

from boxkite import ConfigError
from boxkite.logs.handshake import Credentials
from boxkite.logs.sinks.fluentd_url import Target, parse_url

LONG = "a" * 70
ABSENT = "[Errno 2] No such file or directory"
PLAIN = Target("collector", 24224, 3.0, None, None, None)


@pytest.fixture(autouse=True)
def no_address(monkeypatch):
    monkeypatch.delenv("BEDROCK_FLUENTD_ADDR", raising=False)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("fluentd://collector", PLAIN),
        ("fluentd://collector/", PLAIN),
        ("fluentd://collector:24224?timeout=3", PLAIN),
        ("fluentd://collector:9", Target("collector", 9, 3.0, None, None, None)),
        ("fluentd://[::1]:9", Target("::1", 9, 3.0, None, None, None)),
        ("fluentd+unix:///run/a%20b", Target("unix:///run/a b", 0, 3.0, None, None, None)),
        (
            "fluentd://collector?prefix=a.b&timeout=0.5",
            Target("collector", 24224, 0.5, "a.b", None, None),
        ),
        (
            "fluentd://",
            Target("fluentd-logging.core.svc.cluster.local", 24224, 3.0, None, None, None),
        ),
    ],
)
def test_a_url_says_where_to_send(url, target):
    assert parse_url(url) == target


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("other", "other", 24224), ("other:9", "other", 9), ("unix:///run/a", "unix:///run/a", 0)],
)
def test_the_host_may_be_of_the_environment(text, host, port, monkeypatch):
    monkeypatch.setenv("BEDROCK_FLUENTD_ADDR", text)
    target = parse_url("fluentd://?timeout=1")
    assert (target.host, target.port, target.timeout) == (host, port, 1.0)


def test_secrets_are_of_files_or_of_the_environment(tmp_path, monkeypatch):
    (tmp_path / "key").write_text("key of both\n")
    monkeypatch.setenv("FLUENTD_PASSWORD", "secret")
    target = parse_url(
        f"fluentd://collector?shared_key_file={tmp_path}/key"
        "&username=flights&password_env=FLUENTD_PASSWORD"
    )
    assert target.credentials == Credentials(
        shared_key="key of both", username="flights", password="secret"
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("fluent://a", "fluentd has no scheme 'fluent'; give fluentd, fluentd+tls, fluentd+unix"),
        ("fluentd://a:port", "the receiver of fluentd is 'a:port'; give host or host:port"),
        ("fluentd://a:70000", "the receiver of fluentd is 'a:70000'; give host or host:port"),
        ("fluentd://[::1", "the URL of fluentd cannot be read: Invalid IPv6 URL"),
        ("fluentd://:9", "the receiver of fluentd is ':9'; give host or host:port"),
        (f"fluentd://{LONG}", f"the receiver of fluentd is '{LONG}'; give host or host:port"),
        ("fluentd://collector/tag", "fluentd has no path '/tag'; for the tag give prefix="),
        ("fluentd://collector?prefix=a#b", "the URL of fluentd has a fragment; write # as %23"),
        ("fluentd+unix://run/socket", "the path of a socket is missing; give fluentd+unix:///path"),
        ("fluentd+unix:", "the path of a socket is missing; give fluentd+unix:///path"),
        ("fluentd://collector?prefix", "the query of fluentd's URL is none; give key=value&…"),
        (
            "fluentd://collector?prefx=a",
            "fluentd has no setting 'prefx'; the nearest one is 'prefix'",
        ),
        (
            "fluentd://collector?prefix=a&prefix=b",
            "the URL of fluentd gives a setting twice; give it once",
        ),
        ("fluentd://collector?timeout=soon", "timeout is 'soon'; give seconds, more than 0"),
        ("fluentd://collector?timeout=0", "timeout is '0'; give seconds, more than 0"),
        ("fluentd://collector?timeout=nan", "timeout is 'nan'; give seconds, more than 0"),
        ("fluentd://collector?timeout=inf", "timeout is 'inf'; give seconds, more than 0"),
        ("fluentd://collector?ca=a", "ca is for fluentd+tls://, and the URL is fluentd://"),
        (
            "fluentd://collector?username=a",
            "a user is asked for with a shared key only; give shared_key_file too",
        ),
        (
            "fluentd://collector?shared_key_file=/none",
            f"shared_key_file cannot be read: {ABSENT}: '/none'",
        ),
        ("fluentd://collector?shared_key_env=NONE", "shared_key is empty: NONE"),
        (
            "fluentd://collector?shared_key_env=A&shared_key_file=b",
            "shared_key_file and shared_key_env are both given; give one of them",
        ),
        ("fluentd+tls://collector?ca=/none", f"TLS cannot use /none: {ABSENT}"),
        ("fluentd+tls://collector?cert_key=/none", "cert_key is given without cert; give both"),
        ("fluentd+tls://collector?verify=no", "verify is 'no'; give true or false"),
    ],
)
def test_what_is_wrong_is_named(url, said):
    with pytest.raises(ConfigError) as caught:
        parse_url(url)
    assert str(caught.value) == said


def test_a_password_in_the_url_is_refused_and_not_shown():
    with pytest.raises(ConfigError, match=r"names a user; .* password_file=$") as caught:
        parse_url("fluentd://flights:secret@collector")
    assert "secret" not in str(caught.value)


def test_a_socket_of_the_environment_has_no_tls(monkeypatch):
    monkeypatch.setenv("BEDROCK_FLUENTD_ADDR", "unix:///run/a")
    with pytest.raises(ConfigError, match="which has no TLS"):
        parse_url("fluentd+tls://")


def test_tls_trusts_the_authorities_that_are_given_and_no_other(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = parse_url(f"fluentd+tls://collector?ca={tmp_path}/ca.pem").tls
    assert (tls.check_hostname, tls.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert len(tls.get_ca_certs()) == 1
    assert parse_url("fluentd+tls://collector").tls.verify_mode == ssl.CERT_REQUIRED


def test_tls_may_trust_anyone():
    tls = parse_url("fluentd+tls://collector?verify=false").tls
    assert (tls.check_hostname, tls.verify_mode) == (False, ssl.CERT_NONE)


def test_a_certificate_without_its_key_is_refused(tmp_path):
    certificate = trustme.CA().issue_cert("sender.example")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    url = f"fluentd+tls://collector?cert={tmp_path}/cert.pem"
    with pytest.raises(ConfigError, match="TLS cannot use "):
        parse_url(url)
    assert parse_url(f"{url}&cert_key={tmp_path}/key.pem").tls is not None
