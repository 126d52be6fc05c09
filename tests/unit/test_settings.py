"""Flags and environment become Settings, or one message with every fault."""

import pytest

from tocsin.errors import MisuseError
from tocsin.settings import Listen, Settings, without_password
from tocsin.units import Duration, UnitError

SECRET_URLS = [
    "https://a:hunter2@b.example/p?token=hunter2#hunter2",
    "http://u:hunter2@x@b.example:9090",
    "http://u:/hunter2@b.example",
    "ftp://u:hunter2@b.example",
    "u:hunter2@b.example:9090",
    "//u:hunter2@b.example",
    "http:/u:hunter2@b.example",
    "http:///u:hunter2@b.example",
    "http://u:hunter2?@b.example",
    "http://u:hunter2#@b.example",
    "http://[u:hunter2@b.example",
    "http://u:hunter2@b.example:port",
    "hunter2@b.example",
    "\nu:hunter2@b",
]


def parsed(**changes: str | None) -> Settings:
    """Good values, but for *changes*."""
    values: dict[str, str | None] = {
        "prometheus": "http://localhost:9090",
        "state": "tocsin.db",
        "listen": "127.0.0.1:0",
        "interval": "15s",
    }
    return Settings.parse(paths=["rules"], **(values | changes))  # type: ignore[arg-type]


def test_good_values_are_parsed_once() -> None:
    """Everything that runs later reads typed values."""
    settings = parsed(prometheus="http://localhost:9090/", listen="[::1]:8080", interval="1m30s")

    assert (
        Settings(("rules",), "http://localhost:9090", "tocsin.db", Listen("::1", 8080), Duration.of(seconds=90))
        == settings
    )


def test_all_faults_are_said_at_once() -> None:
    """Nobody likes to fix a command line one error at a time."""
    with pytest.raises(MisuseError) as caught:
        parsed(prometheus=None, state=" ", listen="localhost", interval="soon")

    said = str(caught.value)

    assert [word for word in ("metric source", "--state", "--listen", "--interval") if word not in said] == []


@pytest.mark.parametrize("interval", ["999ms", "0s", "6m", "1d"])
def test_intervals_have_limits(interval: str) -> None:
    """Faster than a second overruns itself, slower than the look-back of Prometheus sees stale series."""
    with pytest.raises(MisuseError, match="is outside 1s to 5m"):
        parsed(interval=interval)


@pytest.mark.parametrize("url", ["localhost:9090", "ftp://x", "http://", "http://[::1", "http://x:99999", "http://x:0"])
def test_a_metric_source_is_a_http_url(url: str) -> None:
    """Anything else is refused before the first question."""
    with pytest.raises(MisuseError, match="no http or https URL"):
        parsed(prometheus=url)


@pytest.mark.parametrize("text", ["", "localhost", "localhost:", ":", "a:b", "a:65536", "[::1]", "::1:80", "a/b:80"])
def test_a_listen_address_needs_a_port(text: str) -> None:
    """IPv6 addresses stand in brackets, or their last group would be taken for a port."""
    with pytest.raises(UnitError, match="write HOST:PORT"):
        Listen.parse(text)


def test_an_empty_host_is_every_interface() -> None:
    """As in other servers."""
    assert Listen.parse(":80").url() == "http://0.0.0.0:80"


def test_an_ipv6_address_keeps_its_brackets_in_a_url() -> None:
    """Or no browser understands it."""
    assert Listen.parse("[::1]:80").url() == "http://[::1]:80"


@pytest.mark.parametrize("url", SECRET_URLS)
def test_no_password_is_shown(url: str) -> None:
    """URLs of metric sources may carry one, also as a parameter, also where a part of the URL is mistyped."""
    assert "hunter2" not in without_password(url)


@pytest.mark.parametrize("url", SECRET_URLS[3:])
def test_no_password_is_shown_when_a_url_is_refused(url: str) -> None:
    """The message is what people paste into tickets."""
    with pytest.raises(MisuseError) as caught:
        parsed(prometheus=url)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://localhost:9090", "http://localhost:9090"),
        ("https://a:b@m.example/prom/", "https://m.example/prom/"),
        ("http://[::1]:9090/x?y", "http://[::1]:9090/x"),
        ("http://m.example/p?token=a@b", "http://m.example/p"),
        ("localhost:9090", "localhost:9090"),
        ("tocsin.db", "tocsin.db"),
        ("", ""),
    ],
)
def test_what_is_no_secret_is_shown(url: str, shown: str) -> None:
    """Who reads a message must recognise the place."""
    assert shown == without_password(url)


@pytest.mark.parametrize("flag", ["public_url", "public_prometheus"])
def test_where_people_reach_us_is_an_address_for_everybody(flag: str) -> None:
    """A path is kept; a password, parameters, and what would have to be escaped are refused."""
    assert getattr(parsed(**{flag: "https://ops.example/tocsin/"}), flag) == "https://ops.example/tocsin"
    for bad in (
        "ops.example",
        "https://a:b@ops.example",
        "https://ops.example/?x=1",
        "https://ops.example/a b",
        "ftp://x",
    ):
        with pytest.raises(MisuseError, match=f"--{flag.replace('_', '-')}"):
            parsed(**{flag: bad})
