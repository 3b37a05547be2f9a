"""console.toml: what is read, and what a wrong one is told."""

from pathlib import Path

import pytest

from brokers import config
from brokers.config import ConfigError
from brokers.connect import connect, connect_all

FULL = """
[[brokers]]
name = "shop"
url = "env:SHOP"
tap = true
replay = true
exclude = ["tmp.*"]
[consumers.payment]
retry_stream = "orders.payment.retry"
honours_mark = true
[flows]
terminal = ["OrderShipped", "OrderCancelled"]
quiet_after_s = 60
[keys]
order = "/order_id"
[value]
amount = "/total"
currency = "/currency"
default_currency = "EUR"
[[mappings]]
broker = "shop"
stream = "legacy.*"
id = "/meta/id"
type = "=OrderPlaced"
correlation = "header:saga"
keys = {order = "/order/no"}
"""


def read(tmp_path: Path, text: str, **environ: str) -> config.Config:
    path = tmp_path / "console.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(path, None, environ)


def test_a_whole_file(tmp_path: Path) -> None:
    found = read(tmp_path, FULL, SHOP="redis://127.0.0.1:7000/3")
    (broker,) = found.brokers
    assert (broker.url, broker.tap, broker.exclude) == (
        "redis://127.0.0.1:7000/3",
        True,
        ("tmp.*",),
    )
    assert found.consumer("payment").honours_mark is True
    assert found.consumer("somebody").honours_mark is None
    assert found.flows.terminal == ("OrderShipped", "OrderCancelled")
    assert found.keys == {"order": "/order_id"}
    (mapping,) = found.mappings
    assert mapping.places() == {
        "id": "/meta/id",
        "type": "=OrderPlaced",
        "correlation": "header:saga",
    }


def test_one_address_is_observed_only() -> None:
    (broker,) = config.load(None, "redis://127.0.0.1:6379/0", {}).brokers
    assert (broker.name, broker.tap, broker.replay) == ("default", False, False)
    assert config.load(None, None, {}).brokers == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[brokers]]\nname='shop'\nurl=3", "brokers[0].url: Expected `str`, got `int`"),
        ("[[brokers]]\nurl='redis://x'", "brokers[0]: Object missing required field `name`"),
        ("[[brokers]]\nname='a'\nurl='env:NOPE'", "brokers[0].url: NOPE is not set"),
        ("[[brokers]]\nname='a'\nurl='http://x'", "brokers[0].url: not an address"),
        ("[[brokers]]\nname='a'\nurl='redis://x'\nnam=1", "unknown field `nam`"),
        ("[[brokers]]\nname='a'\nurl='redis://x'\npartitions='('", "partitions: not a regular"),
        (
            "[[brokers]]\nname='a'\nurl='redis://x'\ndead_letters=['x']",
            "no named part (?P<consumer>",
        ),
        ("[keys]\norder='order_id'", "keys[...]"),
        ("[[mappings]]\nstream='a'\nid='id'", "mappings[0].id"),
        ("[[mappings]]\nstream='a'\nid='header:'", "mappings[0].id"),
        ("[[mappings]]\nstream='a'\nkeys={order='x'}", "mappings[0].keys[...]"),
        ("[[mappings]]\nstream='a'\ncorrelaton='/a'", "unknown field `correlaton`"),
        ("[[mappings]]\nstream='a'", "mappings[0]: maps nothing"),
        ("[[mappings]]\nid='/a'", "missing required field `stream`"),
        ("[[mappings]]\nstream='a'\nid='/a'\nbroker='b'", "there is no broker 'b'"),
        ("[flows]\nquiet_after_s=0", "flows.quiet_after_s"),
        ("[[brokers]\n", "not valid TOML"),
    ],
)
def test_a_wrong_file_names_the_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as told:
        read(tmp_path, text)
    assert words in str(told.value)
    assert "console.toml" in str(told.value)


def test_a_name_twice_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    twice = "[[brokers]]\nname='a'\nurl='redis://x'\n" * 2
    with pytest.raises(ConfigError, match=r"brokers\[1\].name: 'a' is there twice"):
        read(tmp_path, twice)
    taken = "[[brokers]]\nname='otlp'\nurl='redis://x'\n"
    with pytest.raises(ConfigError, match=r"brokers\[0\].name: 'otlp' is taken"):
        read(tmp_path, taken)
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path / "nothing.toml", None, {})


def test_an_error_does_not_show_a_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        read(tmp_path, "[[brokers]]\nname='a'\nurl='http://u:hunter2@x'")
    assert "hunter2" not in str(told.value)


def test_the_task_transport_is_hidden_whatever_it_is_called() -> None:
    url = "redis://localhost/1"
    (own,) = config.load(None, url, {}, "redis://127.0.0.1:6379/1").brokers
    (other,) = config.load(None, url, {}, "redis://127.0.0.1:6379/2").brokers
    assert own.hidden
    assert not other.hidden


def test_connect_knows_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(config._loaders)
    try:
        config.use(lambda: config.load(None, "redis://127.0.0.1:1/0", {}))
        connect.cache_clear()
        assert [broker.name for broker in connect_all()] == ["default"]
        with pytest.raises(ConfigError, match="no broker 'shop'"):
            connect("shop")
    finally:
        connect.cache_clear()
        config.use(before[0])
