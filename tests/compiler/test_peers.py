import sys
import types

import pytest

from scanlab.bench.curve_peers import PeerTime, peer_times
from scanlab.ir.diagnostics import ScanlabError

MODULES = ["gilbert2d", "hilbert", "hilbertcurve.hilbertcurve"]


@pytest.fixture
def nothing_installed(monkeypatch):
    for module in MODULES:
        monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.usefixtures("nothing_installed")
def test_absent_peers_are_quoted_by_their_published_figures():
    assert peer_times(1024) == [
        PeerTime("gilbert2d", "gilbert", 1.5, "published", "gilbert2d.py is one file, not on PyPI"),
        PeerTime("numpy-hilbert-curve", "hilbert", 2.3, "published", "not installed"),
        PeerTime("hilbertcurve", "hilbert", 7.0, "published", "not installed"),
    ]


@pytest.mark.usefixtures("nothing_installed")
def test_published_figures_scale_with_the_cells():
    assert [peer.seconds for peer in peer_times(512)] == [1.5 / 4, 2.3 / 4, 7.0 / 4]


@pytest.mark.usefixtures("nothing_installed")
def test_an_installed_peer_is_measured(monkeypatch):
    asked = []
    peer = types.SimpleNamespace(gilbert2d=lambda width, height: iter([asked.append((width, height))]))
    monkeypatch.setitem(sys.modules, "gilbert2d", peer)
    first = peer_times(8)[0]
    assert asked == [(8, 8)]
    assert (first.source, first.note) == ("measured", "") and 0 <= first.seconds < 1


@pytest.mark.usefixtures("nothing_installed")
def test_a_broken_peer_is_quoted_with_its_error(monkeypatch):
    def decode(distances, ndim, bits):
        raise TypeError("no such dtype")

    monkeypatch.setitem(sys.modules, "hilbert", types.SimpleNamespace(decode=decode))
    assert peer_times(1024)[1] == PeerTime("numpy-hilbert-curve", "hilbert", 2.3, "published", "failed: no such dtype")


@pytest.mark.parametrize("side", [0, -4, 14])
def test_a_side_that_is_no_power_of_two_is_refused(side):
    with pytest.raises(ScanlabError) as caught:
        peer_times(side)
    assert caught.value.code == "S481"


@pytest.mark.parametrize("side", [1, 8])
def test_installed_peers_really_run(side):
    for peer in peer_times(side):
        assert peer.source == "measured" or "failed" not in peer.note, peer
